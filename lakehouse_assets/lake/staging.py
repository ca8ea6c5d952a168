"""Writing files that nobody sees yet: step one of every write.

Belongs here: base, content key and data files. Does not: guarding partitions (`strays`), judging rows (`gates`),
nor making them visible (`commit`).
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.clones import STAGING, Clone, drop_clone, sweep_clones
from lakehouse_assets.lake.engines import ForeignName
from lakehouse_assets.lake.engines.statements import Relation
from lakehouse_assets.lake.paths import KEY_DIGITS, staging_folder
from lakehouse_assets.lake.query import Content, Query, digest
from lakehouse_assets.lake.schema import (
    ICEBERG_TYPES,
    documentation,
    field_ids,
    missing_columns,
    refuse_other_layout,
    widened_columns,
)
from lakehouse_assets.lake.storage import remove_folder
from lakehouse_assets.lake.table import PlannedFile, Table, described, planned_files
from lakehouse_assets.lake.writers import Target, by_duckdb, by_engine, foreign_engine
from lakehouse_assets.settings import NAMESPACE, Settings

WHOLE = "all"
"""The partition key of a table without partitions."""


@dataclass(frozen=True)
class StagedPartition:
    """One partition's files, written but not visible; `is_current` where `main` already holds this content.

    `clone` is the table that shows them to the engine that wrote them, until they are judged.
    """

    key: str
    commit_key: str
    base: frozenset[str]
    files: tuple[PlannedFile, ...]
    data_files: tuple[DataFile, ...]
    folder: str | None
    is_current: bool
    seconds: float
    clone: Clone | None = None

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
    """A write in waiting: its partitions, the inputs that were read, and the ids its columns carry.

    `snapshot_id` is what `main` showed before, `engine` who computed the rows where it was not DuckDB.
    """

    contract: Contract
    partitions: tuple[StagedPartition, ...]
    inputs: Mapping[str, Table]
    field_ids: Mapping[str, int]
    settings: Settings
    previous_rows: Mapping[str, int]
    snapshot_id: int | None = None
    engine: ForeignName | None = None

    @property
    def rows(self) -> int:
        """Rows over all partitions."""
        return sum(part.rows for part in self.partitions)

    def table(self, part: StagedPartition) -> Table:
        """A handle on the staged rows of one partition, to judge them."""
        return Table(self.contract, None, part.files, tuple(self.field_ids.items()), self.settings)

    def relation(self, part: StagedPartition) -> Relation:
        """The staged rows of one partition as the engine finds them that computed them."""
        names = frozenset(self.field_ids)
        if part.clone is not None:
            return Relation(self.contract, STAGING, part.clone.name, part.clone.snapshot_id, names, None)
        date = part.key if self.contract.is_partitioned else None
        return Relation(self.contract, NAMESPACE, self.contract.table, self.snapshot_id, names, date)

    def release(self, lake: Lake) -> None:
        """Take the clones out of the catalog once they are judged; the files stay."""
        for part in self.partitions:
            _release(lake, part)

    def discard(self, lake: Lake) -> None:
        """Remove the staged files and their clones; what was published stays."""
        for part in self.partitions:
            discard(lake, part)


def stage(lake: Lake, contract: Contract, content: Content, partition_keys: Iterable[str]) -> Staged:
    """Write each partition's rows to files that nobody can see; skip what `main` already holds.

    Raises:
        EngineFailed: Spark or Trino failed, or is not there; the files are removed.
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
    head, previous_rows = table.current_snapshot(), _rows_by_date(table, contract)
    target = Target(lake, table, evolved(table, contract), contract, field_ids(contract, table.metadata))
    engine = foreign_engine(lake, contract, content)
    if engine is not None:
        sweep_clones(lake, contract)
    staged: list[StagedPartition] = []
    try:
        for key in keys:  # what is already staged must be known when a later one fails
            staged.append(_stage_partition(target, content, key, engine))  # noqa: PERF401
    except BaseException:
        for part in staged:
            discard(lake, part)
        raise
    return Staged(
        contract, tuple(staged), content.inputs, target.ids, lake.settings, previous_rows,
        head.snapshot_id if head else None, engine,
    )  # fmt: skip


def commit_key_for(contract: Contract, content: Content, key: str, ids: Mapping[str, int]) -> str:
    """The name of a partition's content: equal rows in equal columns, equal key."""
    return digest([content.fingerprint(key), key, dict(ids), list(contract.partition)])[:KEY_DIGITS]


def discard(lake: Lake, part: StagedPartition) -> None:
    """Remove one partition's staged files, and the clone that shows them."""
    _release(lake, part)
    if part.folder is not None:
        remove_folder(lake.settings, part.folder)


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


def _stage_partition(target: Target, content: Content, key: str, engine: ForeignName | None) -> StagedPartition:
    started = time.monotonic()
    base = planned_files(target.table, target.contract, [key])
    paths = frozenset(file.path for file in base)
    commit_key = commit_key_for(target.contract, content, key, target.ids)
    if base and {file.commit_key for file in base} == {commit_key}:
        return StagedPartition(key, commit_key, paths, base, (), None, True, time.monotonic() - started)
    folder = staging_folder(target.table.location(), commit_key)
    try:
        if engine is not None and isinstance(content, Query):
            written = by_engine(engine, target, content, key, folder)
        else:
            written = by_duckdb(target, content, key, folder)
    except BaseException:
        remove_folder(target.lake.settings, folder)
        raise
    files = tuple(described(data_file, _date(key)) for data_file in written.data_files)
    return StagedPartition(
        key, commit_key, paths, files, written.data_files, folder, False, time.monotonic() - started, written.clone,
    )  # fmt: skip


def _release(lake: Lake, part: StagedPartition) -> None:
    if part.clone is not None:
        drop_clone(lake, part.clone.name)


def _rows_by_date(table: IcebergTable, contract: Contract) -> Mapping[str, int]:
    """Rows a trading date on `main`, by the metadata; for the volume gate."""
    rows: dict[str, int] = {}
    for file in planned_files(table, contract, None):
        key = file.trading_date.isoformat() if file.trading_date else WHOLE
        rows[key] = rows.get(key, 0) + file.rows
    return rows


def _date(key: str) -> date | None:
    return None if key == WHOLE else date.fromisoformat(key)
