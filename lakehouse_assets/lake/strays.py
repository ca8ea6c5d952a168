"""Is every row of a written file in the partition that it is written for?

Belongs here: the guard on partition columns. Does not: writing (`engine`), judging any other column (`gates`).
Iceberg would hide a row in a foreign or null partition from every filter on the partition.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.table import as_date

SHOWN_STRAYS = 5


class StrayRows(ValueError):
    """Rows whose partition value is null or lies outside the partition being written: a reader would lose them."""


def refuse_strays(contract: Contract, key: str, partitions: Sequence[tuple[Any, ...]]) -> None:
    """Refuse rows of another trading date, or without a value that the contract requires.

    Raises:
        StrayRows: with the values that do not belong.
    """
    for position, name in enumerate(contract.partition):
        values = {partition[position] for partition in partitions}
        if name == "trading_date":
            strays = values - {date.fromisoformat(key)}
        else:
            strays = values & {None} if contract.by_name[name].required else set()
        if strays:
            shown = ", ".join(sorted("null" if value is None else str(value) for value in strays)[:SHOWN_STRAYS])
            raise StrayRows(
                f"{contract.table} {key}: rows with {name} {shown}; every row of a partition must carry its own value, "
                "correct what the table is made from"
            )


def guarded(table: IcebergTable, metadata: TableMetadata, contract: Contract, key: str, uri: str) -> DataFile:
    """The file's entry for the manifest, once its statistics show that all its rows lie in one partition, this one.

    Raises:
        StrayRows: a partition column is null on some rows only, has several values, or is not the partition's.
    """
    from pyiceberg.io.pyarrow import parquet_file_to_data_file  # loads Arrow: in a step only

    try:
        data_file = parquet_file_to_data_file(table.io, metadata, uri)
    except ValueError as error:
        raise StrayRows(f"{contract.table} {key}: a file holds rows of several partitions: {error}") from error
    refuse_stray_file(contract, metadata, key, data_file)
    return data_file


def refuse_stray_file(contract: Contract, metadata: TableMetadata, key: str, data_file: DataFile) -> None:
    """Refuse a file by its statistics where they do not show that all its rows lie in this partition.

    Raises:
        StrayRows: a partition column is null on some rows only, or is not the partition's.
    """
    uri = data_file.file_path
    for position, name in enumerate(contract.partition):
        value = data_file.partition[position]
        nulls = (data_file.null_value_counts or {}).get(metadata.schema().find_field(name).field_id)
        wholly_null = nulls == data_file.record_count and value is None and not contract.by_name[name].required
        if not wholly_null and (nulls != 0 or value is None):
            raise StrayRows(f"{contract.table} {key}: {nulls} of {data_file.record_count} rows have no {name} in {uri}")
        if name == "trading_date" and as_date(value) != date.fromisoformat(key):
            raise StrayRows(f"{contract.table} {key}: a file holds rows of {as_date(value)}: {uri}")
