"""How good a network is on images it never saw, against the majority, and how sure we are.

Belongs here: scores of ten classes with their intervals. Does not: training, drawing, whether a model is promoted.

The bootstrap resamples single images: unlike ticks, one image says nothing of the next. All scores of one sample are
of the same draw.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.bootstrap import Floats, Interval, interval
from lakehouse_assets.learners.evaluation import SMALLEST_PROBABILITY
from lakehouse_assets.learners.matrix import prediction_hash
from lakehouse_assets.learners.networks.images import CLASSES, Labels
from lakehouse_assets.learners.networks.network import Probabilities
from lakehouse_assets.learners.scores import Scored
from lakehouse_assets.learners.untrainable import Untrainable

Counts: TypeAlias = npt.NDArray[np.int64]

SUM_TOLERANCE = 1e-3
"""How far the ten probabilities of an image, each a float32, may add up to other than 1."""


@dataclass(frozen=True)
class ImageResampling:
    """So many samples of as many images as there are, drawn with replacement from one seed."""

    samples: int = 400
    seed: int = 7


@dataclass(frozen=True)
class ImagePredictions:
    """What is judged: labels (n,), probabilities (n, 10), and the most frequent label of the *training* images."""

    label: Labels
    probability: Probabilities
    majority: int

    def __post_init__(self) -> None:
        """Refuse what cannot be judged.

        Raises:
            Untrainable: no image, lengths differ, ten numbers are no probabilities, or only one label is present.
        """
        if self.probability.shape != (len(self.label), CLASSES):
            raise Untrainable(f"{len(self.label)} labels, but probabilities of shape {self.probability.shape}")
        if len(np.unique(self.label)) < 2:
            raise Untrainable("the images to judge by must hold at least two different labels")
        within = (self.probability >= 0).all() and (self.probability <= 1).all()
        if not within or np.abs(self.probability.sum(axis=1, dtype=np.float64) - 1).max() > SUM_TOLERANCE:
            raise Untrainable("the ten probabilities of an image must lie within 0 and 1 and add up to 1")

    @property
    def guess(self) -> Labels:
        """The most probable digit, the lowest of equals; shape (n,)."""
        guess: Labels = self.probability.argmax(axis=1).astype(np.int8)
        return guess

    @property
    def confusion(self) -> Counts:
        """Images by true (row) and predicted (column) digit; shape (10, 10)."""
        cell = CLASSES * self.label.astype(np.int64) + self.guess
        return np.bincount(cell, minlength=CLASSES**2).reshape(CLASSES, CLASSES).astype(np.int64)

    @property
    def hash(self) -> str:
        """SHA-256 of the probabilities as little-endian float32, row by row: what a reproduction must arrive at."""
        return prediction_hash(self.probability)


@dataclass(frozen=True)
class ImageScores(Scored):
    """A network's scores with 95 % intervals, and always saying the majority on the same images.

    `balanced_accuracy`, `f1_macro` and `roc_auc_macro` (one digit against the others) are means over the digits that
    are present, each counting alike; `log_loss` is in nats an image; `brier` sums over the ten classes: 0 to 2
    (Brier, 1950).
    """

    images: int
    accuracy: Interval
    balanced_accuracy: Interval
    f1_macro: Interval
    log_loss: Interval
    brier: Interval
    roc_auc_macro: Interval
    majority_accuracy: float
    lift_over_majority: Interval


def evaluate_images(predictions: ImagePredictions, resampling: ImageResampling) -> ImageScores:
    """All scores and intervals; memory is a few times 8 bytes x samples x images."""
    times = _draws(len(predictions.label), resampling)
    rows = times.sum(axis=1)
    right = times @ (predictions.guess == predictions.label).astype(np.float64) / rows
    majority = times @ (predictions.label == predictions.majority).astype(np.float64) / rows
    balanced, f1 = _class_scores(predictions, times)
    return ImageScores(
        images=len(predictions.label),
        accuracy=interval(right),
        balanced_accuracy=interval(balanced),
        f1_macro=interval(f1),
        log_loss=interval(times @ image_losses(predictions) / rows),
        brier=interval(times @ _squares(predictions) / rows),
        roc_auc_macro=interval(_macro_area(predictions, times)),
        majority_accuracy=float(majority[0]),
        lift_over_majority=interval(right - majority),
    )


def image_losses(predictions: ImagePredictions) -> Floats:
    """The log-loss of each image, in nats; the true digit's probability is kept 1e-7 away from 0."""
    hit = predictions.probability[np.arange(len(predictions.label)), predictions.label].astype(np.float64)
    losses: Floats = -np.log(np.clip(hit, SMALLEST_PROBABILITY, 1.0))
    return losses


def _draws(images: int, resampling: ImageResampling) -> Floats:
    """How often each sample drew each image; the first drew each once. Shape (samples + 1, images)."""
    generator = np.random.default_rng(resampling.seed)
    drawn = generator.multinomial(images, np.full(images, 1 / images), size=resampling.samples)
    return np.vstack([np.ones(images), drawn]).astype(np.float64)


def _squares(predictions: ImagePredictions) -> Floats:
    """The summed squared distance of each image's probabilities from the truth."""
    truth = np.eye(CLASSES)[predictions.label]
    squares: Floats = ((predictions.probability.astype(np.float64) - truth) ** 2).sum(axis=1)
    return squares


def _class_scores(predictions: ImagePredictions, times: Floats) -> tuple[Floats, Floats]:
    """Balanced accuracy and macro F1 of each sample, over the digits present or (for F1) predicted."""
    truth, guess = np.eye(CLASSES)[predictions.label], np.eye(CLASSES)[predictions.guess]
    there, guessed, found = times @ truth, times @ guess, times @ (truth * guess)
    with np.errstate(divide="ignore", invalid="ignore"):  # a sample may lack a digit: left out of its mean
        recall, f1 = found / there, 2 * found / (there + guessed)
    return np.nanmean(recall, axis=1), np.nanmean(f1, axis=1)


def _macro_area(predictions: ImagePredictions, times: Floats) -> Floats:
    """The mean ROC AUC over the digits present, in each sample."""
    areas = [
        _areas(predictions.label == digit, predictions.probability[:, digit], times)
        for digit in np.unique(predictions.label)
    ]
    macro: Floats = np.nanmean(areas, axis=0)
    return macro


def _areas(is_digit: npt.NDArray[np.bool_], score: npt.NDArray[np.float32], times: Floats) -> Floats:
    """The chance that an image of the digit scores above another one, a tie counting half, in each sample."""
    order = np.argsort(score, kind="stable")
    first_of_tie = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    weights, digit = times[:, order], is_digit[order]
    ones = np.add.reduceat(weights * digit, first_of_tie, axis=1)
    zeros = np.add.reduceat(weights * ~digit, first_of_tie, axis=1)
    below = np.cumsum(zeros, axis=1) - zeros / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # a sample may lack the digit: NaN, left out of its mean
        areas: Floats = (ones * below).sum(axis=1) / (ones.sum(axis=1) * zeros.sum(axis=1))
    return areas
