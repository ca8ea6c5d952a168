"""The four original MNIST files: gzip around idx, a header of big-endian integers and then one byte a value.

Belongs here: which files, their digests, reading them without trusting them. Does not: where the folder is (settings).
Source: Y. LeCun, C. Cortes, C. Burges, the MNIST database of handwritten digits, section "file formats".
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa

from lakehouse_assets.contracts.raw import IMAGE_COUNTS
from lakehouse_assets.settings import SettingsError
from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.archives import Limits, opened_gzip
from lakehouse_assets.sources.images.rows import SIDE, image_rows

ITEMS_AT_ONCE: Final = 10_000
UNSIGNED_BYTES: Final = 0x08
"""The third byte of the magic number: how a value is written; the fourth is the number of dimensions."""


@dataclass(frozen=True)
class IdxFile:
    """One file as it must be: `shape` is the number of items, then the dimensions of one."""

    name: str
    md5: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """The bytes that it begins with: magic number and shape."""
        magic = UNSIGNED_BYTES << 8 | len(self.shape)
        return struct.pack(f">{1 + len(self.shape)}I", magic, *self.shape)

    @property
    def item_bytes(self) -> int:
        """Bytes of one image or label."""
        return prod(self.shape[1:])


_TRAIN, _TEST = IMAGE_COUNTS["mnist"]["train"], IMAGE_COUNTS["mnist"]["test"]
TRAIN_IMAGES: Final = IdxFile("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", (_TRAIN, SIDE, SIDE))
TRAIN_LABELS: Final = IdxFile("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", (_TRAIN,))
TEST_IMAGES: Final = IdxFile("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", (_TEST, SIDE, SIDE))
TEST_LABELS: Final = IdxFile("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", (_TEST,))
FILES: Final = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


def verify(folder: Path) -> None:
    """Make sure that the four files are there and are the original ones; they take 12 MB together.

    Raises:
        SettingsError: one is missing.
        FileRefused: one has another md5.
    """
    if missing := [file.name for file in FILES if not (folder / file.name).is_file()]:
        raise SettingsError(
            f"mnist.folder: {folder} lacks {', '.join(missing)}: put the four original MNIST files "
            f"({', '.join(file.name for file in FILES)}) there or name their folder, "
            'or set mnist.origin = "digits" to take the digits that come with scikit-learn'
        )
    for file in FILES:
        found = hashlib.md5((folder / file.name).read_bytes(), usedforsecurity=False).hexdigest()
        if found != file.md5:
            raise FileRefused(
                "NOT_WHAT_IT_SAYS",
                f"{folder / file.name} has md5 {found}, the original has {file.md5}: it is damaged or another file; "
                "fetch it again",
            )


def mnist_batches(folder: Path) -> Iterator[pa.RecordBatch]:
    """The 60,000 training and 10,000 test images in the order of the files, 10,000 a batch.

    Raises:
        FileRefused: a file is not what it says (see `idx_blocks`).
        FileNotFoundError: one is missing.
    """
    for split, images, labels in (("train", TRAIN_IMAGES, TRAIN_LABELS), ("test", TEST_IMAGES, TEST_LABELS)):
        first = 0
        blocks = zip(idx_blocks(folder / labels.name, labels), idx_blocks(folder / images.name, images), strict=True)
        for digits, pixels in blocks:
            yield image_rows("mnist", split, first, digits, pixels)
            first += len(digits)


def idx_blocks(path: Path, file: IdxFile) -> Iterator[bytes]:
    """The items of an idx file as blocks of at most 10,000, streamed; no more is expanded than the file must hold.

    Raises:
        FileRefused: NOT_WHAT_IT_SAYS (no gzip, or another header), TRUNCATED, UNREADABLE or TOO_LARGE.
    """
    count = file.shape[0]
    limits = Limits(expanded_bytes=len(file.header) + count * file.item_bytes + 1)  # one more, to see that it is there
    with opened_gzip(path, file.name, limits) as stream:
        _refuse_other_header(stream.read(len(file.header)), file)
        for first in range(0, count, ITEMS_AT_ONCE):
            yield _exactly(stream, min(ITEMS_AT_ONCE, count - first) * file.item_bytes, file)
        if stream.read(1):
            raise FileRefused("TOO_LARGE", f"{file.name} holds more than the {count:,} items of its header: {AGAIN}")


AGAIN: Final = "fetch the original file again"


def _refuse_other_header(found: bytes, file: IdxFile) -> None:
    if found == file.header:
        return
    if len(found) < len(file.header):
        raise FileRefused("TRUNCATED", f"{file.name} ends within its header: {AGAIN}")
    magic, *shape = struct.unpack(f">{len(found) // 4}I", found)
    wanted = struct.unpack(">I", file.header[:4])[0]
    if magic != wanted:
        raise FileRefused("NOT_WHAT_IT_SAYS", f"{file.name} begins with magic number {magic}, not {wanted}: {AGAIN}")
    raise FileRefused(
        "TOO_LARGE" if prod(shape) > prod(file.shape) else "NOT_WHAT_IT_SAYS",
        f"{file.name} announces items {' x '.join(map(str, shape))}, not {' x '.join(map(str, file.shape))}: {AGAIN}",
    )


def _exactly(stream: BinaryIO, size: int, file: IdxFile) -> bytes:
    block = stream.read(size)
    if len(block) < size:
        raise FileRefused("TRUNCATED", f"{file.name} ends before its {file.shape[0]:,} items do: {AGAIN}")
    return block
