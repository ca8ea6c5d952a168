"""Every learner of ticks behaves alike: one suite over all of them."""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.algorithms import RECIPES, model_of, recipe_of
from lakehouse_assets.learners.learner import OverBudget, Recipe
from lakehouse_assets.learners.matrix import prediction_hash
from lakehouse_assets_tests.learners.synthetic import FEATURES, World, in_batches, rows

SMALL = World(days=2, minutes=60)
QUICK: Mapping[str, Mapping[str, Any]] = {
    "xgboost": {"max_depth": 3, "rounds": 20},
    "lightgbm": {"num_leaves": 8, "rounds": 20, "min_data_in_leaf": 50},
    "random_forest": {"trees": 20, "max_depth": 6, "tree_share": 0.5},
}
EVERY = pytest.mark.parametrize("algorithm", RECIPES)


def recipe(algorithm: str, **changes: Any) -> Recipe:
    return recipe_of(algorithm, {**QUICK[algorithm], "threads": 1, **changes})


def fresh_hash(algorithm: str, **changes: Any) -> str:
    """The hash of a fresh model's predictions."""
    batch = rows(SMALL)
    return prediction_hash(
        recipe(algorithm, **changes).fit(in_batches(batch), FEATURES, "label").model.predict([batch])
    )


@EVERY
def test_the_signal_is_found_and_the_noise_is_not(algorithm: str) -> None:
    batch = rows(World(follow=0.9))
    fitted = recipe(algorithm).fit(in_batches(batch), FEATURES, "label")
    accuracy = ((fitted.model.predict([batch]) >= 0.5) == batch["label"].to_numpy()).mean()
    assert 0.86 < accuracy < 0.94
    assert next(iter(fitted.model.importance())) == "imbalance"
    assert set(fitted.model.importance()) == set(FEATURES)
    assert list(fitted.model.importance().values()) == sorted(fitted.model.importance().values(), reverse=True)
    assert fitted.rows == batch.num_rows
    assert fitted.recipe == recipe(algorithm)
    assert fitted.seconds > 0


@EVERY
@pytest.mark.slow
def test_the_same_rows_make_the_same_predictions_in_another_process(algorithm: str) -> None:
    program = f"from lakehouse_assets_tests.learners.test_learner import fresh_hash\nprint(fresh_hash({algorithm!r}))"
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert elsewhere.stdout.strip() == fresh_hash(algorithm)


@EVERY
def test_another_seed_makes_another_model(algorithm: str) -> None:
    assert fresh_hash(algorithm, seed=8) != fresh_hash(algorithm)


@EVERY
def test_the_thread_count_is_recorded_and_does_not_change_the_predictions(algorithm: str) -> None:
    assert recipe(algorithm, threads=2).as_parameters()["threads"] == 2
    assert fresh_hash(algorithm, threads=2) == fresh_hash(algorithm)


@EVERY
def test_predictions_do_not_depend_on_the_batches_they_come_in(algorithm: str) -> None:
    batch = rows(SMALL)
    model = recipe(algorithm).fit(in_batches(batch), FEATURES, "label").model
    whole = model.predict([batch])
    assert whole.dtype == np.float32
    assert whole.shape == (batch.num_rows,)
    assert np.array_equal(whole, model.predict(in_batches(batch, 7)()))
    assert np.array_equal(whole, model.predict([batch.slice(0, 0), batch]))
    assert model.predict([]).shape == (0,)


@EVERY
def test_a_null_is_predicted_as_it_was_learnt(algorithm: str) -> None:
    """Nulls that mean `up`: only a model that saw them as a value of their own can say so."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 4_000)
    value = pa.array(rng.normal(size=4_000), mask=label == 1)
    batch = pa.RecordBatch.from_pydict({"value": value, "label": pa.array(label)})
    faster = {} if algorithm == "random_forest" else {"rounds": 40, "learning_rate": 0.3}
    model = recipe(algorithm, **faster).fit(in_batches(batch), ("value",), "label").model
    nulls = pa.RecordBatch.from_pydict({"value": pa.array([None, 0.1, float("nan")], type=pa.float64())})
    up, down, nan = model.predict([nulls])
    assert up > 0.95
    assert down < 0.05
    assert nan == up


@EVERY
def test_a_feature_that_is_always_missing_is_never_used(algorithm: str) -> None:
    batch = rows(SMALL)
    empty = pa.nulls(batch.num_rows, pa.float32())
    batch = batch.set_column(batch.schema.get_field_index("flow"), "flow", empty)
    model = recipe(algorithm).fit(in_batches(batch), FEATURES, "label").model
    assert model.importance()["flow"] == 0
    assert np.isfinite(model.predict([batch])).all()


@EVERY
def test_the_features_are_kept_in_the_order_of_the_fit(algorithm: str) -> None:
    batch = rows(SMALL)
    order = tuple(reversed(FEATURES))
    model = recipe(algorithm).fit(in_batches(batch), order, "label").model
    assert model.features == order
    turned = batch.select(sorted(batch.schema.names, reverse=True))
    assert np.array_equal(model.predict([turned]), model.predict([batch]))
    with pytest.raises(KeyError, match="flow"):
        model.predict([batch.drop_columns(["flow"])])


@EVERY
def test_the_model_is_the_same_after_its_library_saved_it(algorithm: str, tmp_path: Path) -> None:
    batch = rows(SMALL)
    model = recipe(algorithm).fit(in_batches(batch), FEATURES, "label").model
    again = model_of(algorithm, saved_and_loaded(algorithm, model.native, tmp_path / "model"))
    assert again.features == FEATURES
    assert np.array_equal(again.predict([batch]), model.predict([batch]))
    assert again.summary() == model.summary()
    assert again.importance() == pytest.approx(model.importance())


def saved_and_loaded(algorithm: str, native: Any, path: Path) -> Any:
    """Through a file, by the library's own means and without pickle."""
    if algorithm == "xgboost":
        import xgboost as xgb

        native.save_model(path.with_suffix(".ubj"))
        return xgb.Booster(model_file=path.with_suffix(".ubj"))
    if algorithm == "lightgbm":
        import lightgbm as lgb

        native.save_model(path)
        return lgb.Booster(model_file=path)
    import skops.io

    skops.io.dump(native, path)
    return skops.io.load(path, trusted=["sklearn.tree._tree.Tree"])


