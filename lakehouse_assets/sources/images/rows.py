"""Images as rows of `raw_mnist_images`.

Belongs here: the Arrow form of a block of images. Does not: where they come from (one module an origin).
"""

from typing import Any, Final

import pyarrow as pa

from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.sources.canonical import arrow_schema

SIDE: Final = 28
"""Width and height in pixels."""

IMAGE_BYTES: Final = SIDE * SIDE
SCHEMA: Final = arrow_schema(RAW_MNIST_IMAGES)


def image_rows(origin: str, split: str, first: int, labels: bytes, pixels: bytes) -> pa.RecordBatch:
    """A block of images: a byte a label, 784 bytes an image row by row; `first` is the index of the first."""
    count = len(labels)
    fixed: Any = pa.FixedSizeBinaryArray.from_buffers(pa.binary(IMAGE_BYTES), count, [None, pa.py_buffer(pixels)])
    columns = {
        "split": pa.array([split] * count),
        "image_index": pa.array(range(first, first + count), pa.int64()),
        "label": pa.array(list(labels), pa.int32()),
        "pixels": fixed.cast(pa.binary()),
        "width": pa.array([SIDE] * count, pa.int32()),
        "height": pa.array([SIDE] * count, pa.int32()),
        "origin": pa.array([origin] * count),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)
