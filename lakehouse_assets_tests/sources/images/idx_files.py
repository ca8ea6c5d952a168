"""Small idx files, written by the format's own description."""

import gzip
import struct
from pathlib import Path

from lakehouse_assets.sources.images.idx import IdxFile

IMAGES = IdxFile("images.gz", "", (5, 28, 28))
LABELS = IdxFile("labels.gz", "", (5,))


def idx_bytes(file: IdxFile, body: bytes | None = None, magic: int | None = None, count: int | None = None) -> bytes:
    """Header and body; each may be told to lie."""
    kind = 2051 if len(file.shape) == 3 else 2049
    announced = (file.shape[0] if count is None else count, *file.shape[1:])
    size = file.shape[0] * file.item_bytes
    header = struct.pack(f">{1 + len(announced)}I", kind if magic is None else magic, *announced)
    return header + (bytes(place % 251 for place in range(size)) if body is None else body)


def write(folder: Path, file: IdxFile, content: bytes) -> Path:
    """The content as the file's gzip."""
    path = folder / file.name
    path.write_bytes(gzip.compress(content, mtime=0))
    return path
