"""The same SQL texts on plain Parquet: one connection, one COPY a table, the next table reads the file.

The bronze files are those that the lake published: the very same bytes.
"""

from benchmarks.clock import answer, clocked, given
from benchmarks.work.plain import connect
from benchmarks.work.refining import BRONZE, STEPS, parameters
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import load_settings
from lakehouse_assets.transforms.text import macros_text, parameters_of, sql_text


def main() -> None:
    """Work and answer."""
    arguments, settings = given(), load_settings()
    lake, folder = Lake(settings), settings.home / "plain"
    files = {name: pin(lake, CONTRACTS[name], [arguments["day"]]).files for name in BRONZE}
    values, rows = parameters(), 0
    with connect(settings.home / "spill") as connection, clocked() as spent:
        folder.mkdir()
        connection.execute(macros_text())
        for name, planned in files.items():
            paths = [local_path(file.path) for file in planned]
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet({paths})")
        for table in (table for tables in STEPS for table in tables):
            text, target = sql_text(table), folder / f"{table}.parquet"
            named = {name: values[name] for name in parameters_of(text)}
            with spent.part(f"{table}_seconds"):
                copied = connection.execute(
                    f"COPY ({text}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)", named or None
                )
                written = copied.fetchone()
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{target}')")
            rows += written[0] if written else 0
    answer(spent, rows=rows)


if __name__ == "__main__":
    main()
