"""Simulations for the tests, and an independent reading of what they landed: DuckDB over the files.

Belongs here: reading files back with their place in them. Does not: anything of the simulator's own arrays.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from lakehouse_assets.sources.simulator import Profile, SimulationReport, simulate

SATURDAY = date(2026, 11, 21)


class Landed(NamedTuple):
    """A simulation's folders and report."""

    raw: Path
    truth: Path
    report: SimulationReport

    @property
    def files(self) -> list[Path]:
        """All landed files in order."""
        return sorted(path for path in self.raw.rglob("*") if path.is_file())


def land(
    home: Path, profile: Profile = "realistic", days: int = 1, rows_per_day: int = 20_000, seed: int = 3
) -> Landed:
    """Simulate into a folder, the last trading date being Friday 2026-11-20."""
    raw, truth = home / "raw", home / "truth"
    report = simulate(raw, truth, days=days, rows_per_day=rows_per_day, seed=seed, profile=profile, last_date=SATURDAY)
    return Landed(raw, truth, report)


def connect(landed: Landed) -> duckdb.DuckDBPyConnection:
    """A connection with `ticks` (`file`, `source_seq`, the columns), `truth` and `underlying`."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    for table, pattern in (("ticks", "part-*"), ("underlying", "underlying-*")):
        connection.execute(
            f"""CREATE TABLE {table} AS
                SELECT substr(filename, ?) AS file, file_row_number AS source_seq, * EXCLUDE (filename, file_row_number)
                FROM read_parquet(?, filename = true, file_row_number = true)""",
            [len(str(landed.raw)) + 2, f"{landed.raw}/*/*/{pattern}.parquet"],
        )
    connection.execute("CREATE TABLE truth AS SELECT * FROM read_parquet(?)", [f"{landed.truth}/rows/*/part-*.parquet"])
    return connection


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> set[tuple[str, int]]:
    """The (file, source_seq) that a query selects."""
    return set(connection.execute(query).fetchall())


def one(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    """The number that a query selects."""
    found = connection.execute(query).fetchone()
    assert found is not None
    return float(found[0])


def share(connection: duckdb.DuckDBPyConnection, condition: str, among: str = "true") -> float:
    """The share of ticks that meet a condition."""
    return one(connection, f"SELECT avg(CASE WHEN {condition} THEN 1.0 ELSE 0.0 END) FROM ticks WHERE {among}")


def connected(landed: Landed) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is closed afterwards, for fixtures."""
    with connect(landed) as connection:
        yield connection
