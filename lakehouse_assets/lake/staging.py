"""Writing files that nobody sees yet: step one of every write.

Belongs here: base, content key, data files and the guard by their statistics. Does not: judging rows (`gates`)
nor making them visible (`commit`).
"""

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pyiceberg.conversions import from_bytes
from pyiceberg.io.pyarrow import parquet_file_to_data_file
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engine import connect, write_files
from lakehouse_assets.lake.paths import KEY_DIGITS, local_path, local_uri, staging_folder
from lakehouse_assets.lake.query import Content, digest
from lakehouse_assets.lake.schema import ICEBERG_TYPES, field_ids, missing_columns, widened_columns
from lakehouse_assets.lake.table import PlannedFile, Table, described, planned_files
from lakehouse_assets.settings import Settings

WHOLE = "all"
"""The partition key of a table without partitions."""


class StrayRows(ValueError):
    """Rows whose partition value is null or lies outside the partition being written: a reader would lose them."""


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

    def whole(self) -> Table:
        """A handle on the staged rows of all partitions."""
        files = tuple(file for part in self.partitions for file in part.files)
        return Table(self.contract, None, files, tuple(self.field_ids.items()), self.settings)

    def discard(self) -> None:
        """Remove the staged files; what was published stays."""
        for part in self.partitions:
            discard(part)


def stage(lake: Lake, contract: Contract, content: Content, partition_keys: Iterable[str]) -> Staged:
    """Write each partition's rows to files that nobody can see; skip what `main` already holds.

    Raises:
        StrayRows: a row belongs to no partition or to another one; the files are removed.
        SchemaConflict: the contract would narrow the table.
        duckdb.Error: the engine fails; the files are removed.
    """
    table = lake.load_or_create(contract)
    metadata = evolved(table, contract)
    ids = field_ids(contract, table.metadata)
    staged: list[StagedPartition] = []
    try:
        for key in partition_keys:
            staged.append(_stage_partition(lake, table, metadata, contract, content, key, ids))
    except BaseException:
        for part in staged:
            discard(part)
        raise
    return Staged(contract, tuple(staged), content.inputs, ids, lake.settings, _rows_by_date(table, contract))


def discard(part: StagedPartition) -> None:
    """Remove one partition's staged files."""
    if part.folder is not None:
        shutil.rmtree(local_path(part.folder), ignore_errors=True)


def evolve(transaction: Transaction, contract: Contract) -> None:
    """Add and widen the columns that the contract has beyond the table, inside the transaction."""
    schema = transaction.table_metadata.schema()
    missing, widened = missing_columns(contract, schema), widened_columns(contract, schema)
    if not missing and not widened:
        return
    with transaction.update_schema() as update:
        for column in missing:
            update.add_column(column.name, ICEBERG_TYPES[column.type], doc=column.meaning)
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
    commit_key = digest([content.fingerprint(key), key, dict(ids), list(contract.partition)])[:KEY_DIGITS]
    if base and {file.commit_key for file in base} == {commit_key}:
        paths = frozenset(file.path for file in base)
        return StagedPartition(key, commit_key, paths, base, (), None, True, time.monotonic() - started)
    folder = staging_folder(table.location(), commit_key)
    try:
        data_files = tuple(_write(lake, table, metadata, contract, content, key, ids, folder))
    except BaseException:
        shutil.rmtree(local_path(folder), ignore_errors=True)
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
    with connect(lake.settings) as connection:
        select, parameters = content.open(connection, key)
        written = write_files(connection, select, contract, ids, folder, parameters)
    for file in written:
        yield _guarded(table, metadata, contract, key, local_uri(file.path))


def _guarded(table: IcebergTable, metadata: TableMetadata, contract: Contract, key: str, uri: str) -> DataFile:
    """The file's entry for the manifest, once its statistics show that every row lies in the partition.

    Iceberg would hide a stray or null row from every filter on the partition.
    """
    try:
        data_file = parquet_file_to_data_file(table.io, metadata, uri)
    except ValueError as error:
        raise StrayRows(f"{contract.table} {key}: a file holds rows of several partitions: {error}") from error
    if not contract.is_partitioned:
        return data_file
    column = metadata.schema().find_field("trading_date")
    nulls = (data_file.null_value_counts or {}).get(column.field_id, 0)
    lower, upper = (
        from_bytes(column.field_type, bounds[column.field_id]) if bounds and column.field_id in bounds else None
        for bounds in (data_file.lower_bounds, data_file.upper_bounds)
    )
    wanted = (date.fromisoformat(key) - date(1970, 1, 1)).days
    if nulls or lower != wanted or upper != wanted:
        raise StrayRows(
            f"{contract.table} {key}: {nulls} rows without a trading date, others from {_day(lower)} to {_day(upper)}; "
            "every row of a partition must carry its date"
        )
    return data_file


def _rows_by_date(table: IcebergTable, contract: Contract) -> Mapping[str, int]:
    """Rows a trading date on `main`, by the metadata; for the volume gate."""
    rows: dict[str, int] = {}
    for file in planned_files(table, contract, None):
        key = file.trading_date.isoformat() if file.trading_date else WHOLE
        rows[key] = rows.get(key, 0) + file.rows
    return rows


def _date(key: str) -> date | None:
    return None if key == WHOLE else date.fromisoformat(key)


def _day(value: int | None) -> str:
    return "nowhere" if value is None else date.fromordinal(date(1970, 1, 1).toordinal() + value).isoformat()
