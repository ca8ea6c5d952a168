"""The pictures: that they are written, and that the numbers in them are right."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.learners import plots
from lakehouse_assets.learners.evaluation import Predictions
from lakehouse_assets_tests.learners.synthetic import MINUTE, START

ORACLE: Any = pytest.importorskip("sklearn.metrics")


def found(size: int = 2_000) -> Predictions:
    rng = np.random.default_rng(6)
    share = rng.random(size)
    label = (rng.random(size) < share).astype(np.int8)
    instant = START + np.arange(size, dtype=np.int64) * MINUTE
    rounded = np.round(share, 2).astype(np.float32)  # ties
    return Predictions(label, rounded, instant, np.zeros(size, np.int8), 0.5)


def test_every_picture_is_a_png_that_shows_something(tmp_path: Path) -> None:
    from matplotlib.image import imread

    history = {"train": [0.69, 0.6], "validation": [0.69, 0.65]}
    written = plots.draw_all(tmp_path, found(), history, {"a": 3.0, "b": 0.0})
    assert sorted(path.name for path in written) == [
        "calibration.png", "confusion_matrix.png", "feature_importance.png", "learning_curve.png", "roc.png",
    ]  # fmt: skip
    for path in written:
        pixels = imread(path)
        assert pixels.shape == (480, 640, 4)
        assert 0.001 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.9, path.name


def test_a_picture_is_the_same_bytes_twice(tmp_path: Path) -> None:
    one = plots.roc_curve(tmp_path / "one.png", found()).read_bytes()
    assert one == plots.roc_curve(tmp_path / "two.png", found()).read_bytes()


def test_the_confusion_counts_are_those_of_scikit_learn() -> None:
    rows = found()
    expected = ORACLE.confusion_matrix(rows.label, rows.probability >= 0.5)
    assert plots.confusion_counts(rows).tolist() == expected.tolist()


def test_the_roc_points_are_those_of_scikit_learn() -> None:
    rows = found()
    false_rate, true_rate = plots.roc_points(rows.label == 1, rows.probability)
    expected = ORACLE.roc_curve(rows.label, rows.probability, drop_intermediate=False)
    assert false_rate == pytest.approx(expected[0])
    assert true_rate == pytest.approx(expected[1])


def test_honest_predictions_lie_on_the_calibration_diagonal() -> None:
    rows = found(20_000)
    points = plots.calibration_points(rows.label == 1, rows.probability)
    assert points.shape == (10, 3)
    assert points[:, 2].tolist() == [2_000] * 10
    assert np.abs(points[:, 0] - points[:, 1]).max() < 0.04
    assert points[0, 0] < 0.1
    assert points[-1, 0] > 0.9


def test_only_the_most_important_features_are_drawn(tmp_path: Path) -> None:
    many = {f"feature_{k}": float(k) for k in range(40)}
    assert plots.feature_importance(tmp_path / "many.png", many).stat().st_size > 5_000


def test_drawing_leaves_the_callers_backend_alone(tmp_path: Path) -> None:
    import matplotlib as mpl

    before = mpl.rcParams.get("backend")
    plots.calibration(tmp_path / "c.png", found())
    assert mpl.rcParams.get("backend") == before
