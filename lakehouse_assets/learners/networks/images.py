"""Images as a learner holds them: all in memory, one byte a pixel.

Belongs here: arrays made from Arrow batches. Does not: files, tables, which images train and which judge.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.untrainable import Untrainable

Labels: TypeAlias = npt.NDArray[np.int8]
Pixels: TypeAlias = npt.NDArray[np.uint8]

SIDE = 28
"""Pixels: images are squares of this width and height."""

CLASSES = 10
COLUMNS = ("split", "image_index", "label", "pixels")
"""What `images_of` reads of a batch."""


@dataclass(frozen=True)
class Images:
    """Labels 0 to 9 of shape (n,), and pixels of shape (n, 28, 28): 0 background, 255 ink."""

    labels: Labels
    pixels: Pixels

    def __post_init__(self) -> None:
        """Refuse what no network can learn from.

        Raises:
            Untrainable: no image, another size, or a label that is no digit.
        """
        if self.pixels.shape != (len(self.labels), SIDE, SIDE) or not len(self.labels):
            raise Untrainable(
                f"{len(self.labels)} labels with pixels of shape {self.pixels.shape}: "
                f"at least one image of {SIDE} x {SIDE} pixels and a label for each is needed"
            )
        if self.labels.min() < 0 or self.labels.max() >= CLASSES:
            raise Untrainable(f"a label lies outside 0 to {CLASSES - 1}: {sorted(set(self.labels.tolist()))}")

    def __len__(self) -> int:
        """How many images."""
        return len(self.labels)

    @property
    def majority(self) -> int:
        """The most frequent label, the lowest of equals."""
        return int(np.bincount(self.labels, minlength=CLASSES).argmax())

    @property
    def brightness(self) -> tuple[float, float]:
        """Mean and standard deviation over all pixels, exact: what the networks scale by, taken from training alone."""
        count = np.bincount(self.pixels.ravel(), minlength=256).astype(np.float64)
        values = np.arange(256, dtype=np.float64)
        mean = float(count @ values / count.sum())
        return mean, float(np.sqrt(count @ (values - mean) ** 2 / count.sum()))


def images_of(batches: Iterable[pa.RecordBatch], split: str) -> Images:
    """The images of one split in the order of their index, however the batches arrive; 790 bytes an image.

    Args:
        batches: with the columns `COLUMNS`; `pixels` row by row, 784 bytes an image.
        split: "train" or "test".

    Raises:
        Untrainable: there is none, an index is there twice, or an image has another size.
    """
    index: list[npt.NDArray[np.int64]] = []
    labels: list[Labels] = []
    pixels: list[Pixels] = []
    for batch in batches:
        chosen = batch.filter(pa.array(np.asarray(batch.column("split").to_pylist()) == split))
        index.append(_numbers(chosen, "image_index").astype(np.int64))
        labels.append(_numbers(chosen, "label").astype(np.int8))
        pixels.append(_squares(chosen))
    order = np.argsort(np.concatenate(index), kind="stable") if index else np.empty(0, np.int64)
    if not len(order):
        raise Untrainable(f"no image of split {split}: materialize raw_mnist_images")
    found = np.concatenate(index)
    if len(np.unique(found)) < len(found):
        raise Untrainable(f"an image_index of split {split} is there twice: materialize raw_mnist_images again")
    return Images(np.concatenate(labels)[order], np.concatenate(pixels)[order])


def _numbers(batch: pa.RecordBatch, name: str) -> npt.NDArray[Any]:
    return np.asarray(batch.column(name).to_numpy(zero_copy_only=False))


def _squares(batch: pa.RecordBatch) -> Pixels:
    held = batch.column("pixels").to_pylist()
    if wrong := [len(image) for image in held if len(image) != SIDE * SIDE]:
        raise Untrainable(f"an image has {wrong[0]} pixels, not {SIDE} x {SIDE}")
    return np.frombuffer(b"".join(held), dtype=np.uint8).reshape(-1, SIDE, SIDE)
