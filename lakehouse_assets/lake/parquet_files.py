"""The output of somebody else's job as a table's content: Parquet files in one folder a trading date.

Belongs here: reading `trading_date=<date>/*.parquet`, as Spark's `partitionBy` writes it. Does not: running the job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.content_hash import rows_hash
from lakehouse_assets.lake.engine import connect, literal, quoted
from lakehouse_assets.lake.schema import DUCKDB_TYPES
from lakehouse_assets.lake.table import Table
from lakehouse_assets.settings import Settings

if TYPE_CHECKING:
    import duckdb

VIEW = "written"


class OutputChanged(RuntimeError):
    """The job's files changed while they were taken in; the message says which folder."""


@dataclass(frozen=True)
class ParquetFiles:
    """What a job wrote below `folder` from `inputs`; a date without a folder has no rows.

    The files are streamed, never held. Columns are found by their names; further ones are left out.
    """

    contract: Contract
    folder: Path
    settings: Settings
    inputs: Mapping[str, Table] = field(default_factory=dict)
    _seen: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fingerprint(self, partition_key: str) -> str:
        """Over the rows in any order: Spark's files are never twice the same bytes."""
        self._seen[partition_key] = self._state(partition_key)
        with connect(self.settings) as connection:
            connection.execute(f"CREATE TEMP VIEW {quoted(VIEW)} AS {self._select(partition_key)}")
            return rows_hash(connection, self.contract, VIEW)

    def open(self, _: duckdb.DuckDBPyConnection, partition_key: str) -> tuple[str, Mapping[str, object]]:
        """Let the engine read the date's files by itself."""
        return self._select(partition_key), {}

    def confirm(self, partition_key: str) -> None:
        """Refuse the rows where the files are others than when they were counted in.

        Raises:
            OutputChanged: another run of the job writes to the same folder.
        """
        if self._state(partition_key) != self._seen.get(partition_key):
            raise OutputChanged(f"{self._place(partition_key)} changed while it was read: let each run have its own")

    def _select(self, partition_key: str) -> str:
        """The date's rows in the contract's types; the folder's name is their date."""
        files = self._files(partition_key)
        columns = ", ".join(
            f"CAST({self._value(column.name, partition_key, bool(files))} AS {DUCKDB_TYPES[column.type]}) "
            f"AS {quoted(column.name)}"
            for column in self.contract.columns
        )
        paths = ", ".join(literal(str(file)) for file in files)
        source = f"FROM read_parquet([{paths}], hive_partitioning = false)" if files else "WHERE FALSE"
        return f"SELECT {columns} {source}"

    def _value(self, column: str, partition_key: str, is_there: bool) -> str:
        if column == "trading_date":
            return literal(partition_key)
        return quoted(column) if is_there else "NULL"

    def _state(self, partition_key: str) -> list[tuple[str, int, int]]:
        """What changes with any write: names, sizes and times."""
        found = [(file.name, file.stat()) for file in self._files(partition_key)]
        return [(name, known.st_size, known.st_mtime_ns) for name, known in found]

    def _files(self, partition_key: str) -> list[Path]:
        return sorted(self._place(partition_key).glob("*.parquet"))

    def _place(self, partition_key: str) -> Path:
        return self.folder / f"trading_date={partition_key}"
