"""A small lake with a signal in its features, and models that were trained from it."""

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.images import landed_images
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.learners.learner import Recipe
from lakehouse_assets.learners.lightgbm_trees import LightGBMRecipe
from lakehouse_assets.learners.networks.keras import TensorflowMnistMlp
from lakehouse_assets.learners.networks.network import ImageRecipe
from lakehouse_assets.learners.networks.pytorch import PytorchMnistMlp
from lakehouse_assets.learners.random_forest import RandomForestRecipe
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets.services.digit_training import NetworkOutcome, train_and_register_network
from lakehouse_assets.services.model_training import ModelOutcome, train_and_register
from lakehouse_assets.services.registry import DIGIT_MODEL, ModelRegistry, keep_inputs
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.training_rows import training_inputs
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import TYPES
from lakehouse_assets_tests.services.worlds import PLAN, TOO_GOOD, identity

RECIPES: tuple[Recipe, ...] = (
    XGBoostRecipe(max_depth=3, rounds=15, threads=1, min_child_weight=5),
    LightGBMRecipe(num_leaves=7, rounds=15, threads=1, min_data_in_leaf=20),
    RandomForestRecipe(trees=12, max_depth=5, min_samples_leaf=20, threads=1),
)
PYTORCH = PytorchMnistMlp(epochs=2, batch_size=64)
TENSORFLOW = TensorflowMnistMlp(epochs=2, batch_size=64)
NETWORKS: tuple[ImageRecipe, ...] = (PYTORCH, TENSORFLOW)
FIRST = dt.date(2026, 11, 16)
MINUTES = 120
CONTRACTS = 5
SIGNAL = "order_flow_imbalance"


def store_at(home: Path) -> TrackingStore:
    """The store that the settings of a state folder name."""
    settings = Settings(home=home)
    return TrackingStore(settings.mlflow_uri, settings.mlflow_artifacts)


def put_day(lake: Lake, day: dt.date, seed: int) -> None:
    """Publish a day of features and labels: the sign of one feature is right in three of five minutes."""
    rng = np.random.default_rng(seed)
    push = np.repeat(rng.choice([-1.0, 1.0], MINUTES), CONTRACTS)
    up = np.where(np.repeat(rng.random(MINUTES) < 0.62, CONTRACTS), push, -push) > 0
    minute = np.repeat(np.arange(MINUTES), CONTRACTS)
    opening = dt.datetime.combine(day, dt.time(0), dt.UTC)
    moment = [opening + dt.timedelta(minutes=int(one)) for one in minute]
    known: dict[str, Any] = {
        "source": ["simulated"] * len(minute),
        "trading_date": [day] * len(minute),
        "symbol": [f"C{number}" for _ in range(MINUTES) for number in range(CONTRACTS)],
        "underlying": [f"U{number % 2}" for _ in range(MINUTES) for number in range(CONTRACTS)],
        "feature_time": moment,
        "available_at": moment,
        "t0": moment,
        "t1": [one + dt.timedelta(minutes=5) for one in moment],
        SIGNAL: push + rng.normal(0, 0.5, len(minute)),
        "is_up": up.astype(int),
        "last_direction": np.where(rng.random(len(minute)) < 0.5, 1, -1),
        "mid_t0": np.ones(len(minute)),
        "mid_t1": np.where(up, 1.1, 0.9),
    }
    for contract in (FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS):
        publish(lake, stage(lake, contract, Rows(_filled(contract, known, rng)), [day.isoformat()]), {})


def _filled(contract: Contract, known: dict[str, Any], rng: np.random.Generator) -> pa.Table:
    """The known columns; noise or one text in the others."""
    rows = len(known["symbol"])
    noise = {"string": ["x"] * rows, "double": rng.random(rows), "int": np.ones(rows), "long": np.ones(rows)}
    return pa.table({
        column.name: pa.array(known.get(column.name, noise.get(column.type, [None] * rows)), TYPES[column.type])
        for column in contract.columns
    })  # fmt: skip


def lake_with_signal(home: Path, days: int = 3) -> Lake:
    """A lake with features and labels of some days."""
    lake = Lake(Settings(home=home))
    for number in range(days):
        put_day(lake, FIRST + dt.timedelta(days=number), seed=number)
    return lake


def train(lake: Lake, store: TrackingStore, recipe: Recipe, run: str = "run-1") -> ModelOutcome:
    """Train from what the lake holds now, and keep the snapshots."""
    inputs = training_inputs(pin(lake, FEATURE_OPTION_MINUTES), pin(lake, FEATURE_OPTION_LABELS))
    registry = ModelRegistry(store)
    plan = dataclasses.replace(PLAN, recipe=recipe)
    outcome = train_and_register(inputs, plan, registry, identity(run, f"model_{recipe.algorithm}"), too_good=TOO_GOOD)
    keep_inputs(lake, registry, outcome.version)
    return outcome


def put_digits(lake: Lake) -> None:
    """Publish scikit-learn's digits."""
    publish(lake, stage(lake, RAW_MNIST_IMAGES, landed_images(lake.settings), [WHOLE]), {})


def train_network(lake: Lake, store: TrackingStore, recipe: ImageRecipe, run: str = "run-1") -> NetworkOutcome:
    """Train on the images that the lake holds now, and keep the snapshot."""
    registry = ModelRegistry(store, DIGIT_MODEL)
    images = pin(lake, RAW_MNIST_IMAGES)
    outcome = train_and_register_network(images, recipe, registry, identity(run, f"model_{recipe.algorithm}"))
    keep_inputs(lake, registry, outcome.version)
    return outcome
