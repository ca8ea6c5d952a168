"""Files that appear whole or not at all, with the same bytes for the same content.

Belongs here: writing. Does not: what is written.
"""

import filecmp
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

COMPRESSION = "snappy"
COUNTERS = ("timestamp", "ts_recv", "sequence", "source_seq")
"""Columns that grow: small as differences, hopeless as a dictionary."""


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as one Parquet file; dictionary columns come back as plain strings.

    A file that already has these bytes is left as it is, with its modification time.
    """
    counters = [name for name in COUNTERS if name in table.column_names]
    options: dict[str, Any] = {
        "compression": COMPRESSION,
        "store_schema": False,
        "use_dictionary": [name for name in table.column_names if name not in counters],
        "column_encoding": dict.fromkeys(counters, "DELTA_BINARY_PACKED") or None,
    }
    land(path, lambda part: pq.write_table(table, part, **options))


def land(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a hidden file beside `path`, then rename it: a killed process leaves no half file there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    write(part)
    if path.is_file() and filecmp.cmp(part, path, shallow=False):
        part.unlink()
    else:
        part.replace(path)
