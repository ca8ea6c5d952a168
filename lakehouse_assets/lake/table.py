"""A table at a pinned snapshot, as an asset sees its inputs.

Belongs here: which files a snapshot holds for which partitions, and reading them. Does not: writing.
Nothing is read before somebody asks: a handle is a snapshot id and a list of files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from itertools import starmap
from typing import TYPE_CHECKING

from pyiceberg.expressions import AlwaysTrue, BooleanExpression, In
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engine import bind_files, connect, quoted
from lakehouse_assets.lake.paths import commit_key_of, place_of
from lakehouse_assets.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_ROWS = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

COPIED = "copied."
"""Begins the tag of a snapshot that shows what a snapshot of another lake showed, whose id follows."""


@dataclass(frozen=True)
class PlannedFile:
    """One data file of a snapshot; `trading_date` is null in a table without partitions."""

    path: str
    rows: int
    bytes: int
    trading_date: date | None
    nulls: int = 0

    @property
    def commit_key(self) -> str | None:
        """The content key of the commit that wrote the file; none for a file of a foreign writer."""
        return commit_key_of(self.path)


class SnapshotMissing(LookupError):
    """A table has no such snapshot, or had none yet at the time; the message says which table."""


class DeleteFilesFound(RuntimeError):
    """A foreign writer left delete files; reading the data files alone would show deleted rows."""


@dataclass(frozen=True)
class Table:
    """A table's rows at one snapshot, restricted to some partitions; `snapshot_id` is None while it is empty."""

    contract: Contract
    snapshot_id: int | None
    files: tuple[PlannedFile, ...]
    field_ids: tuple[tuple[str, int], ...]
    settings: Settings

    @property
    def rows(self) -> int:
        """Rows, by the metadata."""
        return sum(file.rows for file in self.files)

    @property
    def trading_dates(self) -> tuple[date, ...]:
        """The trading dates that hold rows, ascending."""
        return tuple(sorted({file.trading_date for file in self.files if file.trading_date}))

    @cached_property
    def content_key(self) -> str:
        """A digest of what the handle shows: its immutable files, by their places below the table."""
        return sha256("\n".join(sorted(place_of(file.path) for file in self.files)).encode()).hexdigest()

    def only(self, partition_key: str) -> Table:
        """The same snapshot restricted to one partition; a table without partitions stays whole."""
        if not self.contract.is_partitioned:
            return self
        wanted = date.fromisoformat(partition_key)
        return replace(self, files=tuple(file for file in self.files if file.trading_date == wanted))

    def bind(self, connection: duckdb.DuckDBPyConnection, name: str | None = None) -> None:
        """Show the rows to the engine as a view called like the table (or `name`)."""
        bind_files(
            connection, name or self.contract.table, self.contract, dict(self.field_ids), [f.path for f in self.files]
        )

    def batches(
        self, columns: Sequence[str] | None = None, size: int = BATCH_ROWS, order_by: Sequence[str] = ()
    ) -> pa.RecordBatchReader:
        """Stream the rows as record batches of at most `size` rows, in a stable order where `order_by` says one.

        Raises:
            KeyError: a column is not in the contract.
        """
        chosen = list(columns) if columns is not None else list(self.contract.column_names)
        for name in (*chosen, *order_by):
            if name not in self.contract.by_name:
                raise KeyError(f"{self.contract.table} has no column {name}")
        connection = connect(self.settings)
        self.bind(connection)
        text = f"SELECT {', '.join(map(quoted, chosen))} FROM {quoted(self.contract.table)}"
        if order_by:
            text += f" ORDER BY {', '.join(map(quoted, order_by))}"
        return connection.sql(text).to_arrow_reader(size)


def partition_filter(contract: Contract, partition_keys: Iterable[str] | None) -> BooleanExpression:
    """Exactly the rows of these trading dates; everything where the table has none."""
    if partition_keys is None or not contract.is_partitioned:
        return AlwaysTrue()
    return In(term="trading_date", literals={date.fromisoformat(key) for key in partition_keys})


def planned_files(
    table: IcebergTable, contract: Contract, partition_keys: Iterable[str] | None, snapshot_id: int | None = None
) -> tuple[PlannedFile, ...]:
    """The data files that a snapshot (default: the current one) holds for these partitions.

    Raises:
        DeleteFilesFound: a foreign writer deleted single rows.
    """
    files = starmap(described, data_files(table, contract, partition_keys, snapshot_id))
    return tuple(sorted(files, key=lambda file: file.path))