@EVERY
def test_the_losses_are_kept_for_both_sets_as_the_model_grows(algorithm: str) -> None:
    batch = rows(World(follow=0.9, days=2))
    half = batch.num_rows // 2
    fitted = recipe(algorithm).fit(
        in_batches(batch.slice(0, half)), FEATURES, "label", validation=in_batches(batch.slice(half))
    )
    assert {name: len(curve) for name, curve in fitted.history.items()} == {"train": 20, "validation": 20}
    assert fitted.history["train"][0] > fitted.history["train"][-1]
    assert fitted.history["validation"][-1] < 0.6
    from lakehouse_assets.learners.evaluation import row_losses

    judged = batch.slice(half)
    losses = row_losses(judged["label"].to_numpy(), fitted.model.predict([judged]))
    assert fitted.history["validation"][-1] == pytest.approx(losses.mean(), abs=1e-5)


@EVERY
def test_the_validation_set_changes_no_prediction(algorithm: str) -> None:
    batch = rows(SMALL)
    half = batch.num_rows // 2
    watched = recipe(algorithm).fit(in_batches(batch), FEATURES, "label", validation=in_batches(batch.slice(half)))
    assert prediction_hash(watched.model.predict([batch])) == fresh_hash(algorithm)
    assert recipe(algorithm).fit(in_batches(batch), FEATURES, "label").history == {}


@EVERY
@pytest.mark.parametrize("label", [[0, 1, 2], [0, 1, None], [-1, 0, 1]])
def test_a_label_that_is_not_zero_or_one_is_refused(algorithm: str, label: list[int | None]) -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.0, 2.0, 3.0]), "label": pa.array(label)})
    with pytest.raises(ValueError, match="every row must be 0 or 1"):
        recipe(algorithm).fit(in_batches(batch), ("a",), "label")


@EVERY
def test_an_infinite_feature_is_refused(algorithm: str) -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.0, float("inf")]), "label": pa.array([0, 1])})
    with pytest.raises(ValueError, match="feature a holds an infinite value"):
        recipe(algorithm).fit(in_batches(batch), ("a",), "label")


@EVERY
def test_no_rows_are_refused(algorithm: str) -> None:
    with pytest.raises(ValueError, match="no rows to learn from"):
        recipe(algorithm).fit(in_batches(rows(SMALL).slice(0, 0)), FEATURES, "label")


@EVERY
@pytest.mark.parametrize("budget", [0.0, 0.15])
def test_a_fit_that_is_late_is_given_up_and_leaves_nothing_behind(
    algorithm: str, budget: float, tmp_path: Path
) -> None:
    many = {"trees": 100_000} if algorithm == "random_forest" else {"rounds": 100_000}
    late = recipe(algorithm, time_budget_seconds=budget, **many)
    words = rf"{algorithm}: the fit is over its time budget of {budget:g} s at .*; nothing was kept. Raise time_budget"
    with pytest.raises(OverBudget, match=words) as said:
        late.fit(in_batches(rows(SMALL)), FEATURES, "label", cache=tmp_path)
    if budget:
        assert re.search(r"(round|tree) \d+ of 100000|its rows", str(said.value))
    assert list(tmp_path.iterdir()) == []


@EVERY
def test_the_summary_says_the_shape_of_the_model(algorithm: str) -> None:
    model = recipe(algorithm).fit(in_batches(rows(SMALL)), FEATURES, "label").model
    first, *rest = model.summary().splitlines()
    assert "for a binary label: 20 trees with " in first
    assert first.endswith("on 4 features")
    assert [line.strip() for line in rest][-4:] == list(FEATURES)


@EVERY
def test_a_model_from_elsewhere_is_refused(algorithm: str) -> None:
    values, label = np.random.default_rng(3).normal(size=(400, 2)), np.arange(400) % 2
    with pytest.raises(ValueError, match="it was not made by this learner; train it again"):
        model_of(algorithm, foreign(algorithm, values, label)).predict([rows(SMALL)])


def foreign(algorithm: str, values: Any, label: Any) -> Any:
    """A model of the same library that was trained without names."""
    if algorithm == "xgboost":
        import xgboost as xgb

        return xgb.train({}, xgb.DMatrix(values, label=label), 1)
    if algorithm == "lightgbm":
        import lightgbm as lgb

        return lgb.train({"verbosity": -1}, lgb.Dataset(values, label=label), 1)
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(1).fit(values, label)


@EVERY
def test_a_recipe_is_frozen_and_flat(algorithm: str) -> None:
    made: Any = recipe(algorithm)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.seed = 3
    assert all(isinstance(value, int | float | str) for value in made.as_parameters().values())
