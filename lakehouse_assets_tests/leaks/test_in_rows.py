"""Leaks planted in the rows of a training or in its split: labels, times, duplicates, contracts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.contracts.contract import Column
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.learners import training
from lakehouse_assets.learners.judgement import is_too_good
from lakehouse_assets.learners.splits import Fold, Rows, WalkForward, walk_forward
from lakehouse_assets.learners.spool import outline, spool
from lakehouse_assets.learners.telltales import TellsTheLabel
from lakehouse_assets.learners.training import Trained, TrainingPlan, split_of, train
from lakehouse_assets.services.training_rows import KNOWN_FROM, KnownTooLate, columns_of, known_in_time
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.leaks.blindness import RESAMPLING, WORLD, numbers, with_column
from lakehouse_assets_tests.leaks.gate import of_the_gate
from lakehouse_assets_tests.leaks.nearest_mean import NearestMeanRecipe
from lakehouse_assets_tests.leaks.sides import same_instants, touches, twins
from lakehouse_assets_tests.learners.synthetic import COLUMNS, HORIZON, MINUTE, in_batches, rows
from lakehouse_assets_tests.transforms.stories import DAY, at

PLAN = TrainingPlan(NearestMeanRecipe(), folds=1, resampling=RESAMPLING, naive_split=False)
TOO_GOOD = Settings().model.too_good_balanced_accuracy


def trained(batch: pa.RecordBatch) -> Trained:
    return train(in_batches(batch), COLUMNS, PLAN)


def sides(batch: pa.RecordBatch) -> tuple[Rows, Rows]:
    """The rows of the last span's training and test, as training splits them."""
    known = outline(in_batches(batch), COLUMNS)
    last = split_of(known, PLAN).holdout
    return last.train_rows(known.t1), last.test_rows(known.t0)


