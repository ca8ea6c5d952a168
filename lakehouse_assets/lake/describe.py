"""A contract in Dagster's words: check specs, column schema, column lineage.

Belongs here: what the UI shows of a table before anything ran. Does not: what a run reports.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.gates import Gate
from lakehouse_assets.partitions import trading_dates
from lakehouse_assets.transforms.proofs import proven_lineage
from lakehouse_assets.transforms.text import transform_names


def check_specs(contract: Contract, gates: Sequence[Gate]) -> Iterator[dg.AssetCheckSpec]:
    """One spec a gate; partitioned like the table, else one bad day would hide another."""
    for gate in gates:
        yield dg.AssetCheckSpec(
            name=gate.name,
            asset=contract.table,
            description=gate.meaning,
            blocking=gate.is_blocking,
            partitions_def=trading_dates if contract.is_partitioned else None,
        )


def table_schema(contract: Contract) -> dg.TableSchema:
    """The columns with type, unit and meaning."""
    return dg.TableSchema(columns=[_column(column) for column in contract.columns])


def column_lineage(contract: Contract, upstream: Sequence[str]) -> dg.TableColumnLineage:
    """Which upstream columns each column is made of, read off the SQL; empty where the table is not made by SQL."""
    if contract.table not in transform_names():
        return dg.TableColumnLineage({})
    found = proven_lineage(contract.table, upstream)
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=dg.AssetKey(table), column_name=name) for table, name in sources]
            for column, sources in found.items()
        }
    )


def _column(column: Column) -> dg.TableColumn:
    meaning = f"{column.meaning} [{column.unit}]" if column.unit else column.meaning
    constraints = dg.TableColumnConstraints(
        nullable=not column.required,
        other=[
            *([f"at least {column.minimum:g}"] if column.minimum is not None else []),
            *([f"at most {column.maximum:g}"] if column.maximum is not None else []),
            *([f"one of {', '.join(column.allowed)}"] if column.allowed else []),
        ],
    )
    return dg.TableColumn(name=column.name, type=column.type, description=meaning, constraints=constraints)
