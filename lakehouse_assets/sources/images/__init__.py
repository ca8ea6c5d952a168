"""The images that the networks learn from: the four MNIST files, or the digits that come with scikit-learn."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from lakehouse_assets.settings import Settings
from lakehouse_assets.sources.images.digits import digits_batches
from lakehouse_assets.sources.images.idx import FILES, mnist_batches, verify

__all__ = ["image_batches", "verified_fingerprint"]


def verified_fingerprint(settings: Settings) -> str:
    """A digest of all that the batches depend on, taken after the files were found whole.

    Raises:
        SettingsError: a file is not there.
        FileRefused: a file is not the one that it should be.
    """
    parts = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    if settings.mnist.origin == "mnist":
        verify(settings.mnist_folder)
        parts += [file.md5.encode() for file in FILES]
    else:
        parts.append(version("scikit-learn").encode())
    return sha256(b"\0".join(parts)).hexdigest()


def image_batches(settings: Settings) -> Iterator[pa.RecordBatch]:
    """The images of `mnist.origin`, in the schema of `raw_mnist_images`.

    Raises:
        SettingsError: a file is not there.
        FileRefused: a file is not what it says.
    """
    return mnist_batches(settings.mnist_folder) if settings.mnist.origin == "mnist" else digits_batches()
