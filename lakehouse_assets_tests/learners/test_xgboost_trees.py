"""Boosting: the signal is found, twice the same bytes, nulls alike in training and prediction."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.matrix import matrix, prediction_hash
from lakehouse_assets.learners.xgboost_trees import XGBoostModel, XGBoostRecipe
from lakehouse_assets_tests.learners.synthetic import FEATURES, World, in_batches, rows

RECIPE = XGBoostRecipe(max_depth=3, rounds=20, threads=1)
SMALL = World(days=2, minutes=60)


def test_a_null_is_missing_and_nothing_else_is() -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.5, None, float("nan")]), "b": pa.array([1, 2, None])})
    made = matrix(batch, ("b", "a"))
    assert made.dtype == np.float32
    assert np.array_equal(made, [[1.0, 1.5], [2.0, np.nan], [np.nan, np.nan]], equal_nan=True)


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e300])
def test_an_infinite_feature_is_refused_by_name(value: float) -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.0, 2.0]), "b": pa.array([1.0, value])})
    with pytest.raises(ValueError, match="feature b holds an infinite value"):
        matrix(batch, ("a", "b"))


def test_the_signal_is_found_and_the_noise_is_not() -> None:
    batch = rows(World(follow=0.9))
    fitted = RECIPE.fit(in_batches(batch), FEATURES, "label")
    accuracy = ((fitted.model.predict([batch]) >= 0.5) == batch["label"].to_numpy()).mean()
    assert 0.86 < accuracy < 0.94
    assert next(iter(fitted.model.importance())) == "imbalance"
    assert set(fitted.model.importance()) == set(FEATURES)
    assert fitted.rows == batch.num_rows


@pytest.mark.slow
def test_the_same_rows_make_the_same_predictions_in_another_process() -> None:
    program = "from lakehouse_assets_tests.learners.test_xgboost_trees import fresh_hash\nprint(fresh_hash())"
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert elsewhere.stdout.strip() == fresh_hash()


def fresh_hash() -> str:
    """The hash of a fresh model's predictions."""
    batch = rows(SMALL)
    return prediction_hash(RECIPE.fit(in_batches(batch), FEATURES, "label").model.predict([batch]))


def test_another_seed_or_another_label_changes_the_hash() -> None:
    batch = rows(SMALL)
    other = dataclasses.replace(RECIPE, seed=8)
    assert prediction_hash(other.fit(in_batches(batch), FEATURES, "label").model.predict([batch])) != fresh_hash()


def test_the_prediction_hash_is_that_of_little_endian_float32() -> None:
    known = hashlib.sha256(bytes.fromhex("0000803e0000403f")).hexdigest()  # 0.25 and 0.75 as IEEE 754 says
    assert prediction_hash(np.array([0.25, 0.75], dtype=np.float32)) == known
    assert prediction_hash(np.array([0.75, 0.25], dtype=np.float32)) != known


def test_predictions_do_not_depend_on_the_batches_they_come_in() -> None:
    batch = rows(SMALL)
    fitted = RECIPE.fit(in_batches(batch), FEATURES, "label")
    whole = fitted.model.predict([batch])
    assert np.array_equal(whole, fitted.model.predict(in_batches(batch, 7)()))
    assert fitted.model.predict([]).shape == (0,)


def test_a_null_is_predicted_as_it_was_learnt() -> None:
    """Nulls that mean `up`: only a model that saw them as a value of their own can say so."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 4_000)
    value = pa.array(rng.normal(size=4_000), mask=label == 1)
    batch = pa.RecordBatch.from_pydict({"value": value, "label": pa.array(label)})
    fitted = dataclasses.replace(RECIPE, rounds=40, learning_rate=0.3).fit(in_batches(batch), ("value",), "label")
    nulls = pa.RecordBatch.from_pydict({"value": pa.array([None, 0.1, float("nan")], type=pa.float64())})
    up, down, nan = fitted.model.predict([nulls])
    assert up > 0.95
    assert down < 0.05
    assert nan == up


def test_the_model_carries_its_features_through_a_file(tmp_path: Path) -> None:
    import xgboost as xgb

    batch = rows(SMALL)
    fitted = RECIPE.fit(in_batches(batch), FEATURES, "label")
    fitted.model.native.save_model(tmp_path / "model.ubj")
    loaded = XGBoostModel(xgb.Booster(model_file=tmp_path / "model.ubj"))
    assert loaded.features == FEATURES
    assert np.array_equal(loaded.predict([batch]), fitted.model.predict([batch]))


def test_a_model_from_elsewhere_is_refused() -> None:
    import xgboost as xgb

    foreign = XGBoostModel(xgb.train({}, xgb.DMatrix(np.ones((4, 1)), label=np.ones(4)), 1))
    with pytest.raises(ValueError, match="it was not made by this learner"):
        foreign.predict([rows(SMALL)])


def test_the_loss_after_each_round_is_kept_for_both_sets() -> None:
    batch = rows(World(follow=0.9, days=2))
    half = batch.num_rows // 2
    fitted = RECIPE.fit(in_batches(batch.slice(0, half)), FEATURES, "label", validation=in_batches(batch.slice(half)))
    assert {name: len(curve) for name, curve in fitted.history.items()} == {"train": 20, "validation": 20}
    assert fitted.history["train"][0] > fitted.history["train"][-1]
    assert fitted.history["validation"][-1] < 0.6


def test_bins_kept_on_disk_make_nearly_the_same_model(tmp_path: Path) -> None:
    batch = rows(SMALL)
    fitted = RECIPE.fit(in_batches(batch), FEATURES, "label")
    outside = dataclasses.replace(RECIPE, external_memory=True)
    kept = outside.fit(in_batches(batch), FEATURES, "label", cache=tmp_path)
    assert np.abs(kept.model.predict([batch]) - fitted.model.predict([batch])).mean() < 0.02
    with pytest.raises(ValueError, match="needs a folder"):
        outside.fit(in_batches(batch), FEATURES, "label")


@pytest.mark.parametrize("label", [[0, 1, 2], [0, 1, None], [-1, 0, 1]])
def test_a_label_that_is_not_zero_or_one_is_refused(label: list[int | None]) -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.0, 2.0, 3.0]), "label": pa.array(label)})
    with pytest.raises(ValueError, match="every row must be 0 or 1"):
        RECIPE.fit(in_batches(batch), ("a",), "label")


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="no rows to learn from"):
        RECIPE.fit(in_batches(rows(SMALL).slice(0, 0)), FEATURES, "label")


def test_the_thread_count_is_recorded_and_does_not_change_the_predictions() -> None:
    batch = rows(SMALL)
    two = dataclasses.replace(RECIPE, threads=2)
    assert two.as_parameters()["threads"] == 2
    assert prediction_hash(two.fit(in_batches(batch), FEATURES, "label").model.predict([batch])) == fresh_hash()


def test_a_fit_that_is_late_is_given_up() -> None:
    late = dataclasses.replace(RECIPE, time_budget_seconds=0.0)
    with pytest.raises(OverBudget, match=r"over its time budget of 0 s at .*; nothing was kept. Raise time_budget"):
        late.fit(in_batches(rows(SMALL)), FEATURES, "label")


def test_the_summary_counts_the_trees() -> None:
    summary = RECIPE.fit(in_batches(rows()), FEATURES, "label").model.summary()
    assert summary.startswith("XGBoost, boosted trees for a binary label: 20 trees with ")
    assert "at most 3 deep, on 4 features" in summary
