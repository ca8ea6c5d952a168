"""Features joined to their labels, as a learner reads them.

Belongs here: which rows and columns of the lake a model is trained from. Does not: training.
Only columns that the contract calls features are read as input, only the label column as target; rows whose label is
not known (the mid did not move, or the session ended before the horizon) are left out.
"""

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.commit import git_sha
from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.query import run
from lakehouse_assets.lake.table import Table
from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.training import TrainingPlan
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets.services.tracking import RunIdentity
from lakehouse_assets.services.training_record import InputTable, TrainingInputs, file_sha256
from lakehouse_assets.settings import CATALOG, NAMESPACE, PROJECT, ModelSettings

LOCK_FILE = PROJECT / "requirements" / "runtime.lock"


def training_inputs(features: Table, labels: Table) -> TrainingInputs:
    """The rows of both tables at their pinned snapshots, in the order of time and key.

    Raises:
        TooLittleHistory: one of the tables is still empty.
    """
    for table in (features, labels):
        if table.snapshot_id is None or not table.files:
            raise TooLittleHistory(f"{table.contract.table} is empty: materialize it for some trading dates first")
    columns = columns_of(features.contract, labels.contract)
    text = joined(features.contract, labels.contract, columns)
    tables = {table.contract.table: table for table in (features, labels)}
    read = tuple(_as_input(table) for table in tables.values())
    return TrainingInputs(read, columns, lambda: run(text, tables, features.settings), query=text)


def columns_of(features: Contract, labels: Contract) -> Columns:
    """The columns by the roles that the contracts give them.

    Raises:
        ValueError: the labels' contract has not exactly one label.
    """
    targets = [column.name for column in labels.columns if column.role == "label"]
    if len(targets) != 1:
        raise ValueError(f"contract {labels.table}: a learner needs exactly one label, found {targets}")
    return Columns(features=features.features, label=targets[0])


def joined(features: Contract, labels: Contract, columns: Columns) -> str:
    """The select that joins each labelled row to its features."""
    key = [name for name in ("trading_date", *features.key) if name in labels.by_name]
    of_labels = [f"l.{quoted(name)}" for name in (columns.t0, columns.t1, columns.label, columns.last_direction)]
    of_features = [f"f.{quoted(name)}" for name in columns.features]
    order = [f"l.{quoted(columns.t0)}", *(f"l.{quoted(name)}" for name in features.key)]
    return (
        f"SELECT {', '.join([*of_labels, *of_features])} "
        f"FROM {quoted(labels.table)} AS l "
        f"JOIN {quoted(features.table)} AS f ON {' AND '.join(f'l.{quoted(k)} = f.{quoted(k)}' for k in key)} "
        f"WHERE l.{quoted(columns.label)} IS NOT NULL ORDER BY {', '.join(order)}"
    )


def plan_of(settings: ModelSettings) -> TrainingPlan:
    """The plan that the settings describe."""
    recipe = XGBoostRecipe(
        max_depth=settings.max_depth,
        learning_rate=settings.learning_rate,
        rounds=settings.rounds,
        seed=settings.seed,
        threads=settings.threads,
    )
    return TrainingPlan(
        recipe=recipe,
        folds=settings.folds,
        holdout_share=settings.holdout_share,
        embargo_minutes=settings.embargo_minutes,
        resampling=Resampling(samples=settings.bootstrap_samples, seed=settings.seed),
    )


def identity_of(dagster_run_id: str, asset: str, partition: str | None = None) -> RunIdentity:
    """Who trains: run, asset, code and lock."""
    lock = file_sha256(LOCK_FILE) if LOCK_FILE.is_file() else "unknown"
    return RunIdentity(dagster_run_id, asset, git_sha(), lock, partition)


def _as_input(table: Table) -> InputTable:
    return InputTable(
        name=table.contract.table,
        catalog=CATALOG,
        identifier=f"{NAMESPACE}.{table.contract.table}",
        snapshot_id=int(table.snapshot_id or 0),
        content_key=table.content_key,
        rows=table.rows,
        properties={
            "type": "sql",
            "uri": table.settings.catalog_uri,
            "warehouse": table.settings.warehouse.as_uri(),
            "jdbc.schema-version": "V1",
        },
    )