def data_files(
    table: IcebergTable, contract: Contract, partition_keys: Iterable[str] | None, snapshot_id: int | None = None
) -> Iterator[tuple[DataFile, date | None]]:
    """The same files as manifests name them, each with its trading date (None: the table has none).

    Raises:
        DeleteFilesFound: a foreign writer deleted single rows.
    """
    if table.current_snapshot() is None:
        return
    spec_positions = {field.name: position for position, field in enumerate(table.spec().fields)}
    position = spec_positions.get("trading_date")
    for task in table.scan(partition_filter(contract, partition_keys), snapshot_id=snapshot_id).plan_files():
        if task.delete_files:
            raise DeleteFilesFound(
                f"{contract.table} holds row-level delete files of another writer: compact it (rewrite_data_files), "
                "then run again"
            )
        yield task.file, as_date(task.file.partition[position]) if position is not None else None


def described(data: DataFile, trading_date: date | None) -> PlannedFile:
    """What the lake keeps in mind of a data file."""
    nulls = sum((data.null_value_counts or {}).values())
    return PlannedFile(data.file_path, data.record_count, data.file_size_in_bytes, trading_date, nulls)


def pin(lake: Lake, contract: Contract, partition_keys: Iterable[str] | None = None) -> Table:
    """The table now, restricted to these trading dates; empty where nothing was written."""
    if not lake.exists(contract.table):
        return Table(contract, None, (), (), lake.settings)
    table = lake.load(contract.table)
    current = table.current_snapshot()
    return _handle(lake, table, contract, current.snapshot_id if current else None, partition_keys)


def pin_at(lake: Lake, contract: Contract, snapshot_id: int) -> Table:
    """The table at a snapshot that was recorded earlier, whatever was written since; all partitions.

    Where that snapshot was `main`'s, the handle shows the same files as `pin` did then, hence the same content key.
    A snapshot of the lake that this one was copied from is found by its tag.

    Raises:
        TableMissing: nothing was ever written to the table.
        SnapshotMissing: the table has no such snapshot (any more).
    """
    table = lake.load(contract.table)
    found = known_snapshot(table, snapshot_id)
    if found is None:
        raise SnapshotMissing(
            f"{contract.table} has no snapshot {snapshot_id}: it was expired, or the tables were made anew since; "
            f"`lakehouse history {contract.table}` lists those that are there, and only a copy of the state folder "
            "from before brings it back"
        )
    return _handle(lake, table, contract, found, None)


def known_snapshot(table: IcebergTable, snapshot_id: int) -> int | None:
    """The table's own snapshot of this id, else the one that was copied from it; None where there is neither."""
    if table.snapshot_by_id(snapshot_id) is not None:
        return snapshot_id
    copied = table.metadata.refs.get(f"{COPIED}{snapshot_id}")
    return copied.snapshot_id if copied else None


def _handle(
    lake: Lake, table: IcebergTable, contract: Contract, snapshot_id: int | None, partition_keys: Iterable[str] | None
) -> Table:
    ids = tuple((field.name, field.field_id) for field in table.schema().fields)
    files = planned_files(table, contract, partition_keys, snapshot_id)
    return Table(contract, snapshot_id, files, ids, lake.settings)


def snapshot_as_of(table: IcebergTable, moment: datetime) -> int:
    """The snapshot that `main` showed at a moment with a time zone.

    Raises:
        ValueError: the moment has no time zone.
        SnapshotMissing: the table held nothing yet, or the snapshots of that time have expired.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: write it with an offset, such as +00:00")
    snapshot = table.snapshot_as_of_timestamp((moment - EPOCH) // timedelta(milliseconds=1))
    if snapshot is None:
        raise SnapshotMissing(f"{'.'.join(table.name())} has no snapshot as old as {moment.isoformat()}")
    return snapshot.snapshot_id


def as_date(value: date | int | None) -> date | None:
    """Iceberg holds a date as days since 1970-01-01."""
    if value is None or isinstance(value, date):
        return value
    return date.fromordinal(date(1970, 1, 1).toordinal() + value)
