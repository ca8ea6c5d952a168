"""scikit-learn's bundled digits in the shape of MNIST, for a demo without downloads.

Belongs here: their enlargement and split. Does not: the real thing (`idx`).

1,797 images of 8 x 8 pixels with 17 levels (E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI
Machine Learning Repository, 1998). Each pixel becomes a square of 3 x 3, a border of 2 background pixels makes
28 x 28, and level v becomes (255 v + 8) div 16. The first 1,437 are training images, the last 360 test images: a
fixed cut by position, never by chance. They say whether the pipeline runs, not how good a network is on MNIST.
"""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from lakehouse_assets.contracts.raw import IMAGE_COUNTS
from lakehouse_assets.sources.images.rows import image_rows

ENLARGED: Final = 3
BORDER: Final = 2
LEVELS: Final = 16
"""The highest level of ink; the lowest is 0."""


def digits_batches() -> Iterator[pa.RecordBatch]:
    """One batch of training and one of test images."""
    import numpy as np
    from sklearn.datasets import load_digits

    bundled = load_digits()
    levels = np.asarray(bundled.images).astype(np.int64)
    shaded = ((255 * levels + LEVELS // 2) // LEVELS).astype(np.uint8)
    enlarged = shaded.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2)
    pixels = np.pad(enlarged, ((0, 0), (BORDER, BORDER), (BORDER, BORDER)))
    labels = np.asarray(bundled.target).astype(np.uint8)
    first = 0
    for split, count in IMAGE_COUNTS["digits"].items():
        rows = slice(first, first + count)
        yield image_rows("digits", split, 0, labels[rows].tobytes(), pixels[rows].tobytes())
        first += count
