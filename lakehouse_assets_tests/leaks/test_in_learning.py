"""Leaks planted in preparation, fit and search: caught because something that must not be looked at is changed."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners import tuning
from lakehouse_assets.learners.algorithms import RECIPES, recipe_of
from lakehouse_assets.learners.evaluation import row_losses
from lakehouse_assets.learners.learner import Fitted, Recipe
from lakehouse_assets.learners.matrix import labels
from lakehouse_assets.learners.splits import Fold, WalkForward
from lakehouse_assets.learners.spool import Outline
from lakehouse_assets.learners.training import TrainingPlan, split_of
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.leaks.blindness import (
    WORLD,
    Mask,
    assert_blind_to_the_test_rows,
    assert_tuning_is_blind_to_the_last_span,
    numbers,
    with_column,
)
from lakehouse_assets_tests.leaks.nearest_mean import NearestMeanRecipe

SIZES: Mapping[str, Mapping[str, int]] = {
    "xgboost": {"rounds": 20, "min_child_weight": 1},
    "lightgbm": {"rounds": 20, "min_data_in_leaf": 5},
    "random_forest": {"trees": 5, "min_samples_leaf": 5},
}
"""Small enough for three hundred rows, and able to learn from them."""


def small(algorithm: str) -> Recipe:
    return recipe_of(algorithm, {"threads": 1, **SIZES[algorithm]})


@pytest.mark.parametrize("algorithm", RECIPES)
def test_no_learner_looks_at_the_rows_that_it_is_judged_on(algorithm: str) -> None:
    assert_blind_to_the_test_rows(small(algorithm))


def scaled(batch: pa.RecordBatch, over: Mask) -> pa.RecordBatch:
    """A feature in units of its spread over some rows."""
    known = numbers(batch, "spread")
    return with_column(batch, "spread", (known - known[over].mean()) / known[over].std())


def encoded(batch: pa.RecordBatch, over: Mask) -> pa.RecordBatch:
    """A contract as the share of class 1 among some of its rows."""
    contract = np.arange(batch.num_rows) % WORLD.contracts
    label = numbers(batch, "label")
    means = np.array([label[over & (contract == one)].mean() for one in range(WORLD.contracts)])
    return with_column(batch, "noise", means[contract])


def everywhere(mine: Mask) -> Mask:
    return np.full(len(mine), True)


def test_a_scaler_fitted_on_all_rows_is_caught() -> None:
    assert_blind_to_the_test_rows(NearestMeanRecipe(), scaled)
    with pytest.raises(AssertionError, match="other features in the test rows"):
        assert_blind_to_the_test_rows(NearestMeanRecipe(), lambda batch, mine: scaled(batch, everywhere(mine)))


def test_a_recipe_whose_scaler_is_fitted_on_the_test_rows_is_caught() -> None:
    assert_blind_to_the_test_rows(NearestMeanRecipe(peeks=False))
    with pytest.raises(AssertionError, match="other features in the test rows"):
        assert_blind_to_the_test_rows(NearestMeanRecipe(peeks=True))


def test_a_target_encoding_on_all_rows_is_caught() -> None:
    assert_blind_to_the_test_rows(NearestMeanRecipe(), encoded)
    with pytest.raises(AssertionError, match="other labels in the test rows"):
        assert_blind_to_the_test_rows(NearestMeanRecipe(), lambda batch, mine: encoded(batch, everywhere(mine)))


@dataclasses.dataclass(frozen=True)
class StoppedByTheTest(XGBoostRecipe):
    """Grows until the loss on the rows that it is judged on no longer falls."""

    short = XGBoostRecipe.fit

    def fit(self, batches: Any, features: Any, label: str, *, validation: Any = None, cache: Any = None) -> Fitted:
        """The better of two lengths by the test rows."""
        fits = [dataclasses.replace(self, rounds=n).short(batches, features, label) for n in (1, 20)]
        truth = np.concatenate([labels(batch, label) for batch in validation()]).astype(np.int8)
        return min(fits, key=lambda one: float(row_losses(truth, one.model.predict(validation())).mean()))


def test_a_fit_that_stops_by_the_test_rows_is_caught() -> None:
    with pytest.raises(AssertionError, match="in the test rows: another model"):
        assert_blind_to_the_test_rows(StoppedByTheTest(threads=1, min_child_weight=1))


def with_the_last_span(rows: Outline, plan: TrainingPlan) -> WalkForward:
    """A search that is judged on the last span as well."""
    never = int(rows.t1.max()) + 1
    return WalkForward(split_of(rows, plan).every, Fold("nothing", never, never, None))


SEARCHED = TrainingPlan(recipe=small("xgboost"), folds=1, naive_split=False)


def test_no_search_looks_at_the_last_span(tmp_path: Path) -> None:
    assert_tuning_is_blind_to_the_last_span(SEARCHED, tmp_path)


def test_tuning_on_the_test_days_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "split_of", with_the_last_span)
    with pytest.raises(AssertionError, match="other labels in the last span: another search"):
        assert_tuning_is_blind_to_the_last_span(SEARCHED, tmp_path)
