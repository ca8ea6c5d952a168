"""A model on each group of rows: scored apart, against the group's own majority."""

import json
from dataclasses import asdict, astuple
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.evaluation import Groups, Predictions, evaluate
from lakehouse_assets.learners.groups import GroupScores, evaluate_groups
from lakehouse_assets.learners.spool import Columns, outline, spool
from lakehouse_assets.learners.training import TrainingPlan, train
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.learners.synthetic import FEATURES, MINUTE, START, World, in_batches, rows

RESAMPLING = Resampling(samples=200, block_minutes=30, seed=1)
GROUPED = Columns(FEATURES, group="underlying")
PLAN = TrainingPlan(
    recipe=XGBoostRecipe(max_depth=3, rounds=25, threads=1), folds=1, resampling=RESAMPLING, naive_split=False
)


def grouped(batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    return batch.append_column("underlying", pa.array(names, pa.string()))


def predictions(code: list[int], majority: tuple[float, ...], seed: int = 1, size: int = 3_000) -> Predictions:
    """Right in 70 % of the rows of group 0, wrong in 70 % of those of any other."""
    rng = np.random.default_rng(seed)
    group = np.resize(np.array(code, dtype=np.int32), size)
    label = rng.integers(0, 2, size).astype(np.int8)
    right = (rng.random(size) < 0.7) == (group == 0)
    probability = np.where(right == (label == 1), 0.7, 0.3).astype(np.float32)
    names = tuple(f"U{number}" for number in range(len(majority)))
    instant = START + np.arange(size, dtype=np.int64) * MINUTE
    return Predictions(label, probability, instant, np.zeros(size, np.int8), 0.5, Groups(group, names, majority))


def test_a_bad_group_shows_behind_a_good_mean() -> None:
    found = predictions([0, 0, 0, 1], (0.5, 0.5))
    assert evaluate(found, RESAMPLING).lift_over_majority.low > 0
    scores = evaluate_groups(found, RESAMPLING)
    assert list(scores) == ["U0", "U1"]
    assert scores["U0"].lift_over_majority.low > 0.1
    assert scores["U1"].lift_over_majority.high < -0.1
    assert scores["U1"].log_loss_gain.high < 0 < scores["U0"].log_loss_gain.low
    assert sum(group.rows for group in scores.values()) == 3_000


def test_a_group_alone_has_the_scores_of_all_rows() -> None:
    found = predictions([0], (0.5,))
    whole, (alone,) = evaluate(found, RESAMPLING), evaluate_groups(found, RESAMPLING).values()
    assert (alone.rows, alone.blocks, alone.accuracy) == (whole.rows, whole.blocks, whole.accuracy)
    assert alone.balanced_accuracy == whole.balanced_accuracy
    assert alone.majority_accuracy == whole.majority_accuracy
    assert alone.lift_over_majority == whole.lift_over_majority
    assert astuple(alone.log_loss_gain) == pytest.approx(astuple(whole.log_loss_gain))


def test_the_majority_is_the_groups_own() -> None:
    found = predictions([0, 1], (0.9, 0.1))
    up = found.label[::2].mean()
    scores = evaluate_groups(found, RESAMPLING)
    assert scores["U0"].majority_accuracy == pytest.approx(up)
    assert scores["U1"].majority_accuracy == pytest.approx(1 - found.label[1::2].mean())


def test_a_group_of_one_class_has_no_balanced_accuracy_and_the_rest() -> None:
    found = predictions([0, 1], (0.5, 0.5))
    found.label[1::2] = 1
    scores = evaluate_groups(found, RESAMPLING)["U1"]
    assert scores.balanced_accuracy is None
    assert scores.majority_accuracy == 1.0


def test_rows_without_groups_have_no_group_scores() -> None:
    found = predictions([0], (0.5,))
    plain = Predictions(found.label, found.probability, found.instant, found.last_direction, 0.5)
    assert evaluate_groups(plain, RESAMPLING) == {}


def test_the_scores_are_the_same_after_a_trip_through_json() -> None:
    for scores in evaluate_groups(predictions([0, 1], (0.5, 0.5)), RESAMPLING).values():
        assert GroupScores.from_dict(json.loads(json.dumps(asdict(scores)))) == scores


def test_names_go_through_the_file_in_whatever_batches(tmp_path: Path) -> None:
    batch = rows(World(days=1))
    names = [f"U{row % 7 // 2}" for row in range(batch.num_rows)]
    kept = spool(in_batches(grouped(batch, names), 333)(), GROUPED, tmp_path / "rows.arrow")
    known = outline(kept, GROUPED)
    assert known.group is not None
    assert [known.groups[code] for code in known.group] == names
    dictionary = batch.append_column("underlying", pa.array(names).dictionary_encode())
    again = outline(spool([dictionary], GROUPED, tmp_path / "again.arrow"), GROUPED)
    assert again.groups == known.groups == ("U0", "U1", "U2", "U3")


def test_a_row_without_a_group_is_refused(tmp_path: Path) -> None:
    batch = rows(World(days=1, minutes=1, contracts=2))
    with pytest.raises(ValueError, match="underlying is null on 1 rows"):
        spool([batch.append_column("underlying", pa.array(["A", None]))], GROUPED, tmp_path / "rows.arrow")


def test_training_judges_each_group_against_its_majority_before_the_holdout() -> None:
    batch = rows(World(days=6, follow=0.7))
    names = np.where(np.arange(batch.num_rows) % 10 < 4, "AAA", "BBB")
    names[-5:] = "NEW"  # an underlying that training never met
    found = train(in_batches(grouped(batch, names.tolist())), GROUPED, PLAN)
    assert list(found.group_scores) == ["AAA", "BBB", "NEW"]
    assert sum(scores.rows for scores in found.group_scores.values()) == found.scores.rows
    learnt = (batch["t1"].to_numpy() < found.span.fold.train_end) & (names == "AAA")
    assert found.span.group_majorities["AAA"] == pytest.approx(batch["label"].to_numpy()[learnt].mean())
    assert set(found.span.group_majorities) == {"AAA", "BBB"}
    groups = found.predictions.groups
    assert groups is not None
    assert dict(zip(groups.names, groups.majority, strict=True))["NEW"] == found.span.majority


def test_the_group_is_never_learnt_from() -> None:
    batch = rows(World(days=2))
    plain = train(in_batches(batch), Columns(FEATURES), PLAN)
    leak = ["up" if label else "down" for label in batch["label"].to_pylist()]
    found = train(in_batches(grouped(batch, leak)), GROUPED, PLAN)
    assert found.prediction_hash == plain.prediction_hash
    assert found.scores == plain.scores
    assert plain.group_scores == {}
