"""Features joined to their labels, as a learner reads them.

Belongs here: which rows and columns of the lake a model is trained from. Does not: training.
Only columns that the contract calls features are read as input, only the label column as target; rows whose label is
not known (the mid did not move, or the session ended before the horizon) are left out.
"""

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import git_sha
from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.query import run
from lakehouse_assets.lake.table import Table
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.services.environment import lock_sha256
from lakehouse_assets.services.input_tables import InputTable
from lakehouse_assets.services.tracking import RunIdentity
from lakehouse_assets.services.training_record import TrainingInputs, TrainingRecord

GROUP = "underlying"
"""Rows are also judged by it apart; never learnt from."""
UNKNOWN = "(unknown)"


def training_inputs(features: Table, labels: Table) -> TrainingInputs:
    """The rows of both tables at their pinned snapshots, in the order of time and key.

    Raises:
        TooLittleHistory: one of the tables is still empty.
    """
    for table in (features, labels):
        if table.snapshot_id is None or not table.files:
            raise TooLittleHistory(f"{table.contract.table} is empty: materialize it for some trading dates first")
    return _inputs(features, labels, columns_of(features.contract, labels.contract))


def columns_of(features: Contract, labels: Contract) -> Columns:
    """The columns by the roles that the contracts give them.

    Raises:
        ValueError: the labels' contract has not exactly one label.
    """
    targets = [column.name for column in labels.columns if column.role == "label"]
    if len(targets) != 1:
        raise ValueError(f"contract {labels.table}: a learner needs exactly one label, found {targets}")
    return Columns(features=features.features, label=targets[0], group=GROUP)


def joined(features: Contract, labels: Contract, columns: Columns) -> str:
    """The select that joins each labelled row to its features."""
    key = [name for name in ("trading_date", *features.key) if name in labels.by_name]
    of_labels = [f"l.{quoted(name)}" for name in (columns.t0, columns.t1, columns.label, columns.last_direction)]
    of_features = [f"f.{quoted(name)}" for name in columns.features]
    of_group = [f"COALESCE(l.{quoted(name)}, '{UNKNOWN}') AS {quoted(name)}" for name in (columns.group,) if name]
    order = [f"l.{quoted(columns.t0)}", *(f"l.{quoted(name)}" for name in features.key)]
    return (
        f"SELECT {', '.join([*of_labels, *of_group, *of_features])} "
        f"FROM {quoted(labels.table)} AS l "
        f"JOIN {quoted(features.table)} AS f ON {' AND '.join(f'l.{quoted(k)} = f.{quoted(k)}' for k in key)} "
        f"WHERE l.{quoted(columns.label)} IS NOT NULL ORDER BY {', '.join(order)}"
    )


def inputs_again(record: TrainingRecord, lake: Lake) -> TrainingInputs:
    """The rows that a model was trained from, at the snapshots that its record names.

    Raises:
        SnapshotMissing: a snapshot has expired.
        ValueError: a column is gone from its contract.
    """
    features, labels = (table.pin(lake) for table in record.provenance.tables)
    if gone := set(record.columns.features) - set(features.contract.column_names):
        raise ValueError(
            f"{features.contract.table} no longer has {', '.join(sorted(gone))}, which the model reads: check out "
            f"{record.provenance.environment.git_sha}, the code that it was trained by"
        )
    return _inputs(features, labels, record.columns)


def identity_of(dagster_run_id: str, asset: str, partition: str | None = None) -> RunIdentity:
    """Who trains: run, asset, code and lock."""
    return RunIdentity(dagster_run_id, asset, git_sha(), lock_sha256(), partition)


def _inputs(features: Table, labels: Table, columns: Columns) -> TrainingInputs:
    text = joined(features.contract, labels.contract, columns)
    tables = {table.contract.table: table for table in (features, labels)}
    read = tuple(InputTable.of(table) for table in tables.values())
    return TrainingInputs(read, columns, lambda: run(text, tables, features.settings), query=text)
