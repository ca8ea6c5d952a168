"""Writing files that nobody sees yet: step one of every write.

Belongs here: base, content key and data files. Does not: guarding partitions (`strays`), judging rows (`gates`),
nor making them visible (`commit`).
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engine import connect, partitions_in, split_file, write_file
from lakehouse_assets.lake.paths import KEY_DIGITS, staging_folder
from lakehouse_assets.lake.query import Content, digest
from lakehouse_assets.lake.schema import (
    ICEBERG_TYPES,
    documentation,
    field_ids,
    missing_columns,
    refuse_other_layout,
    widened_columns,
)
from lakehouse_assets.lake.storage import remove_folder
from lakehouse_assets.lake.strays import guarded, refuse_strays
from lakehouse_assets.lake.table import PlannedFile, Table, described, planned_files
from lakehouse_assets.settings import Settings

WHOLE = "all"
"""The partition key of a table without partitions."""


@dataclass(frozen=True)
class StagedPartition:
    """One partition's files, written but not visible; `is_current` where `main` already holds this content."""

    key: str
    commit_key: str
    base: frozenset[str]
    files: tuple[PlannedFile, ...]
    data_files: tuple[DataFile, ...]
    folder: str | None
    is_current: bool
    seconds: float

    @property
    def rows(self) -> int:
        """Rows in the files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of the files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True)
class Staged:
    """A write in waiting: its partitions, the inputs that were read, and the ids its columns carry."""

    contract: Contract
    partitions: tuple[StagedPartition, ...]
    inputs: Mapping[str, Table]
    field_ids: Mapping[str, int]
    settings: Settings
    previous_rows: Mapping[str, int]

    @property
    def rows(self) -> int:
        """Rows over all partitions."""
        return sum(part.rows for part in self.partitions)

    def table(self, part: StagedPartition) -> Table:
        """A handle on the staged rows of one partition, to judge them."""
        return Table(self.contract, None, part.files, tuple(self.field_ids.items()), self.settings)

    def discard(self) -> None:
        """Remove the staged files; what was published stays."""
        for part in self.partitions:
            discard(self.settings, part)


def stage(lake: Lake, contract: Contract, content: Content, partition_keys: Iterable[str]) -> Staged:
    """Write each partition's rows to files that nobody can see; skip what `main` already holds.

    Raises:
        StrayRows: a row belongs to no partition or to another one; the files are removed.
        SchemaConflict: the contract would narrow the table.
        ValueError: partition keys for a table without partitions.
        duckdb.Error: the engine fails; the files are removed.
    """
    keys = list(dict.fromkeys(partition_keys))  # the same key twice would publish its rows twice
    if not contract.is_partitioned and keys != [WHOLE]:
        raise ValueError(f"{contract.table} has no partitions: stage it with the one key {WHOLE!r}, not {keys}")
    table = lake.load_or_create(contract)
    refuse_other_layout(contract, table.spec())
    metadata = evolved(table, contract)
    ids = field_ids(contract, table.metadata)
    staged: list[StagedPartition] = []
    try:
        for key in keys:  # what is already staged must be known when a later one fails
            staged.append(_stage_partition(lake, table, metadata, contract, content, key, ids))  # noqa: PERF401
    except BaseException:
        for part in staged:
            discard(lake.settings, part)
        raise
    return Staged(contract, tuple(staged), content.inputs, ids, lake.settings, _rows_by_date(table, contract))


def commit_key_for(contract: Contract, content: Content, key: str, ids: Mapping[str, int]) -> str:
    """The name of a partition's content: equal rows in equal columns, equal key."""
    return digest([content.fingerprint(key), key, dict(ids), list(contract.partition)])[:KEY_DIGITS]


def discard(settings: Settings, part: StagedPartition) -> None:
    """Remove one partition's staged files."""
    if part.folder is not None:
        remove_folder(settings, part.folder)


def evolve(transaction: Transaction, contract: Contract) -> None:
    """Add and widen the columns that the contract has beyond the table, inside the transaction."""
    schema = transaction.table_metadata.schema()
    missing, widened = missing_columns(contract, schema), widened_columns(contract, schema)
    if not missing and not widened:
        return
    with transaction.update_schema() as update:
        for column in missing:
            update.add_column(column.name, ICEBERG_TYPES[column.type], doc=documentation(column))
        for column in widened:
            update.update_column(column.name, field_type=ICEBERG_TYPES[column.type])


def evolved(table: IcebergTable, contract: Contract) -> TableMetadata:
    """The table's metadata as it will be after `evolve`; nothing is committed."""
    transaction = table.transaction()
    evolve(transaction, contract)
    return transaction.table_metadata


def _stage_partition(
    lake: Lake,
    table: IcebergTable,
    metadata: TableMetadata,
    contract: Contract,
    content: Content,
    key: str,
    ids: Mapping[str, int],
) -> StagedPartition:
    started = time.monotonic()
    base = planned_files(table, contract, [key])
    commit_key = commit_key_for(contract, content, key, ids)
    if base and {file.commit_key for file in base} == {commit_key}:
        paths = frozenset(file.path for file in base)
        return StagedPartition(key, commit_key, paths, base, (), None, True, time.monotonic() - started)
    folder = staging_folder(table.location(), commit_key)
    try:
        data_files = tuple(_write(lake, table, metadata, contract, content, key, ids, folder))
    except BaseException:
        remove_folder(lake.settings, folder)
        raise
    files = tuple(described(data_file, _date(key)) for data_file in data_files)
    return StagedPartition(
        key, commit_key, frozenset(file.path for file in base), files, data_files, folder, False,
        time.monotonic() - started,
    )  # fmt: skip


def _write(
    lake: Lake,
    table: IcebergTable,
    metadata: TableMetadata,
    contract: Contract,
    content: Content,
    key: str,
    ids: Mapping[str, int],
    folder: str,
) -> Iterator[DataFile]:
    path = f"{folder}/data.parquet"
    with connect(lake.settings) as connection:
        select, parameters = content.open(connection, key)
        if not write_file(connection, select, contract, ids, path, parameters):
            remove_folder(lake.settings, folder)
            content.confirm(key)
            return
        paths = [path]
        if contract.partition:
            partitions = partitions_in(connection, contract, path)
            refuse_strays(contract, key, partitions)
            if len(partitions) > 1:
                paths = split_file(lake.settings, connection, contract, ids, path, partitions)
    content.confirm(key)
    for written in paths:
        yield guarded(table, metadata, contract, key, written)


def _rows_by_date(table: IcebergTable, contract: Contract) -> Mapping[str, int]:
    """Rows a trading date on `main`, by the metadata; for the volume gate."""
    rows: dict[str, int] = {}
    for file in planned_files(table, contract, None):
        key = file.trading_date.isoformat() if file.trading_date else WHOLE
        rows[key] = rows.get(key, 0) + file.rows
    return rows


def _date(key: str) -> date | None:
    return None if key == WHOLE else date.fromisoformat(key)