def at_random(batch: pa.RecordBatch) -> tuple[Rows, Rows]:
    """The split of today's habits."""
    order = np.random.default_rng(5).permutation(batch.num_rows)
    return np.sort(order[batch.num_rows // 4 :]), np.sort(order[: batch.num_rows // 4])


def test_a_label_among_the_features_is_caught() -> None:
    columns_of(FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS)
    label = Column("is_up", "int", "The label", role="feature")
    leaking = replace(FEATURE_OPTION_MINUTES, columns=(*FEATURE_OPTION_MINUTES.columns, label))
    with pytest.raises(ValueError, match="is_up must not be a feature"):
        columns_of(leaking, FEATURE_OPTION_LABELS)


def test_a_label_under_another_name_is_caught() -> None:
    batch = rows(WORLD)
    trained(batch)
    with pytest.raises(TellsTheLabel, match=r"^noise: "):
        trained(with_column(batch, "noise", 1.0 - numbers(batch, "label")))


def test_the_return_that_the_label_is_of_is_caught() -> None:
    batch = rows(WORLD)
    size = np.random.default_rng(1).lognormal(-8, 1, batch.num_rows)
    with pytest.raises(TellsTheLabel, match=r"^noise: "):
        trained(with_column(batch, "noise", size * (2.0 * numbers(batch, "label") - 1)))


def test_a_label_under_noise_is_caught() -> None:
    honest, leaking = rows(replace(WORLD, follow=0.62)), rows(replace(WORLD, follow=0.62), leak=True)
    assert not is_too_good(trained(honest).scores, TOO_GOOD)
    assert is_too_good(trained(leaking).scores, TOO_GOOD)


def test_rows_in_a_shuffled_order_are_caught(tmp_path: Path) -> None:
    batch = rows(WORLD)
    shuffled = batch.take(pa.array(np.random.default_rng(2).permutation(batch.num_rows)))
    spool(in_batches(batch)(), COLUMNS, tmp_path / "rows.arrow")
    with pytest.raises(ValueError, match="not in the order of t0"):
        spool(in_batches(shuffled)(), COLUMNS, tmp_path / "rows.arrow")
    # Nor would the split be fooled: it is on times, whatever the order.
    one, other = (outline(in_batches(each), COLUMNS) for each in (batch, shuffled))
    assert split_of(one, PLAN) == split_of(other, PLAN)


def timed(batch: pa.RecordBatch, t0: Any) -> pa.RecordBatch:
    """The rows with their labels' times, and those from which their features were known."""
    moved = with_column(with_column(batch, "t0", t0), "t1", t0 + HORIZON * MINUTE)
    return moved.append_column(KNOWN_FROM, batch["t0"])


def test_times_that_were_shuffled_among_the_rows_are_caught() -> None:
    batch = rows(WORLD)
    t0 = numbers(batch, "t0")
    assert sum(part.num_rows for part in known_in_time([timed(batch, t0)], COLUMNS)) == batch.num_rows
    with pytest.raises(KnownTooLate, match="known only after t0"):
        list(known_in_time([timed(batch, np.random.default_rng(2).permutation(t0))], COLUMNS))


def test_features_revised_after_their_labels_were_made_are_caught() -> None:
    batch = timed(rows(WORLD), numbers(rows(WORLD), "t0"))
    revised = numbers(batch, KNOWN_FROM).copy()
    revised[7] += 1
    with pytest.raises(KnownTooLate, match="1 of 480 rows"):
        list(known_in_time([with_column(batch, KNOWN_FROM, revised)], COLUMNS))


def test_rows_delivered_twice_are_caught(tmp_path: Path) -> None:
    """By the table's gate if they have one key."""
    known = {"trading_date": DAY, "source": "krx", "feature_time": at(60), "available_at": at(60)}
    once = [{**known, "symbol": symbol} for symbol in ("A", "B")]
    assert not of_the_gate(once, tmp_path / "once").refuses
    judged = of_the_gate([*once, once[0]], tmp_path / "twice")
    assert judged.gate.name == "feature_option_minutes_honour_their_contract"
    assert judged.refuses
    assert judged.verdict.values["key_is_repeated"] == 1


def test_duplicate_rows_across_the_split_are_caught() -> None:
    """By the split if they have two keys, such as one day landed from two sources: they share their time."""
    batch = rows(WORLD)
    doubled = batch.take(pa.array(np.repeat(np.arange(batch.num_rows), 2)))
    assert twins(doubled, *at_random(doubled)) > doubled.num_rows // 10
    assert touches(*times(doubled), *at_random(doubled))
    assert twins(doubled, *sides(doubled)) == 0
    assert touches(*times(doubled), *sides(doubled)) == []


def times(batch: pa.RecordBatch) -> tuple[Any, Any]:
    return numbers(batch, "t0"), numbers(batch, "t1")


def test_contracts_of_one_instant_on_both_sides_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = rows(WORLD)
    t0, t1 = times(batch)
    contract = np.arange(batch.num_rows) % WORLD.contracts
    assert same_instants(t0, np.flatnonzero(contract > 0), np.flatnonzero(contract == 0))
    assert same_instants(t0, *sides(batch)) == set()
    monkeypatch.setattr(training, "walk_forward", astride)
    with pytest.raises(RuntimeError, match="holdout: 24 training labels reach into the test span"):
        split_of(outline(in_batches(batch), COLUMNS), PLAN)
    last = astride(t0, t1).holdout
    assert same_instants(t0, last.train_rows(t1), last.test_rows(t0)) == {last.test_start}


def astride(t0: Any, t1: Any, **_: Any) -> WalkForward:
    """A split that learns from the first instant that it tests."""
    start = int(np.sort(t0)[300])
    return WalkForward((), Fold("holdout", start + HORIZON * MINUTE + 1, start, None))


def unpurged(t0: Any, t1: Any, **how: Any) -> WalkForward:
    """The split by t0 alone: labels of the last minutes that are learnt from reach into the test span."""
    split = walk_forward(t0, t1, **how)
    horizon = int((t1 - t0).max())
    return WalkForward(split.folds, replace(split.holdout, train_end=split.holdout.test_start + horizon))


def test_labels_that_reach_into_the_test_span_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = rows(WORLD)
    assert touches(*times(batch), *sides(batch)) == []
    monkeypatch.setattr(training, "walk_forward", unpurged)
    with pytest.raises(RuntimeError, match="holdout: 20 training labels reach into the test span"):
        split_of(outline(in_batches(batch), COLUMNS), PLAN)
    last = unpurged(*times(batch), folds=1, holdout_share=0.25, embargo_us=0).holdout
    assert touches(*times(batch), last.train_rows(times(batch)[1]), last.test_rows(times(batch)[0]))
