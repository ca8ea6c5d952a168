"""Blocks that end where a line ends, however the text is cut by reading it."""

from io import BytesIO

import pytest

from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.plain_lines import whole_lines

NOT_PLAIN = FileRefused("BAD_ENCODING", "a.txt is not plain")
TOO_LONG = FileRefused("PARSE_ERROR", "a.txt has a long line")


def blocks(text: bytes, size: int, longest: int = 100) -> list[bytes]:
    return list(whole_lines(BytesIO(text), block_bytes=size, longest=longest, not_plain=NOT_PLAIN, too_long=TOO_LONG))


@pytest.mark.parametrize("size", range(1, 16))
def test_every_block_is_whole_lines_and_nothing_is_lost(size: int) -> None:
    found = blocks(b"one\ntwo\n\nthree\n", size)
    assert b"".join(found) == b"one\ntwo\n\nthree\n"
    assert all(block.endswith(b"\n") for block in found)


def test_a_block_holds_as_many_lines_as_were_read_with_it() -> None:
    assert blocks(b"a\nb\ncc\nd\n", 5) == [b"a\nb\n", b"cc\nd\n"]


def test_a_last_line_without_a_line_feed_gets_one() -> None:
    assert blocks(b"one\ntwo", 4) == [b"one\n", b"two\n"]


def test_no_text_is_no_block() -> None:
    assert blocks(b"", 4) == []


@pytest.mark.parametrize("wild", [b"\xe9", b"\0"])
def test_what_is_not_plain_is_refused_in_the_words_of_the_feed(wild: bytes) -> None:
    with pytest.raises(FileRefused) as said:
        blocks(b"one\n" + wild + b"\n", 4)
    assert said.value is NOT_PLAIN


def test_a_line_may_be_as_long_as_allowed_over_several_blocks_and_no_longer() -> None:
    assert blocks(b"12345678\n", 3, longest=8) == [b"12345678\n"]
    with pytest.raises(FileRefused) as said:
        blocks(b"123456789\n", 3, longest=8)
    assert said.value is TOO_LONG
