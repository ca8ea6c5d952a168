"""The embedded engine: DuckDB, bounded in memory, in UTC, reading and writing Parquet with Iceberg's field ids.

Belongs here: connections, binding files as views, writing a select as files. Does not: what is selected.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake import storage
from lakehouse_assets.lake.schema import DUCKDB_TYPES
from lakehouse_assets.settings import Settings
from lakehouse_assets.transforms.called import register
from lakehouse_assets.transforms.text import macros_text

if TYPE_CHECKING:
    import duckdb

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


def cast(column: Column, value: str | None = None) -> str:
    """A column of a select as its contract types it: the column itself, or the value that stands for it."""
    name = quoted(column.name)
    return f"CAST({name if value is None else value} AS {DUCKDB_TYPES[column.type]}) AS {name}"


def casts(contract: Contract) -> str:
    """The contract's columns, cast to its types."""
    return ", ".join(map(cast, contract.columns))


def columns_of(contract: Contract, known: Container[str]) -> str:
    """The contract's columns; null of their type where they are not known."""
    return ", ".join(quoted(c.name) if c.name in known else cast(c, "NULL") for c in contract.columns)


def literal(text: str) -> str:
    """A string literal for the few places where DuckDB takes no bound parameter (file names, COPY targets)."""
    return "'" + text.replace("'", "''") + "'"


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine within the memory limit of the settings; it spills below the state folder."""
    import duckdb

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
    connection.execute("SET enable_progress_bar = false")  # it would be drawn into the output of whoever reads stdout
    connection.execute(macros_text())
    register(connection)
    if settings.storage.warehouse:
        connection.register_filesystem(storage.bucket(settings))
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
        nothing = f"SELECT {columns_of(contract, ())} WHERE FALSE"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {nothing}")
        return
    fields = ", ".join(
        f"{number}: {{name: {literal(column)}, type: '{DUCKDB_TYPES[contract.by_name[column].type]}', "
        "default_value: NULL}"
        for column, number in known.items()
    )
    files = ", ".join(literal(storage.native(path)) for path in paths)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT {columns_of(contract, known)} FROM "
        f"read_parquet([{files}], schema = MAP {{{fields}}}, hive_partitioning = false)"
    )


def write_file(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    contract: Contract,
    field_ids: Mapping[str, int],
    path: str,
    parameters: Mapping[str, object],
) -> int:
    """Stream a select into one Parquet file, cast to the contract and in its sort order; the rows written.

    Raises:
        duckdb.Error: the select fails; whatever was written stays at `path`, unseen.
    """
    storage.make_folder(path)
    order = f" ORDER BY {', '.join(map(quoted, contract.sort))}" if contract.sort else ""
    ids = ", ".join(f"{quoted(name)}: {number}" for name, number in field_ids.items())
    text = (
        f"COPY (SELECT {casts(contract)} FROM ({select}){order}) TO {literal(storage.native(path))} "
        f"(FORMAT parquet, COMPRESSION zstd, FIELD_IDS {{{ids}}}, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
    )
    written = connection.execute(text, dict(parameters) or None).fetchone()
    return int(written[0]) if written else 0


def partitions_in(connection: duckdb.DuckDBPyConnection, contract: Contract, path: str) -> list[tuple[Any, ...]]:
    """The distinct values of the partition columns in a written file, nulls included."""
    columns = ", ".join(map(quoted, contract.partition))
    return connection.execute(f"SELECT DISTINCT {columns} FROM {_written(path)} ORDER BY ALL").fetchall()


def split_file(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    contract: Contract,
    field_ids: Mapping[str, int],
    path: str,
    partitions: Sequence[tuple[Any, ...]],
) -> list[str]:
    """Write one file a partition from a file that holds several, which is then removed.

    One plain file and a second pass where it is needed takes a third of the time of the engine's PARTITION_BY,
    and most days have one source.
    """
    same = " AND ".join(f"{quoted(name)} IS NOT DISTINCT FROM $p{n}" for n, name in enumerate(contract.partition))
    split = []
    for number, values in enumerate(partitions, start=1):
        part = f"{path.removesuffix('.parquet')}_{number}.parquet"
        parameters = {f"p{position}": value for position, value in enumerate(values)}
        write_file(connection, f"SELECT * FROM {_written(path)} WHERE {same}", contract, field_ids, part, parameters)
        split.append(part)
    storage.remove_file(settings, path)
    return split


def _written(path: str) -> str:
    return f"read_parquet({literal(storage.native(path))}, hive_partitioning = false)"
