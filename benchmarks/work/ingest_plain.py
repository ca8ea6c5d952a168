"""The limit of ingestion: one COPY of the canonical columns from the raw files to plain Parquet, one day's folder.

No Iceberg, no gates, no digests, no metadata. `by_engine` lets the engine split the rows by PARTITION_BY instead of
naming the day's folder.
"""

from benchmarks.clock import answer, clocked, given
from benchmarks.work.plain import connect
from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.lake.schema import DUCKDB_TYPES
from lakehouse_assets.settings import load_settings

SOURCE = "simulated"


def select(files: str, present: frozenset[str]) -> str:
    """The canonical columns of the raw files; null or a constant where they have none."""
    made = {
        "source": f"'{SOURCE}'",
        "source_file": "filename",
        "source_seq": "file_row_number",
        "ingest_id": "'0123456789abcdef'",
        "ingested_at": "TIMESTAMPTZ '2026-11-20 12:00:00+00'",
        "venue": "'KRX'",
        "currency": "'KRW'",
        "flags": "0",
    }
    columns = []
    for column in BRONZE_OPTION_TICKS.columns:
        value = f'"{column.name}"' if column.name in present else made.get(column.name, "NULL")
        columns.append(f'CAST({value} AS {DUCKDB_TYPES[column.type]}) AS "{column.name}"')
    return f"SELECT {', '.join(columns)} FROM read_parquet('{files}', filename = true, file_row_number = true)"


def main() -> None:
    """Work and answer."""
    arguments, home = given(), load_settings().home
    files = str(home / "raw" / SOURCE / arguments["day"] / "part-*.parquet")
    with connect(home / "spill") as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{files}')").fetchall()
        text = select(files, frozenset(row[0] for row in described))
        folder = home / "plain"
        target, options = f"{folder}/source={SOURCE}/trading_date={arguments['day']}/data.parquet", ""
        if arguments.get("by_engine"):
            target, options = str(folder), ", PARTITION_BY (source, trading_date), WRITE_PARTITION_COLUMNS true"
        with clocked() as spent:
            if not options:
                (folder / f"source={SOURCE}" / f"trading_date={arguments['day']}").mkdir(parents=True)
            connection.execute(f"COPY ({text}) TO '{target}' (FORMAT parquet, COMPRESSION zstd{options})")
        written = connection.execute(f"SELECT COUNT(*) FROM read_parquet('{folder}/**/*.parquet')").fetchone()
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    answer(spent, rows=written[0] if written else 0, bytes=size)


if __name__ == "__main__":
    main()
