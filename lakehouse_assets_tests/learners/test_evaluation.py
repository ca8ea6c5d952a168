"""Scores, held against scikit-learn, and intervals, held against a slow bootstrap and against simulation."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.learners.bootstrap import Resampling, draw
from lakehouse_assets.learners.evaluation import Predictions, Scores, evaluate, roc_auc, row_losses
from lakehouse_assets_tests.learners.synthetic import MINUTE, START

ORACLE: Any = pytest.importorskip("sklearn.metrics")
QUICK = Resampling(samples=200, block_minutes=30, seed=1)


def made(
    size: int = 4_000, a_minute: int = 10, follow: float = 0.6, seed: int = 2, majority: float = 0.5, levels: int = 0
) -> Predictions:
    """Predictions that are right in a share of the rows; `levels` rounds them, so that scores tie."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, size).astype(np.int8)
    leaning = np.where(rng.random(size) < follow, label, 1 - label)
    probability = np.clip(0.5 + (leaning - 0.5) * rng.random(size), 0, 1)
    if levels:
        probability = np.clip(np.round(probability * levels) / levels, 0.05, 0.95)
    instant = START + (np.arange(size, dtype=np.int64) // a_minute) * MINUTE
    last = rng.integers(-1, 2, size).astype(np.int8)
    return Predictions(label, probability.astype(np.float32), instant, last, majority)


@pytest.mark.parametrize("levels", [0, 5])
def test_the_scores_are_those_of_scikit_learn(levels: int) -> None:
    found = made(levels=levels)
    scores = evaluate(found, QUICK)
    probability, guess = found.probability.astype(float), found.probability >= 0.5
    assert scores.accuracy.value == pytest.approx(ORACLE.accuracy_score(found.label, guess))
    assert scores.balanced_accuracy.value == pytest.approx(ORACLE.balanced_accuracy_score(found.label, guess))
    assert scores.f1_score.value == pytest.approx(ORACLE.f1_score(found.label, guess))
    assert scores.log_loss.value == pytest.approx(ORACLE.log_loss(found.label, probability), rel=1e-6)
    assert scores.brier.value == pytest.approx(ORACLE.brier_score_loss(found.label, probability))
    assert scores.roc_auc.value == pytest.approx(ORACLE.roc_auc_score(found.label, probability))


def test_roc_auc_by_counting_every_pair() -> None:
    label = np.array([0, 0, 1, 1, 0], dtype=np.int8)
    score = np.array([0.1, 0.5, 0.5, 0.9, 0.7])
    assert roc_auc(label, score) == (1 + 0.5 + 0 + 1 + 1 + 1) / 6


def test_the_baselines_know_only_the_past() -> None:
    found = Predictions(
        label=np.array([1, 0, 1, 0], dtype=np.int8),
        probability=np.full(4, 0.5, dtype=np.float32),
        instant=START + np.arange(4) * MINUTE,
        last_direction=np.array([1, 1, 0, -1], dtype=np.int8),
        majority=0.4,
    )
    assert found.majority_guess.tolist() == [0, 0, 0, 0]
    assert found.no_change_guess.tolist() == [1, 1, 0, 0]  # no move yet: the majority of training
    scores = evaluate(found, QUICK)
    assert (scores.majority_accuracy, scores.no_change_accuracy) == (0.5, 0.5)
    constant = ORACLE.log_loss([1, 0, 1, 0], [0.4] * 4)
    assert scores.log_loss_gain.value == pytest.approx(constant - ORACLE.log_loss([1, 0, 1, 0], [0.5] * 4))


def test_the_intervals_are_those_of_a_slow_bootstrap_over_blocks() -> None:
    found = made(size=2_000)
    draws = draw(found.instant, QUICK)
    slow: dict[str, list[float]] = {"accuracy": [], "balanced_accuracy": [], "f1_score": [], "roc_auc": []}
    for counts in draws.times[1:].astype(int):
        rows = np.concatenate([np.tile(np.flatnonzero(draws.block == b), n) for b, n in enumerate(counts) if n])
        label, score = found.label[rows], found.probability[rows]
        slow["accuracy"].append(ORACLE.accuracy_score(label, score >= 0.5))
        slow["balanced_accuracy"].append(ORACLE.balanced_accuracy_score(label, score >= 0.5))
        slow["f1_score"].append(ORACLE.f1_score(label, score >= 0.5))
        slow["roc_auc"].append(ORACLE.roc_auc_score(label, score))
    scores = evaluate(found, QUICK)
    for name, values in slow.items():
        quick = getattr(scores, name)
        assert [quick.low, quick.high] == pytest.approx(np.quantile(values, [0.025, 0.975]).tolist(), abs=1e-4), name


def test_blocks_are_spans_of_time_and_keep_an_instant_whole() -> None:
    instant = np.array([0, 29, 29, 30, 59, 300], dtype=np.int64) * MINUTE
    draws = draw(instant, Resampling(samples=50, block_minutes=30))
    assert draws.block.tolist() == [0, 0, 0, 1, 1, 2]
    assert draws.times.shape == (51, 3)
    assert (draws.times.sum(axis=1) == 3).all()
    assert draws.times[0].tolist() == [1, 1, 1]


def test_rows_that_move_together_widen_the_interval() -> None:
    """A hundred contracts that share one move are one observation; rows resampled alone would hide it."""
    rng = np.random.default_rng(4)
    minutes, contracts = 120, 100
    right = np.repeat(rng.random(minutes) < 0.5, contracts)
    label = np.repeat(rng.integers(0, 2, minutes), contracts).astype(np.int8)
    probability = np.where(right, label, 1 - label).astype(np.float32)
    instant = np.repeat(START + np.arange(minutes) * MINUTE, contracts)
    found = Predictions(label, probability, instant, np.zeros_like(label), 0.5)
    together = evaluate(found, Resampling(samples=400, block_minutes=1)).accuracy
    alone = 2 * 1.96 * 0.5 / np.sqrt(minutes * contracts)
    assert together.high - together.low > 8 * alone


@pytest.mark.slow
def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(60):
        accuracy = evaluate(made(size=3_000, seed=seed, follow=0.6), Resampling(samples=200, block_minutes=5)).accuracy
        covered += accuracy.low <= 0.6 <= accuracy.high
    assert covered >= 51  # 95 % of 60 is 57; below 51 has a chance of one in a thousand


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    assert evaluate(made(), QUICK) == evaluate(made(), QUICK)
    assert evaluate(made(), QUICK) != evaluate(made(), Resampling(samples=200, seed=2))


def test_a_probability_of_one_for_a_wrong_class_is_finite() -> None:
    losses = row_losses(np.array([0, 1], dtype=np.int8), np.array([1.0, 1.0], dtype=np.float32))
    assert losses.tolist() == pytest.approx([16.118, 0.0], abs=1e-3)


def test_scores_survive_being_saved() -> None:
    scores = evaluate(made(), QUICK)
    assert Scores.from_dict(asdict(scores)) == scores
    metrics = scores.as_metrics()
    assert metrics["accuracy"] == scores.accuracy.value
    assert metrics["accuracy_low"] <= metrics["accuracy"] <= metrics["accuracy_high"]
    assert metrics["rows"] == 4_000


def test_what_cannot_be_judged_is_refused() -> None:
    good = made(size=100)
    last = good.last_direction
    with pytest.raises(ValueError, match="both classes"):
        Predictions(np.ones(100, dtype=np.int8), good.probability, good.instant, last, 0.5)
    with pytest.raises(ValueError, match="differ in length"):
        Predictions(good.label, good.probability[:99], good.instant, last, 0.5)
    with pytest.raises(ValueError, match="outside 0 to 1 or is NaN"):
        Predictions(good.label, np.full(100, np.nan, dtype=np.float32), good.instant, last, 0.5)


def calibrated(off: float = 0.0, stretched: float = 1.0, size: int = 6_000, seed: int = 4) -> Predictions:
    """Probabilities at their word, then moved by `off` and stretched around a half."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.3, 0.7, size)
    label = (rng.random(size) < truth).astype(np.int8)
    said = np.clip(0.5 + stretched * (truth - 0.5) + off, 0.01, 0.99).astype(np.float32)
    instant = START + np.arange(size, dtype=np.int64) * MINUTE // 5
    return Predictions(label, said, instant, np.zeros(size, np.int8), 0.5)


def test_bias_and_calibration_error_by_hand() -> None:
    found = Predictions(
        label=np.array([1, 0, 1, 1, 0, 0, 1, 0, 1, 1], dtype=np.int8),
        probability=np.array([0.1, 0.2, 0.3, 0.4, 0.45, 0.55, 0.6, 0.7, 0.8, 0.9], dtype=np.float32),
        instant=START + np.arange(10) * 40 * MINUTE,
        last_direction=np.zeros(10, np.int8),
        majority=0.5,
    )
    scores = evaluate(found, QUICK)
    distances = [0.9, 0.2, 0.7, 0.6, 0.45, 0.55, 0.4, 0.7, 0.2, 0.1]  # ten rows: each its own bin
    assert scores.calibration_error.value == pytest.approx(np.mean(distances))
    assert scores.bias.value == pytest.approx(0.5 - 0.6)


def test_probabilities_at_their_word_have_no_sure_error_and_others_do() -> None:
    fair = evaluate(calibrated(), QUICK)
    assert fair.bias.low < 0 < fair.bias.high
    assert fair.calibration_error.low < 0.015
    moved = evaluate(calibrated(off=0.1), QUICK)
    assert moved.bias.low < 0.1 < moved.bias.high
    assert moved.calibration_error.low < 0.1 < moved.calibration_error.high
    assert moved.calibration_error.low > 0.05
    bold = evaluate(calibrated(stretched=2.4), QUICK)  # right on average, wrong at both ends
    assert bold.bias.low < 0 < bold.bias.high
    assert bold.calibration_error.low > 0.05


def test_the_calibration_errors_interval_holds_the_truth() -> None:
    """Noise alone makes an error of the mean of distances; the interval must come down to the truth of zero."""
    lows = [evaluate(calibrated(seed=seed, size=2_000), QUICK).calibration_error.low for seed in range(40)]
    assert np.mean(np.array(lows) < 0.01) > 0.9


def test_one_probability_for_all_rows_has_a_calibration_error() -> None:
    found = calibrated()
    constant = Predictions(
        found.label, np.full(len(found.label), 0.5, np.float32), found.instant, found.last_direction, 0.5
    )
    scores = evaluate(constant, QUICK)
    assert scores.calibration_error.value == pytest.approx(abs(0.5 - found.label.mean()), abs=1e-6)
