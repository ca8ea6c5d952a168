"""Damage to whole files: what a landing zone must refuse, and what it must take in only once.

Belongs here: the three faults of files. Does not: faults of rows.

| fault | file | what the manifest should say |
|---|---|---|
| EXTRA_COLUMN | `vendor-0000.parquet`: some rows of the day's first file with a column `vendor_note` | rejected |
| TRUNCATED_GZIP | `late-0000.parquet.gz`: a gzip that ends in the middle | rejected |
| REDELIVERED_FILE | `underlying_resent-0000.parquet`: the bytes of the day's file of underlying ticks | duplicate |
"""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_assets.sources.simulator.faults import FaultRates
from lakehouse_assets.sources.simulator.writer import land, write_parquet

EXTRA_COLUMN, TRUNCATED_GZIP, REDELIVERED_FILE = "EXTRA_COLUMN", "TRUNCATED_GZIP", "REDELIVERED_FILE"
NAMES = {
    EXTRA_COLUMN: "vendor-0000.parquet",
    TRUNCATED_GZIP: "late-0000.parquet.gz",
    REDELIVERED_FILE: "underlying_resent-0000.parquet",
}
SAMPLE_ROWS = 1_000


def files_hit(days: int, rates: FaultRates) -> list[frozenset[str]]:
    """Which faults each day has: each fault on as many days as the rates say, on different ones where possible."""
    wanted = {
        EXTRA_COLUMN: rates.extra_column_files,
        TRUNCATED_GZIP: rates.truncated_files,
        REDELIVERED_FILE: rates.redelivered_files,
    }
    hit: list[set[str]] = [set() for _ in range(days)]
    for first, (fault, count) in enumerate(wanted.items()):
        for k in range(min(count, days)):
            hit[(first + k) % days].add(fault)
    return [frozenset(faults) for faults in hit]


def damage(folder: Path, faults: frozenset[str]) -> Iterator[dict[str, str | None]]:
    """Land the damaged files of one day beside its good ones, and yield their truth.

    Args:
        folder: the day's folder, `<landing zone>/<source>/<trading date>`, with its good files.
        faults: which ones.
    """
    place = f"{folder.parent.name}/{folder.name}"
    good, underlying = folder / "part-0000.parquet", folder / "underlying-0000.parquet"
    for fault in sorted(faults):
        path = folder / NAMES[fault]
        if fault == EXTRA_COLUMN:
            write_parquet(_annotated(good), path)
        elif fault == TRUNCATED_GZIP:
            land(path, lambda part: part.write_bytes(_half_a_gzip(underlying)))
        else:
            land(path, lambda part: shutil.copyfile(underlying, part))
        is_repeat = fault == REDELIVERED_FILE
        yield {
            "file": f"{place}/{path.name}",
            "fault": fault,
            "status": "duplicate" if is_repeat else "rejected",
            "repeats": f"{place}/{underlying.name}" if is_repeat else None,
        }


def _annotated(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        rows = pa.Table.from_batches([next(file.iter_batches(batch_size=SAMPLE_ROWS))])
    return rows.append_column("vendor_note", pa.array(["checked"] * len(rows)))


def _half_a_gzip(path: Path) -> bytes:
    whole = gzip.compress(path.read_bytes(), compresslevel=1, mtime=0)
    return whole[: len(whole) // 2]
