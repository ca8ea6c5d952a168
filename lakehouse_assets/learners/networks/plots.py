"""Pictures of a network, drawn to PNG files without a display.

Belongs here: one function a picture. Does not: scores, where the files go afterwards.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.networks.evaluation import ImagePredictions
from lakehouse_assets.learners.networks.images import CLASSES, Images
from lakehouse_assets.learners.plots import INK, MOST_POINTS, PALE, blank, calibration_points, roc_points, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHEET_ROWS, SHEET_COLUMNS = 4, 6
RUST = "#b5651d"


def draw_all(
    folder: Path, predictions: ImagePredictions, images: Images, history: Mapping[str, Sequence[float]]
) -> tuple[Path, ...]:
    """Every picture of one network, into an existing folder; the paths written.

    Args:
        folder: where the files go.
        predictions: of the judged images.
        images: the judged images, in the same order.
        history: figures by epoch, under the names of `network.MEASURES`.
    """
    return (
        confusion_matrix(folder / "confusion_matrix.png", predictions),
        roc_curves(folder / "roc.png", predictions),
        calibration(folder / "calibration.png", predictions),
        learning_curve(folder / "learning_curve.png", history),
        mistakes_sheet(folder / "mistakes.png", predictions, images),
    )


def confusion_matrix(path: Path, predictions: ImagePredictions) -> Path:
    """True by predicted digit, as images; shaded by the share of the true digit, its root so that errors show."""
    counts = predictions.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = blank("Confusion matrix, test images")
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for true, guess in np.argwhere(counts):
        colour = "white" if shares[true, guess] > 0.3 else "black"
        axes.text(guess, true, f"{counts[true, guess]:,}", ha="center", va="center", color=colour, fontsize=8)
    axes.set_xticks(range(CLASSES))
    axes.set_yticks(range(CLASSES))
    axes.set(xlabel="predicted digit", ylabel="true digit")
    return write(figure, path)


def roc_curves(path: Path, predictions: ImagePredictions) -> Path:
    """True against false positive rate of each digit against the others, the false rate by its logarithm."""
    figure, axes = blank("ROC of each digit against the others, test images")
    least = 1 / len(predictions.label)
    for digit in np.unique(predictions.label):
        false_rate, true_rate = roc_points(predictions.label == digit, predictions.probability[:, digit])
        shown = np.unique(np.linspace(0, len(false_rate) - 1, MOST_POINTS).astype(np.int64))
        axes.plot(np.maximum(false_rate[shown], least), true_rate[shown], label=str(digit), color=f"C{digit}")
    axes.set(xlabel="false positive rate (logarithmic)", ylabel="true positive rate", xscale="log")
    axes.legend(frameon=False, ncols=2, title="digit")
    return write(figure, path)


def calibration(path: Path, predictions: ImagePredictions) -> Path:
    """How often the predicted digit was right, by the probability that it was given, in tenths of the images."""
    right = predictions.guess == predictions.label
    points = calibration_points(right, predictions.probability.max(axis=1))
    low = float(points[:, :2].min()) - 0.02
    figure, axes = blank("Calibration of the predicted digit, test images")
    axes.plot([low, 1], [low, 1], color=PALE, linestyle="--", linewidth=1)
    axes.plot(points[:, 0], points[:, 1], color=INK, marker="o")
    axes.set(xlabel="mean probability of the predicted digit", ylabel="share that was right")
    return write(figure, path)


def learning_curve(path: Path, history: Mapping[str, Sequence[float]]) -> Path:
    """Loss (left, full) and accuracy (right, dashed) after each epoch."""
    figure, axes = blank("Learning curve")
    right: Axes = axes.twinx()
    for (name, values), colour in zip(history.items(), (INK, INK, RUST, RUST), strict=False):
        is_loss = name.endswith("loss")
        side, style = (axes, "-") if is_loss else (right, "--")
        side.plot(range(1, len(values) + 1), values, color=colour, linestyle=style, marker="o", label=name)
    axes.set(xlabel="epoch", ylabel="log-loss, nats", xticks=range(1, len(next(iter(history.values()))) + 1))
    right.set(ylabel="accuracy")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return write(figure, path)


def worst_mistakes(predictions: ImagePredictions, most: int) -> npt.NDArray[np.int64]:
    """The positions of wrong predictions, the most confident first."""
    wrong = np.flatnonzero(predictions.guess != predictions.label)
    return wrong[np.argsort(-predictions.probability.max(axis=1)[wrong], kind="stable")][:most]


def mistakes_sheet(path: Path, predictions: ImagePredictions, images: Images) -> Path:
    """The most confident mistakes, each with its true digit, the predicted one and the probability that it got."""
    worst = worst_mistakes(predictions, SHEET_ROWS * SHEET_COLUMNS)
    total = int((predictions.guess != predictions.label).sum())
    figure, whole = blank(f"The {len(worst)} most confident of {total:,} mistakes, test images")
    whole.set_axis_off()
    for place, position in enumerate(worst):
        row, column = divmod(place, SHEET_COLUMNS)
        axes = whole.inset_axes(
            (column / SHEET_COLUMNS, 1 - (row + 1) / SHEET_ROWS, 0.9 / SHEET_COLUMNS, 0.78 / SHEET_ROWS)
        )
        axes.imshow(images.pixels[position], cmap="gray_r", vmin=0, vmax=255)
        axes.set_axis_off()
        said, sure = predictions.guess[position], predictions.probability[position].max()
        axes.set_title(f"{predictions.label[position]} as {said}, {sure:.2f}", fontsize=8, pad=2)
    return write(figure, path)
