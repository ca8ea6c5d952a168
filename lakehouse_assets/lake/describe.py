"""A contract in Dagster's words: check specs, column schema, column lineage.

Belongs here: what the UI shows of a table before anything ran. Does not: what a run reports.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.gates import Gate
from lakehouse_assets.partitions import trading_dates
from lakehouse_assets.transforms.proofs import proven_lineage
from lakehouse_assets.transforms.text import FOLDER, transform_names


@contextmanager
def knowingly() -> Iterator[None]:
    """Silence Dagster's word on previews and betas: partitions of a check spec, code references; both have tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def check_specs(contract: Contract, gates: Sequence[Gate]) -> list[dg.AssetCheckSpec]:
    """One spec a gate; partitioned like the table, else one bad day would hide another."""
    with knowingly():
        return [
            dg.AssetCheckSpec(
                name=gate.name,
                asset=contract.table,
                description=gate.meaning,
                blocking=gate.is_blocking,
                partitions_def=trading_dates if contract.is_partitioned and not gate.is_of_the_table else None,
            )
            for gate in gates
        ]


def code_references(file: str, line: int = 1, table: str | None = None) -> dg.CodeReferencesMetadataValue:
    """Where an asset is written: the file of its function, and the SQL of the table where it has one."""
    places = [(file, line, "asset")]
    if table in transform_names():
        places.append((str(FOLDER / f"{table}.sql"), 1, "SQL"))
    with knowingly():
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=path, line_number=number, label=label)
                for path, number, label in places
            ]
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
