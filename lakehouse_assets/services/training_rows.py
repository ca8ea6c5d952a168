"""Features joined to their labels, as a learner reads them.

Belongs here: which rows and columns of the lake a model is trained from. Does not: training.
Only columns that the contract calls features are read as input, only the label column as target; rows whose label is
not known (the mid did not move, or the session ended before the horizon) are left out. Rows whose features were known
only after t0 are refused: their labels were made from features that have been revised since.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import git_sha
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.query import run
from lakehouse_assets.lake.table import Table
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.untrainable import Untrainable
from lakehouse_assets.services.environment import lock_sha256
from lakehouse_assets.services.input_tables import InputTable
from lakehouse_assets.services.tracking import RunIdentity
from lakehouse_assets.services.training_record import TrainingInputs, TrainingRecord

GROUP = "underlying"
"""Rows are also judged by it apart; never learnt from."""
UNKNOWN = "(unknown)"
KNOWN_FROM = "available_at"
"""Of the features: from when they are known."""


class KnownTooLate(Untrainable):
    """Features were known only after their label's t0: using them would look ahead."""


class FeatureGone(Untrainable):
    """A contract no longer has a column that a model reads; the message names the code that has it."""


def training_inputs(features: Table, labels: Table) -> TrainingInputs:
    """The rows of both tables at their pinned snapshots, in the order of time and key.

    Raises:
        TooLittleHistory: one of the tables is still empty.
    """
    for table in (features, labels):
        if table.snapshot_id is None or not table.files:
            raise TooLittleHistory(f"{table.contract.table} is empty: materialize it for some trading dates first")
    return _inputs(features, labels, columns_of(features.contract, labels.contract))


def inputs_at_once(lake: Lake, features: Contract, labels: Contract) -> TrainingInputs:
    """The rows of both tables at one instant; loaded one after the other, they could be of different moments.

    Raises:
        TooLittleHistory: one of the tables is still empty.
    """
    cut = Cut(lake)
    return training_inputs(cut.pin(features), cut.pin(labels))


def columns_of(features: Contract, labels: Contract) -> Columns:
    """The columns by the roles that the contracts give them.

    Raises:
        Untrainable: the labels' contract has not exactly one label, or a feature is one of its columns.
    """
    targets = [column.name for column in labels.columns if column.role == "label"]
    if len(targets) != 1:
        raise Untrainable(f"contract {labels.table}: a learner needs exactly one label, found {targets}")
    if shared := [name for name in features.features if name in labels.by_name]:
        raise Untrainable(
            f"contract {features.table}: {', '.join(shared)} must not be a feature, since it is a column of "
            f"{labels.table}, which looks ahead"
        )
    return Columns(features=features.features, label=targets[0], group=GROUP)


def joined(features: Contract, labels: Contract, columns: Columns) -> str:
    """The select that joins each labelled row to its features."""
    key = [name for name in ("trading_date", *features.key) if name in labels.by_name]
    of_labels = [f"l.{quoted(name)}" for name in (columns.t0, columns.t1, columns.label, columns.last_direction)]
    of_features = [f"f.{quoted(name)}" for name in columns.features]
    of_group = [f"COALESCE(l.{quoted(name)}, '{UNKNOWN}') AS {quoted(name)}" for name in (columns.group,) if name]
    order = [f"l.{quoted(columns.t0)}", *(f"l.{quoted(name)}" for name in features.key)]
    return (
        f"SELECT {', '.join([*of_labels, *of_group, f'f.{quoted(KNOWN_FROM)}', *of_features])} "
        f"FROM {quoted(labels.table)} AS l "
        f"JOIN {quoted(features.table)} AS f ON {' AND '.join(f'l.{quoted(k)} = f.{quoted(k)}' for k in key)} "
        f"WHERE l.{quoted(columns.label)} IS NOT NULL ORDER BY {', '.join(order)}"
    )


def known_in_time(rows: Iterable[pa.RecordBatch], columns: Columns) -> Iterator[pa.RecordBatch]:
    """The rows as they come.

    Args:
        rows: joined rows with t0 and `available_at`, from when their features are known.
        columns: which column is what.

    Raises:
        KnownTooLate: features of a row were known only after its t0.
    """
    import pyarrow.compute as pc

    for batch in rows:
        late: Any = pc.greater(batch.column(KNOWN_FROM), batch.column(columns.t0))
        if late.true_count:
            first = batch.filter(late).slice(0, 1).to_pylist()[0]
            raise KnownTooLate(
                f"{late.true_count} of {batch.num_rows} rows have features that were known only after {columns.t0}, "
                f"e.g. at {first[KNOWN_FROM]} for {first[columns.t0]}: the features were revised after their labels "
                "were made, so materialize the labels of those trading dates again"
            )
        yield batch


def inputs_again(record: TrainingRecord, lake: Lake) -> TrainingInputs:
    """The rows that a model was trained from, at the snapshots that its record names.

    Raises:
        SnapshotMissing: a snapshot has expired.
        FeatureGone: a column is gone from its contract.
    """
    features, labels = (table.pin(lake) for table in record.provenance.tables)
    if gone := set(record.columns.features) - set(features.contract.column_names):
        raise FeatureGone(
            f"{features.contract.table} no longer has {', '.join(sorted(gone))}, which the model reads: check out "
            f"{record.provenance.environment.git_sha}, the code that it was trained by"
        )
    return _inputs(features, labels, record.columns)


def identity_of(dagster_run_id: str, asset: str, partition: str | None = None, library: str = "") -> RunIdentity:
    """Who trains: run, asset, code, and the lock by which the learner's library is installed."""
    return RunIdentity(dagster_run_id, asset, git_sha(), lock_sha256(library), partition)


def _inputs(features: Table, labels: Table, columns: Columns) -> TrainingInputs:
    text = joined(features.contract, labels.contract, columns)
    tables = {table.contract.table: table for table in (features, labels)}
    read = tuple(InputTable.of(table) for table in tables.values())
    return TrainingInputs(
        read, columns, lambda: known_in_time(run(text, tables, features.settings), columns), query=text
    )
