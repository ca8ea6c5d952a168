"""Scores of ten classes: those of scikit-learn, with intervals that hold what they promise."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.learners.networks.evaluation import (
    ImagePredictions,
    ImageResampling,
    ImageScores,
    evaluate_images,
    image_losses,
)

ORACLE: Any = pytest.importorskip("sklearn.metrics")
FEW = ImageResampling(samples=60)


def found(size: int = 600, seed: int = 4, levels: int = 50) -> ImagePredictions:
    """Predictions that are right more often than not, with ties among their probabilities."""
    rng = np.random.default_rng(seed)
    label = rng.choice(10, size, p=np.arange(1, 11) / 55).astype(np.int8)
    shares = np.floor(rng.random((size, 10)) * levels) / levels + 0.01
    shares[np.arange(size), label] += 0.6 * rng.random(size)
    probability = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
    return ImagePredictions(label, probability, majority=9)


def test_every_score_is_that_of_scikit_learn() -> None:
    rows = found()
    scores = evaluate_images(rows, FEW)
    truth, probability = rows.label, rows.probability.astype(np.float64)
    probability /= probability.sum(axis=1, keepdims=True)
    assert scores.images == 600
    assert scores.accuracy.value == pytest.approx(ORACLE.accuracy_score(truth, rows.guess))
    assert scores.balanced_accuracy.value == pytest.approx(ORACLE.balanced_accuracy_score(truth, rows.guess))
    assert scores.f1_macro.value == pytest.approx(ORACLE.f1_score(truth, rows.guess, average="macro"))
    assert scores.log_loss.value == pytest.approx(ORACLE.log_loss(truth, probability), rel=1e-6)
    expected = ORACLE.roc_auc_score(truth, rows.probability, multi_class="ovr", average="macro")
    assert scores.roc_auc_macro.value == pytest.approx(expected)
    assert scores.brier.value == pytest.approx(((probability - np.eye(10)[truth]) ** 2).sum(axis=1).mean(), rel=1e-6)
    assert scores.majority_accuracy == pytest.approx((truth == 9).mean())
    assert scores.lift_over_majority.value == pytest.approx(scores.accuracy.value - scores.majority_accuracy)
    assert rows.confusion.tolist() == ORACLE.confusion_matrix(truth, rows.guess, labels=range(10)).tolist()


def test_the_interval_of_a_share_is_as_wide_as_the_binomial_law_says() -> None:
    scores = evaluate_images(found(2_000), ImageResampling(samples=1_000))
    share = scores.accuracy.value
    width = 2 * 1.96 * np.sqrt(share * (1 - share) / 2_000)
    assert scores.accuracy.high - scores.accuracy.low == pytest.approx(width, rel=0.1)
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "brier", "roc_auc_macro"):
        one = getattr(scores, name)
        assert one.low < one.value < one.high, name


def test_the_scores_of_a_resample_are_those_of_the_images_in_it() -> None:
    """Brute force: the images of each sample written out, judged by scikit-learn."""
    rows, resampling = found(120), ImageResampling(samples=50)
    drawn = np.random.default_rng(resampling.seed).multinomial(120, np.full(120, 1 / 120), size=50)
    areas, balanced, f1 = [], [], []
    for times in drawn:
        chosen = np.repeat(np.arange(120), times)
        truth, probability = rows.label[chosen], rows.probability[chosen]
        areas.append(
            np.mean([ORACLE.roc_auc_score(truth == digit, probability[:, digit]) for digit in np.unique(truth)])
        )
        balanced.append(np.mean([(rows.guess[chosen] == d)[truth == d].mean() for d in np.unique(truth)]))
        f1.append(ORACLE.f1_score(truth, rows.guess[chosen], average="macro"))
    scores = evaluate_images(rows, resampling)
    for interval, brute in (
        (scores.roc_auc_macro, areas), (scores.balanced_accuracy, balanced), (scores.f1_macro, f1),
    ):  # fmt: skip
        assert [interval.low, interval.high] == pytest.approx(np.quantile(brute, [0.025, 0.975]))


def test_equal_probabilities_count_half_in_the_area() -> None:
    rng = np.random.default_rng(8)
    said = rng.dirichlet(np.ones(10), 6).astype(np.float32)[rng.integers(0, 6, 300)]  # six different answers in all
    rows = ImagePredictions(rng.integers(0, 10, 300).astype(np.int8), said, 0)
    expected = np.mean([ORACLE.roc_auc_score(rows.label == digit, said[:, digit]) for digit in range(10)])
    assert evaluate_images(rows, FEW).roc_auc_macro.value == pytest.approx(expected)


def test_a_certain_mistake_costs_a_finite_loss() -> None:
    certain = np.eye(10, dtype=np.float32)[[3, 3]]
    losses = image_losses(ImagePredictions(np.array([3, 4], np.int8), certain, 3))
    assert losses.tolist() == pytest.approx([0.0, -np.log(1e-7)])


def test_the_hash_sees_every_bit_and_the_order() -> None:
    rows = found(30)
    other = rows.probability.copy()
    other[7, 3] = np.nextafter(other[7, 3], np.float32(1))
    assert len(rows.hash) == 64
    assert ImagePredictions(rows.label, other, 9).hash != rows.hash
    assert ImagePredictions(rows.label, rows.probability[::-1].copy(), 9).hash != rows.hash
    assert ImagePredictions(rows.label, rows.probability.copy(), 9).hash == rows.hash


def test_scores_survive_being_written_down() -> None:
    scores = evaluate_images(found(200), FEW)
    assert ImageScores.from_dict(json.loads(json.dumps(asdict(scores)))) == scores
    metrics = scores.as_metrics()
    assert metrics["accuracy"] == scores.accuracy.value
    assert metrics["roc_auc_macro_low"] == scores.roc_auc_macro.low
    assert all(isinstance(value, float) for value in metrics.values())


@pytest.mark.parametrize(
    ("label", "probability", "words"),
    [
        ([0, 1], np.full((3, 10), 0.1), "2 labels, but probabilities of shape"),
        ([0, 1], np.full((2, 2), 0.5), "probabilities of shape"),
        ([4, 4], np.full((2, 10), 0.1), "at least two different labels"),
        ([0, 1], np.full((2, 10), 0.2), "add up to 1"),
        ([0, 1], np.full((2, 10), np.nan), "within 0 and 1"),
        ([0, 1], np.array([[1.5, -0.5, *[0] * 8]] * 2), "within 0 and 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(label: list[int], probability: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ImagePredictions(np.array(label, np.int8), probability.astype(np.float32), 0)
