"""The pictures of a network: that they are written, and that what they show is so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.learners.networks import plots
from lakehouse_assets.learners.networks.evaluation import ImagePredictions
from lakehouse_assets.learners.networks.images import Images
from lakehouse_assets.learners.plots import calibration_points
from lakehouse_assets_tests.learners.networks.test_evaluation import found

ORACLE: Any = pytest.importorskip("sklearn.metrics")
HISTORY = {
    "train_loss": (0.9, 0.4), "train_accuracy": (0.7, 0.9), "watched_loss": (0.6, 0.5), "watched_accuracy": (0.8, 0.85),
}  # fmt: skip


def images(rows: ImagePredictions) -> Images:
    shape = (len(rows.label), 28, 28)
    return Images(rows.label, np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8))


def test_every_picture_is_a_png_that_shows_something(tmp_path: Path) -> None:
    from matplotlib.image import imread

    rows = found()
    written = plots.draw_all(tmp_path, rows, images(rows), HISTORY)
    assert sorted(path.name for path in written) == [
        "calibration.png", "confusion_matrix.png", "learning_curve.png", "mistakes.png", "roc.png",
    ]  # fmt: skip
    for path in written:
        pixels = imread(path)
        assert pixels.shape == (480, 640, 4)
        assert 0.001 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.9, path.name


def test_a_picture_is_the_same_bytes_twice(tmp_path: Path) -> None:
    rows = found(200)
    one = plots.mistakes_sheet(tmp_path / "one.png", rows, images(rows)).read_bytes()
    assert one == plots.mistakes_sheet(tmp_path / "two.png", rows, images(rows)).read_bytes()


def test_honest_predictions_lie_on_the_calibration_diagonal() -> None:
    rng = np.random.default_rng(2)
    probability = rng.dirichlet(np.full(10, 0.3), 20_000).astype(np.float32)
    label = np.array([rng.choice(10, p=p / p.sum()) for p in probability.astype(np.float64)], np.int8)
    rows = ImagePredictions(label, probability, 0)
    points = calibration_points(rows.guess == rows.label, probability.max(axis=1))
    assert points[:, 2].tolist() == [2_000] * 10
    assert np.abs(points[:, 0] - points[:, 1]).max() < 0.04


def test_the_worst_mistakes_are_wrong_and_the_most_confident_first() -> None:
    rows = found()
    wrong = rows.guess != rows.label
    worst = plots.worst_mistakes(rows, 24)
    assert len(worst) == 24
    assert wrong[worst].all()
    sure = rows.probability.max(axis=1)
    assert (np.diff(sure[worst]) <= 0).all()
    assert sure[worst].min() >= np.sort(sure[wrong])[-24]


def test_a_network_without_mistakes_and_a_digit_that_is_missing_are_drawn_too(tmp_path: Path) -> None:
    label = np.array([0, 1, 2, 0], np.int8)
    rows = ImagePredictions(label, np.eye(10, dtype=np.float32)[label], 0)
    history = {"train_loss": (0.5,), "train_accuracy": (0.9,)}
    assert len(plots.draw_all(tmp_path, rows, images(rows), history)) == 5
