"""Features that give the label away: found whatever they are called, and nothing honest is taken for one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.telltales import FEWEST_INSTANTS, TellsTheLabel, refuse_telltales
from lakehouse_assets.learners.training import TrainingPlan, train
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.learners.synthetic import COLUMNS, World, in_batches, rows

WORLD = World(days=1, minutes=80, contracts=3)


def with_noise(values: Any, batch: pa.RecordBatch | None = None) -> pa.RecordBatch:
    """The rows with other values in the feature `noise`; NaN is null."""
    batch = rows(WORLD) if batch is None else batch
    column = pa.array(np.asarray(values, dtype=np.float64), from_pandas=True)
    return batch.set_column(batch.schema.get_field_index("noise"), "noise", column)


def label() -> Any:
    return rows(WORLD)["label"].to_numpy().astype(np.float64)


def risen_alone(values: Any) -> Any:
    return np.where(label() == 1, values, np.nan)


DISGUISES: Mapping[str, Callable[[], Any]] = {
    "the label": label,
    "the label turned round": lambda: 1 - label(),
    "the label in other units": lambda: 37 * label() - 5,
    "the label under a little noise": lambda: label() + np.random.default_rng(1).normal(0, 0.05, len(label())),
    "the move that the label is of": lambda: (
        (2 * label() - 1) * np.random.default_rng(1).lognormal(-8, 1, len(label()))
    ),
    "the move where it is known": lambda: np.where(np.arange(len(label())) % 2, 2 * label() - 1, np.nan),
    "known where it rose": lambda: risen_alone(1.0),
    "known where it fell": lambda: np.where(label() == 1, np.nan, np.arange(len(label()))),
}


@pytest.mark.parametrize("size", [7, 100, 10_000])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_feature_that_is_the_label_in_disguise_is_refused_by_name(disguise: str, size: int) -> None:
    with pytest.raises(TellsTheLabel, match=r"^noise: separates all rows with label = 1 from all with 0"):
        refuse_telltales(in_batches(with_noise(DISGUISES[disguise]()), size), COLUMNS)


HONEST: Mapping[str, Callable[[], Any]] = {
    "noise": lambda: np.random.default_rng(1).normal(size=len(label())),
    "a constant": lambda: np.ones(len(label())),
    "nothing known": lambda: np.full(len(label()), np.nan),
    "the label but for one row": lambda: np.where(np.arange(len(label())) == 100, 1 - label(), label()),
    "the label but for ties": lambda: np.where(np.arange(len(label())) % 50 == 0, 0, 2 * label() - 1),
    "known at some rises": lambda: np.where(np.arange(len(label())) % 2, risen_alone(1.0), np.nan),
    "known at all rises and one fall": lambda: np.where(np.arange(len(label())) == first_fall(), 1.0, risen_alone(1.0)),
}


def first_fall() -> int:
    return int(np.argmin(label()))


@pytest.mark.parametrize("size", [7, 10_000])
@pytest.mark.parametrize("feature", HONEST)
def test_what_leaves_one_doubt_passes(feature: str, size: int) -> None:
    refuse_telltales(in_batches(with_noise(HONEST[feature]()), size), COLUMNS)


def at_instants(count: int) -> pa.RecordBatch:
    """Rises at `count` instants and falls at as many, many contracts each, all told by one feature."""
    batch = rows(World(days=1, minutes=2 * count, contracts=10))
    risen = np.repeat(np.arange(2 * count) % 2, 10).astype(np.int8)
    batch = batch.set_column(batch.schema.get_field_index("label"), "label", pa.array(risen))
    return with_noise(risen, batch)


def test_instants_count_and_not_the_contracts_at_them() -> None:
    refuse_telltales(in_batches(at_instants(FEWEST_INSTANTS - 1)), COLUMNS)
    with pytest.raises(TellsTheLabel):
        refuse_telltales(in_batches(at_instants(FEWEST_INSTANTS)), COLUMNS)


def test_a_feature_that_is_seldom_known_is_judged_where_it_is_known() -> None:
    few = np.where(np.arange(len(label())) < 3 * (FEWEST_INSTANTS - 2), label(), np.nan)  # three contracts an instant
    refuse_telltales(in_batches(with_noise(few)), COLUMNS)


def test_all_that_tell_are_named_and_no_other() -> None:
    batch = with_noise(label())
    batch = batch.set_column(batch.schema.get_field_index("spread"), "spread", pa.array(-label()))
    with pytest.raises(TellsTheLabel, match=r"^spread, noise: "):
        refuse_telltales(in_batches(batch), COLUMNS)


def test_a_column_that_is_no_feature_may_tell() -> None:
    refuse_telltales(in_batches(with_noise(label())), Columns(("imbalance", "flow", "spread")))


def test_no_rows_and_one_class_tell_nothing() -> None:
    refuse_telltales(in_batches(rows(WORLD).slice(0, 0)), COLUMNS)
    batch = rows(WORLD)
    refuse_telltales(in_batches(batch.filter(pa.array(label() == 1))), COLUMNS)


def test_training_refuses_before_anything_is_fitted_and_looks_at_what_is_learnt_from_alone() -> None:
    told: list[str] = []
    plan = TrainingPlan(XGBoostRecipe(rounds=5, threads=1), folds=1, resampling=Resampling(samples=5))
    with pytest.raises(TellsTheLabel, match=r"^noise: "):
        train(in_batches(with_noise(label())), COLUMNS, plan, progress=told.append)
    assert told == []
    honest = np.random.default_rng(1).normal(size=len(label()))
    last = np.arange(len(label())) >= 0.75 * len(label())
    train(in_batches(with_noise(np.where(last, label(), honest))), COLUMNS, plan)
