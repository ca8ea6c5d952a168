"""Text of landed files, read in whole lines.

Belongs here: blocks that end where a line ends, of plain ASCII. Does not: what a line means (the adapter of the feed).
"""

from collections.abc import Iterator
from typing import BinaryIO

from lakehouse_assets.sources.adapter import FileRefused


def whole_lines(
    stream: BinaryIO, *, block_bytes: int, longest: int, not_plain: FileRefused, too_long: FileRefused
) -> Iterator[bytes]:
    """Blocks of whole lines; the last one ends with a line feed even where the text does not.

    Args:
        stream: the text.
        block_bytes: what is read at a time.
        longest: the bytes that a line may have.
        not_plain: what the feed says of a text that is not plain ASCII.
        too_long: what the feed says of a line that is longer.

    Raises:
        FileRefused: one of the two.
    """
    rest = b""
    while block := stream.read(block_bytes):
        if not block.isascii() or b"\0" in block:
            raise not_plain
        lines, newline, tail = block.rpartition(b"\n")
        if newline:
            yield rest + lines + newline
            rest = tail
        else:
            rest += tail
        if len(rest) > longest:
            raise too_long
    if rest:
        yield rest + b"\n"
