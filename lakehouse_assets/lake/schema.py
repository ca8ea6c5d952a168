"""How a contract is written down in Iceberg and in the engine's types.

Belongs here: contract -> Iceberg schema, partition spec, sort order, field ids; how a schema may evolve.
Does not: reading or writing a table.
"""

from collections.abc import Mapping

from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    PrimitiveType,
    StringType,
    TimestamptzType,
)

from lakehouse_assets.contracts.contract import Column, ColumnType, Contract

ICEBERG_TYPES: Mapping[ColumnType, PrimitiveType] = {
    "string": StringType(),
    "long": LongType(),
    "int": IntegerType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "timestamptz": TimestamptzType(),
    "binary": BinaryType(),
}

DUCKDB_TYPES: Mapping[ColumnType, str] = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "int": "INTEGER",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "binary": "BLOB",
}

FIRST_PARTITION_FIELD_ID = 1000
"""Partition field ids start here, by the Iceberg specification."""


class SchemaConflict(ValueError):
    """The contract asks the table for a change that would lose data: only adding and widening is allowed."""


def iceberg_schema(contract: Contract) -> Schema:
    """A fresh table's schema; every column is optional, since the gate and not the file format refuses nulls."""
    return Schema(*(_field(number, column) for number, column in enumerate(contract.columns, start=1)))


def partition_spec(contract: Contract, schema: Schema) -> PartitionSpec:
    """Identity partitions on the contract's partition columns."""
    fields = (
        PartitionField(
            source_id=schema.find_field(name).field_id,
            field_id=FIRST_PARTITION_FIELD_ID + number,
            transform=IdentityTransform(),
            name=name,
        )
        for number, name in enumerate(contract.partition)
    )
    return PartitionSpec(*fields)


def refuse_other_layout(contract: Contract, spec: PartitionSpec) -> None:
    """A table keeps the partitions that it was made with.

    Raises:
        SchemaConflict: the contract wants others.
    """
    there = tuple(field.name for field in spec.fields)
    if there != contract.partition:
        raise SchemaConflict(
            f"{contract.table} is partitioned by {', '.join(there) or 'nothing'} on the lake and by "
            f"{', '.join(contract.partition) or 'nothing'} in the contract and settings: set it back "
            "(bronze.partition_cols), or start the table anew"
        )


def sort_order(contract: Contract, schema: Schema) -> SortOrder:
    """The order of rows inside a file, as other engines should keep it when they rewrite one."""
    return SortOrder(
        *(
            SortField(source_id=schema.find_field(name).field_id, transform=IdentityTransform())
            for name in contract.sort
        )
    )


def missing_columns(contract: Contract, schema: Schema) -> tuple[Column, ...]:
    """The contract's columns that the table lacks, in order: evolution gives them the next field ids."""
    present = {field.name for field in schema.fields}
    return tuple(column for column in contract.columns if column.name not in present)


def widened_columns(contract: Contract, schema: Schema) -> tuple[Column, ...]:
    """The columns that must be widened (int to long).

    Raises:
        SchemaConflict: a column would have to be narrowed or change its kind.
    """
    widened = []
    for field in schema.fields:
        column = contract.by_name.get(field.name)
        if column is None or ICEBERG_TYPES[column.type] == field.field_type:
            continue
        if not (column.type == "long" and isinstance(field.field_type, IntegerType)):
            raise SchemaConflict(
                f"{contract.table}.{field.name} is {field.field_type} on the lake and {column.type} in the contract: "
                "a column may only be widened from int to long; give the new meaning a new column"
            )
        widened.append(column)
    return tuple(widened)


def field_ids(contract: Contract, metadata: TableMetadata) -> dict[str, int]:
    """Field ids by column name as they will be once the contract's missing columns are added."""
    schema = metadata.schema()
    widened_columns(contract, schema)
    ids = {field.name: field.field_id for field in schema.fields}
    for offset, column in enumerate(missing_columns(contract, schema), start=1):
        ids[column.name] = metadata.last_column_id + offset
    return {column.name: ids[column.name] for column in contract.columns}


def documentation(column: Column) -> str:
    """What the table says of a column to every engine: its meaning and unit."""
    return f"{column.meaning} [{column.unit}]" if column.unit else column.meaning


def _field(number: int, column: Column) -> NestedField:
    return NestedField(
        field_id=number,
        name=column.name,
        field_type=ICEBERG_TYPES[column.type],
        required=False,
        doc=documentation(column),
    )
