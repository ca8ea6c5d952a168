"""The same SQL texts on plain Parquet: one COPY a table, the next table reads the file.

The bronze files are those that the lake published: the very same bytes. Each table has a connection of its own: one
for all is not faster. `by_field_id` shows bronze as the lake does: the engine then knows no row counts, and plans
another order of joins.
"""

from collections.abc import Mapping

import duckdb

from benchmarks.clock import answer, clocked, given
from benchmarks.work.plain import connect
from benchmarks.work.refining import BRONZE, STEPS, parameters
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import load_settings
from lakehouse_assets.transforms.called import register
from lakehouse_assets.transforms.text import macros_text, parameters_of, sql_text


def show(connection: duckdb.DuckDBPyConnection, files: Mapping[str, list[str]]) -> None:
    """Each table that is there already, as a view over its files."""
    connection.execute(macros_text())
    register(connection)
    for name, paths in files.items():
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({paths})")


def main() -> None:
    """Work and answer."""
    arguments, settings = given(), load_settings()
    lake, folder = Lake(settings), settings.home / "plain"
    pinned = {name: pin(lake, CONTRACTS[name], [arguments["day"]]) for name in BRONZE}
    files = {name: [local_path(file.path) for file in table.files] for name, table in pinned.items()}
    values, rows = parameters(), 0
    with clocked() as spent:
        folder.mkdir()
        for table in (table for tables in STEPS for table in tables):
            text, target = sql_text(table), folder / f"{table}.parquet"
            named = {name: values[name] for name in parameters_of(text)}
            with spent.part(f"{table}_seconds"), connect(settings.home / "spill") as connection:
                show(connection, files)
                for handle in pinned.values() if arguments.get("by_field_id") else ():
                    handle.bind(connection)
                copied = connection.execute(
                    f"COPY ({text}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)", named or None
                )
                written = copied.fetchone()
            files[table] = [str(target)]
            rows += written[0] if written else 0
    answer(spent, rows=rows)


if __name__ == "__main__":
    main()
