"""How good a model is, against the baselines on the same rows, and how sure we are.

Belongs here: scores, baselines and their intervals. Does not: training, drawing, whether the model is promoted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.bootstrap import Draws, Floats, Interval, Resampling, draw, interval
from lakehouse_assets.learners.scores import Scored
from lakehouse_assets.learners.splits import Times
from lakehouse_assets.learners.untrainable import Untrainable

SMALLEST_PROBABILITY = 1e-7
CALIBRATION_BINS = 10
SCORE_LEVELS = 2_048
"""ROC AUC's interval ranks scores in at most so many levels (a tie counts half); the value itself is exact."""


@dataclass(frozen=True)
class Groups:
    """Which group each row is of: `code` numbers `names`, shape (rows,); `majority` is class 1's share in training."""

    code: npt.NDArray[np.int32]
    names: tuple[str, ...]
    majority: tuple[float, ...]


@dataclass(frozen=True)
class Predictions:
    """What is judged, one entry a row of the test span; all of shape (rows,).

    `label` is 0 or 1, `probability` is that of 1, `instant` the row's t0 in microseconds,
    `last_direction` the sign of the last move (-1, 0, 1; 0 where none is known), `majority` the share of class 1
    among the *training* rows: a baseline may not look at the rows it is judged on.
    """

    label: npt.NDArray[np.int8]
    probability: npt.NDArray[np.float32]
    instant: Times
    last_direction: npt.NDArray[np.int8]
    majority: float
    groups: Groups | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be judged.

        Raises:
            Untrainable: lengths differ, a probability is not one, or only one class is present.
        """
        lengths = {len(self.label), len(self.probability), len(self.instant), len(self.last_direction)}
        if len(lengths) != 1:
            raise Untrainable(f"labels, probabilities, instants and directions differ in length: {sorted(lengths)}")
        if not ((self.probability >= 0) & (self.probability <= 1)).all():
            raise Untrainable("a probability lies outside 0 to 1 or is NaN")
        if set(np.unique(self.label).tolist()) != {0, 1}:
            raise Untrainable("the test span must hold both classes, 0 and 1: materialize more trading dates")

    @property
    def guess(self) -> npt.NDArray[np.int8]:
        """The more probable class."""
        return (self.probability >= 0.5).astype(np.int8)

    @property
    def majority_guess(self) -> npt.NDArray[np.int8]:
        """Always the class that was more frequent in training."""
        return np.full(len(self.label), int(self.majority >= 0.5), dtype=np.int8)

    @property
    def no_change_guess(self) -> npt.NDArray[np.int8]:
        """No change of direction: the last move goes on; the majority where there was no move yet."""
        moved = (self.last_direction > 0).astype(np.int8)
        return np.where(self.last_direction == 0, self.majority_guess, moved).astype(np.int8)


@dataclass(frozen=True)
class Scores(Scored):
    """A model's scores with intervals, and the baselines on the same rows.

    The lifts are differences of accuracy on the same resamples; `log_loss_gain` is the majority's log-loss (its
    training share as constant probability) minus the model's, in nats a row: positive is better. `bias` is the mean
    probability minus the share of class 1 (calibration in the large), `calibration_error` the mean distance of the two
    over ten bins of equal size (ECE).
    """

    rows: int
    blocks: int
    accuracy: Interval
    balanced_accuracy: Interval
    f1_score: Interval
    log_loss: Interval
    brier: Interval
    roc_auc: Interval
    majority_accuracy: float
    no_change_accuracy: float
    lift_over_majority: Interval
    lift_over_no_change: Interval
    log_loss_gain: Interval
    bias: Interval
    calibration_error: Interval


def evaluate(predictions: Predictions, resampling: Resampling) -> Scores:
    """All scores and intervals of one model; memory is bounded by samples x (blocks + score levels)."""
    draws = draw(predictions.instant, resampling)
    truth, rows = predictions.label, draws.sums(np.ones(len(predictions.label)))
    accuracy = draws.sums(predictions.guess == truth) / rows
    majority = draws.sums(predictions.majority_guess == truth) / rows
    no_change = draws.sums(predictions.no_change_guess == truth) / rows
    loss = draws.sums(row_losses(truth, predictions.probability)) / rows
    constant = draws.sums(row_losses(truth, np.full(len(truth), predictions.majority))) / rows
    squared = (predictions.probability.astype(np.float64) - truth) ** 2
    balanced, f1 = _class_scores(predictions, draws)
    return Scores(
        rows=len(truth),
        blocks=draws.blocks,
        accuracy=interval(accuracy),
        balanced_accuracy=interval(balanced),
        f1_score=interval(f1),
        log_loss=interval(loss),
        brier=interval(draws.sums(squared) / rows),
        roc_auc=interval(_areas(predictions, draws)),
        majority_accuracy=float(majority[0]),
        no_change_accuracy=float(no_change[0]),
        lift_over_majority=interval(accuracy - majority),
        lift_over_no_change=interval(accuracy - no_change),
        log_loss_gain=interval(constant - loss),
        bias=interval(draws.sums(predictions.probability.astype(np.float64) - truth) / rows),
        calibration_error=_calibration_error(predictions, draws),
    )


def row_losses(label: npt.NDArray[np.int8], probability: npt.NDArray[np.floating[Any]]) -> Floats:
    """The log-loss of each row, in nats; probabilities are kept 1e-7 away from 0 and 1."""
    bounded = np.clip(probability.astype(np.float64), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    losses: Floats = -np.log(np.where(label == 1, bounded, 1 - bounded))
    return losses


def roc_auc(label: npt.NDArray[np.int8], score: npt.NDArray[np.floating[Any]]) -> float:
    """The chance that a row of class 1 scores above one of class 0; a tie counts half (Mann-Whitney)."""
    _, level, size = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(size) - (size - 1) / 2
    ones = float(label.sum())
    zeros = len(label) - ones
    return float((rank[level][label == 1].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _class_scores(predictions: Predictions, draws: Draws) -> tuple[Floats, Floats]:
    """Balanced accuracy and F1 of class 1 in each sample."""
    truth, guess = predictions.label == 1, predictions.guess == 1
    ones, zeros, guessed = draws.sums(truth), draws.sums(~truth), draws.sums(guess)
    found, spared = draws.sums(truth & guess), draws.sums(~truth & ~guess)
    with np.errstate(divide="ignore", invalid="ignore"):  # a sample may miss one class: NaN, left out of the interval
        balanced = (found / ones + spared / zeros) / 2
        f1 = np.where(guessed + ones > 0, 2 * found / (guessed + ones), 0.0)
    return balanced, f1


def _areas(predictions: Predictions, draws: Draws) -> Floats:
    """ROC AUC in each sample, by counting both classes per block and score level."""
    score, truth = predictions.probability, predictions.label == 1
    edges = np.unique(np.quantile(score, np.linspace(0, 1, SCORE_LEVELS + 1), method="nearest"))
    level = np.searchsorted(edges, score, side="right") - 1
    cell = draws.block * len(edges) + level
    shape = (draws.blocks, len(edges))
    ones = draws.times @ np.bincount(cell[truth], minlength=shape[0] * shape[1]).reshape(shape)
    zeros = draws.times @ np.bincount(cell[~truth], minlength=shape[0] * shape[1]).reshape(shape)
    below = np.cumsum(zeros, axis=1) - zeros / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        areas: Floats = (ones * below).sum(axis=1) / (ones.sum(axis=1) * zeros.sum(axis=1))
    areas[0] = roc_auc(predictions.label, score)
    return areas


def _calibration_error(predictions: Predictions, draws: Draws) -> Interval:
    """The expected calibration error over bins of equal size, with the basic bootstrap's interval.

    Noise only ever adds to a mean of distances, and a resample adds it a second time: so the interval is mirrored at
    the value, which takes the excess off (Davison and Hinkley, Bootstrap Methods, 1997, section 5.2).
    """
    edges = np.unique(np.quantile(predictions.probability, np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]))
    level = np.searchsorted(edges, predictions.probability, side="right")
    size = draws.blocks * CALIBRATION_BINS
    over = np.bincount(
        draws.block * CALIBRATION_BINS + level,
        weights=predictions.probability.astype(np.float64) - predictions.label,
        minlength=size,
    )
    rows = draws.sums(np.ones(len(level)))
    found = interval(np.abs(draws.times @ over.reshape(draws.blocks, CALIBRATION_BINS)).sum(axis=1) / rows)
    low, high = (max(0.0, 2 * found.value - end) for end in (found.high, found.low))
    return Interval(found.value, low, high)
