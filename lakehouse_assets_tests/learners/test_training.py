"""The whole way from rows to scores, on worlds whose best possible accuracy is known."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.judgement import beaten_baselines, is_too_good
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.training import Trained, TrainingPlan, predict_span, train
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.learners.synthetic import COLUMNS, MINUTE, START, World, in_batches, rows

RECIPE = XGBoostRecipe(max_depth=3, rounds=25, threads=1)
PLAN = TrainingPlan(recipe=RECIPE, folds=2, resampling=Resampling(samples=200, seed=1))


def trained(batch: pa.RecordBatch, plan: TrainingPlan = PLAN, columns: Columns = COLUMNS) -> Trained:
    return train(in_batches(batch), columns, plan)


def test_a_known_signal_is_learnt_as_far_as_it_goes_and_no_further() -> None:
    found = trained(rows(World(days=8, follow=0.62)))
    assert found.scores.accuracy.low - 0.02 < 0.62 < found.scores.accuracy.high + 0.02
    assert 0.55 < found.scores.accuracy.value < 0.69
    assert beaten_baselines(found.scores)[0]
    assert not is_too_good(found.scores, 0.75)
    assert next(iter(found.importance)) == "imbalance"
    assert set(found.fold_scores) == {"fold_1", "fold_2"}


def test_a_shuffled_label_cannot_be_learnt() -> None:
    found = trained(rows(World(days=8), shuffle=True))
    assert found.scores.lift_over_majority.low < 0.01
    assert not beaten_baselines(found.scores)[0]
    assert found.scores.roc_auc.low < 0.5 < found.scores.roc_auc.high


def test_a_leaked_label_is_too_good() -> None:
    assert is_too_good(trained(rows(leak=True)).scores, 0.75)


def test_training_ends_an_embargo_before_the_holdout_and_no_earlier() -> None:
    batch = rows(World(days=1, minutes=600, contracts=3))
    found = trained(batch, dataclasses.replace(PLAN, folds=1))
    start = found.span.fold.test_start
    assert found.predictions.instant.min() == start
    gap = start - found.trained_until
    assert PLAN.embargo_minutes * MINUTE < gap <= (PLAN.embargo_minutes + 1) * MINUTE


def test_the_majority_is_that_of_training() -> None:
    batch = rows()
    found = trained(batch)
    learnt = batch["t1"].to_numpy() < found.span.fold.train_end
    assert found.span.majority == pytest.approx(batch["label"].to_numpy()[learnt].mean())
    assert found.fitted.rows == learnt.sum()
    assert found.rows == batch.num_rows


def test_training_twice_gives_the_same_bytes() -> None:
    batch = rows()
    assert trained(batch).prediction_hash == trained(batch).prediction_hash
    other = dataclasses.replace(PLAN, recipe=dataclasses.replace(RECIPE, max_depth=4))
    assert trained(batch, other).prediction_hash != trained(batch).prediction_hash


def test_the_future_changes_no_prediction_of_a_fold() -> None:
    """The hold-out's labels are flipped: fold models and their scores stay, the hold-out's predictions too."""
    batch = rows()
    found = trained(batch)
    label = batch["label"].to_numpy().copy()
    late = batch["t0"].to_numpy() >= found.span.fold.test_start
    label[late] = 1 - label[late]
    flipped = batch.set_column(batch.schema.get_field_index("label"), "label", pa.array(label))
    again = trained(flipped)
    assert again.fold_scores == found.fold_scores
    assert again.prediction_hash == found.prediction_hash
    assert again.scores.accuracy.value == pytest.approx(1 - found.scores.accuracy.value)


def test_another_model_is_judged_on_the_same_rows() -> None:
    batch = rows()
    one, other = trained(batch), trained(batch, dataclasses.replace(PLAN, folds=0))
    again = predict_span(one.fitted.model, in_batches(batch, 77), COLUMNS, other.span)
    assert np.array_equal(again.instant, one.predictions.instant)
    assert np.array_equal(again.probability, one.predictions.probability)


def test_a_model_with_a_feature_that_is_gone_cannot_be_judged() -> None:
    batch = rows()
    found = trained(batch)
    fewer = batch.drop_columns(["flow"])
    with pytest.raises(KeyError, match="flow"):
        predict_span(found.fitted.model, in_batches(fewer), COLUMNS, found.span)


def test_progress_is_told_before_each_fit() -> None:
    told: list[str] = []
    train(in_batches(rows()), COLUMNS, PLAN, progress=told.append)
    assert [sentence.split(":")[0] for sentence in told] == ["fold_1", "fold_2", "naive_split", "holdout"]
    assert "learning from" in told[0]
    assert "judging on" in told[0]


def test_one_instant_is_too_little() -> None:
    batch = rows(World(days=1, minutes=1, contracts=500))
    with pytest.raises(TooLittleHistory, match="materialize more trading dates"):
        trained(batch)
    assert batch["t0"][0].as_py() == START


def test_bins_on_disk_are_left_in_the_given_folder(tmp_path: Path) -> None:
    outside = dataclasses.replace(PLAN, recipe=dataclasses.replace(RECIPE, external_memory=True), folds=1)
    found = train(in_batches(rows()), COLUMNS, outside, cache=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fold_1", "holdout", "naive_split"]
    assert found.scores.accuracy.value > 0.5


def test_every_knob_is_a_parameter() -> None:
    known = PLAN.as_parameters()
    assert known["algorithm"] == "xgboost"
    assert known["max_depth"] == 3
    assert known["threads"] == 1
    assert known["bootstrap_samples"] == 200
    assert known["embargo_minutes"] == 10


def test_a_plan_is_the_same_after_a_trip_through_json() -> None:
    plan = dataclasses.replace(PLAN, folds=4, embargo_minutes=3)
    assert TrainingPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    with pytest.raises(ValueError, match=r"the plan is another one than recorded: .*flods"):
        TrainingPlan.from_dict({**plan.to_dict(), "flods": 3})


def test_only_the_last_fit_is_wrapped() -> None:
    told: list[str] = []

    @contextmanager
    def wrapped() -> Iterator[None]:
        told.append("in")
        yield
        told.append("out")

    train(in_batches(rows()), COLUMNS, PLAN, progress=lambda text: told.append(text[:7]), around_last_fit=wrapped)
    assert told == ["fold_1:", "fold_2:", "naive_s", "holdout", "in", "out"]
