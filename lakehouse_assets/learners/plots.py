"""Pictures of a model, drawn to PNG files without a display.

Belongs here: one function a picture. Does not: scores, where the files go afterwards.
Figures are made by hand and not through pyplot: no global state, no window, safe in threads.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.evaluation import Predictions, roc_auc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Truth: TypeAlias = npt.NDArray[np.bool_]
Points: TypeAlias = npt.NDArray[np.float64]

DOWN_UP = ("down", "up")
CALIBRATION_BINS = 10
MOST_FEATURES = 25
MOST_POINTS = 1_000
INK, PALE = "#1f4e79", "#9aa5b1"


def draw_all(
    folder: Path,
    predictions: Predictions,
    history: Mapping[str, Sequence[float]],
    importance: Mapping[str, float],
) -> tuple[Path, ...]:
    """Every picture of one model, into an existing folder; the paths written."""
    return (
        confusion_matrix(folder / "confusion_matrix.png", predictions),
        roc_curve(folder / "roc.png", predictions),
        calibration(folder / "calibration.png", predictions),
        learning_curve(folder / "learning_curve.png", history),
        feature_importance(folder / "feature_importance.png", importance),
    )


def confusion_counts(predictions: Predictions) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Rows by true (down, up) and predicted class; shape (2, 2)."""
    cell = 2 * predictions.label.astype(np.int64) + predictions.guess
    return np.bincount(cell, minlength=4).reshape(2, 2).astype(np.int64)


def confusion_matrix(path: Path, predictions: Predictions) -> Path:
    """True class by predicted class, as rows and as shares of the true class."""
    counts = confusion_counts(predictions)
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = blank("Confusion matrix, hold-out")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for true in range(2):
        for guess in range(2):
            colour = "white" if shares[true, guess] > 0.5 else "black"
            text = f"{counts[true, guess]:,}\n{shares[true, guess]:.1%}"
            axes.text(guess, true, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(2), DOWN_UP)
    axes.set_yticks(range(2), DOWN_UP)
    axes.set(xlabel="predicted", ylabel="true")
    return write(figure, path)


def roc_points(came_true: Truth, score: npt.NDArray[np.float32]) -> tuple[Points, Points]:
    """False and true positive rates at every threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    found = np.cumsum(came_true[order], dtype=np.float64)[last_of_tie]
    wrong = last_of_tie + 1 - found
    return np.append(0.0, wrong / wrong[-1]), np.append(0.0, found / found[-1])


def roc_curve(path: Path, predictions: Predictions) -> Path:
    """True against false positive rate."""
    false_rate, true_rate = roc_points(predictions.label == 1, predictions.probability)
    shown = np.unique(np.linspace(0, len(false_rate) - 1, MOST_POINTS).astype(np.int64))
    figure, axes = blank(f"ROC, hold-out: area {roc_auc(predictions.label, predictions.probability):.3f}")
    axes.plot([0, 1], [0, 1], color=PALE, linestyle="--", linewidth=1)
    axes.plot(false_rate[shown], true_rate[shown], color=INK)
    axes.set(xlabel="false positive rate", ylabel="true positive rate")
    return write(figure, path)


def calibration_points(came_true: Truth, probability: npt.NDArray[np.float32]) -> Points:
    """Mean probability, share that came true and rows in bins of about equal size; shape (bins, 3)."""
    order = np.argsort(probability, kind="stable")
    bins = [rows for rows in np.array_split(order, CALIBRATION_BINS) if len(rows)]
    return np.array([[probability[rows].mean(dtype=np.float64), came_true[rows].mean(), len(rows)] for rows in bins])


def calibration(path: Path, predictions: Predictions) -> Path:
    """What came true of what was promised, in tenths of the rows."""
    points = calibration_points(predictions.label == 1, predictions.probability)
    low, high = float(points[:, :2].min()) - 0.02, float(points[:, :2].max()) + 0.02
    figure, axes = blank("Calibration, hold-out")
    axes.plot([low, high], [low, high], color=PALE, linestyle="--", linewidth=1)
    axes.plot(points[:, 0], points[:, 1], color=INK, marker="o")
    axes.set(xlabel="mean predicted probability of up", ylabel="share that went up")
    return write(figure, path)


def learning_curve(path: Path, history: Mapping[str, Sequence[float]]) -> Path:
    """Log-loss after each round or tree, by data set."""
    figure, axes = blank("Learning curve")
    for (name, losses), colour in zip(history.items(), (PALE, INK, "#b5651d"), strict=False):
        axes.plot(range(1, len(losses) + 1), losses, color=colour, label=name)
    axes.set(xlabel="round or tree", ylabel="log-loss, nats")
    axes.legend(frameon=False)
    return write(figure, path)


def feature_importance(path: Path, importance: Mapping[str, float]) -> Path:
    """What each feature contributes, largest on top; the first 25."""
    shown = sorted(importance.items(), key=lambda item: item[1])[-MOST_FEATURES:]
    figure, axes = blank("Feature importance")
    axes.barh([name for name, _ in shown], [gain for _, gain in shown], color=INK)
    axes.set(xlabel="mean gain (a forest: share of the decrease in impurity)")
    return write(figure, path)


def blank(title: str) -> "tuple[Figure, Axes]":
    """An empty figure of 640 x 480 pixels under a title, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title)
    return figure, axes


def write(figure: "Figure", path: Path) -> Path:
    """Draw a figure to a PNG file, the same bytes each time; the path."""
    figure.savefig(path, dpi=100, metadata={"Software": ""})
    return path
