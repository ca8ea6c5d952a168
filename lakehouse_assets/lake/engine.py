"""The embedded engine: DuckDB, bounded in memory, in UTC, reading and writing Parquet with Iceberg's field ids.

Belongs here: connections, binding files as views, writing a select as files. Does not: what is selected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.schema import DUCKDB_TYPES
from lakehouse_assets.settings import Settings
from lakehouse_assets.transforms.text import macros_text

ROW_GROUP_ROWS = 122_880
"""DuckDB's own default: one row group is one unit of parallel work."""


def quoted(name: str) -> str:
    """An identifier for SQL; only names of contracts come here.

    Raises:
        ValueError: the name is not a plain snake_case word.
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} is not a column or table name")
    return f'"{name}"'


def literal(text: str) -> str:
    """A string literal for the few places where DuckDB takes no bound parameter (file names, COPY targets)."""
    return "'" + text.replace("'", "''") + "'"


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine within the memory limit of the settings; it spills below the state folder."""
    spill = settings.home / "spill"
    connection = duckdb.connect(
        config={
            "memory_limit": settings.engine.memory_limit,
            "threads": settings.engine.threads,
            "preserve_insertion_order": False,
            "temp_directory": str(spill),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(macros_text())
    return connection


def bind_files(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    contract: Contract,
    field_ids: Mapping[str, int],
    paths: Sequence[str],
) -> None:
    """Show Parquet files as a view with the contract's columns, matched by field id; null where a file lacks one."""
    known = {column.name: field_ids[column.name] for column in contract.columns if column.name in field_ids}
    if not paths or not known:
        columns = (f"CAST(NULL AS {DUCKDB_TYPES[c.type]}) AS {quoted(c.name)}" for c in contract.columns)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT {', '.join(columns)} WHERE FALSE")
        return
    fields = ", ".join(
        f"{number}: {{name: {literal(column)}, type: '{DUCKDB_TYPES[contract.by_name[column].type]}', "
        "default_value: NULL}"
        for column, number in known.items()
    )
    files = ", ".join(literal(local_path(path)) for path in paths)
    columns = (
        quoted(c.name) if c.name in known else f"CAST(NULL AS {DUCKDB_TYPES[c.type]}) AS {quoted(c.name)}"
        for c in contract.columns
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT {', '.join(columns)} FROM "
        f"read_parquet([{files}], schema = MAP {{{fields}}}, hive_partitioning = false)"
    )


@dataclass(frozen=True)
class WrittenFile:
    """A Parquet file that the engine wrote: its path and rows."""

    path: str
    rows: int


def write_files(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    contract: Contract,
    field_ids: Mapping[str, int],
    folder: str,
    parameters: Mapping[str, object],
) -> tuple[WrittenFile, ...]:
    """Stream a select into Parquet files below `folder`, cast to the contract, one partition a file.

    Raises:
        duckdb.Error: the select fails; whatever was written stays in `folder`, unseen.
    """
    Path(local_path(folder)).mkdir(parents=True)
    casts = ", ".join(f"CAST({quoted(c.name)} AS {DUCKDB_TYPES[c.type]}) AS {quoted(c.name)}" for c in contract.columns)
    order = f" ORDER BY {', '.join(map(quoted, contract.sort))}" if contract.sort else ""
    ids = ", ".join(f"{quoted(name)}: {number}" for name, number in field_ids.items())
    options = [
        "FORMAT parquet", "COMPRESSION zstd", f"FIELD_IDS {{{ids}}}", f"ROW_GROUP_SIZE {ROW_GROUP_ROWS}", "RETURN_STATS"
    ]  # fmt: skip
    target = local_path(folder)
    if contract.partition:
        options += [f"PARTITION_BY ({', '.join(map(quoted, contract.partition))})", "WRITE_PARTITION_COLUMNS true"]
    else:
        target += "/data_0.parquet"
    text = f"COPY (SELECT {casts} FROM ({select}){order}) TO {literal(target)} ({', '.join(options)})"
    written = connection.execute(text, dict(parameters) or None).fetchall()
    return tuple(WrittenFile(path=path, rows=rows) for path, rows, *_ in written if rows)
