"""Training inputs made of synthetic rows, and a store of their own."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.training import TrainingPlan
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets.services.input_tables import InputTable
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking import RunIdentity
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.training_record import TrainingInputs
from lakehouse_assets_tests.learners.synthetic import COLUMNS, in_batches

RECIPE = XGBoostRecipe(max_depth=3, rounds=20, threads=1)
PLAN = TrainingPlan(recipe=RECIPE, folds=1, resampling=Resampling(samples=100, seed=1))
TOO_GOOD = 0.75


def store_in(folder: Path) -> TrackingStore:
    """A fresh embedded store."""
    return TrackingStore(f"sqlite:///{folder / 'mlflow.db'}", (folder / "mlartifacts").as_uri())


def registry_in(folder: Path) -> ModelRegistry:
    """The registry of a fresh embedded store."""
    return ModelRegistry(store_in(folder))


def identity(run: str = "run-1", asset: str = "model_xgboost") -> RunIdentity:
    """Where a run comes from."""
    return RunIdentity(dagster_run_id=run, asset=asset, git_sha="a" * 40, lock_sha256="b" * 64)


class Reading:
    """Synthetic rows as training inputs, counting how often they are read."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.times = 0

    def rows(self) -> Iterable[pa.RecordBatch]:
        self.times += 1
        return in_batches(self.batch)()

    @property
    def inputs(self) -> TrainingInputs:
        digest = hashlib.sha256(pa.Table.from_batches([self.batch]).to_pandas().to_csv().encode()).hexdigest()
        table = InputTable(
            name="feature_option_minutes",
            catalog="hive_prod",
            identifier="option_ticks_db.feature_option_minutes",
            snapshot_id=7_777_777_777_777_777_777,
            content_key=digest,
            rows=self.batch.num_rows,
            properties={"type": "sql", "uri": "sqlite:////nowhere.db"},
        )
        return TrainingInputs((table,), COLUMNS, self.rows)
