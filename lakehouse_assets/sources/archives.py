"""Reading compressed files that others made, without trusting them.

Belongs here: zip, gzip and zstd as bounded streams: limits on what they expand to, entries that point outside refused,
truncation and damage named. Does not: what the bytes inside mean (the adapter of the feed).
"""

import gzip
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final, cast

import pyarrow as pa

from lakehouse_assets.sources.adapter import FileRefused

DRAIN_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What an archive may expand to.

    `expanded_bytes` bounds all entries together; `ratio` bounds expanded to stored bytes, once more than
    `free_bytes` have been expanded; `entries` bounds their number. Real tick files expand 5 to 40 times,
    deflate at most 1,032 times (https://zlib.net/zlib_tech.html).
    """

    expanded_bytes: int = 64 << 30
    ratio: float = 200.0
    free_bytes: int = 16 << 20
    entries: int = 200_000


LIMITS: Final = Limits()


class _Expanded:
    """How much one file has expanded to so far."""

    def __init__(self, path: Path, name: str, limits: Limits) -> None:
        self.stored = max(path.stat().st_size, 1)
        self.name = name
        self.limits = limits
        self.bytes = 0

    def add(self, count: int) -> None:
        self.bytes += count
        if self.bytes > self.limits.expanded_bytes:
            raise self._refusal(f"more than {self.limits.expanded_bytes:,} bytes")
        if self.bytes > self.limits.free_bytes and self.bytes > self.limits.ratio * self.stored:
            raise self._refusal(f"more than {self.limits.ratio:g} times its size")

    def _refusal(self, what: str) -> FileRefused:
        return FileRefused("TOO_LARGE", f"{self.name} expands to {what}: land it in smaller parts or uncompressed")


class _Bounded(io.RawIOBase):
    """A raw stream that counts what it expands and names the damage it meets."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile | pa.NativeFile, expanded: _Expanded, where: str) -> None:
        super().__init__()
        self._stream = stream
        self._expanded = expanded
        self._where = where

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        with _damage_named(self._where):
            data = self._stream.read(len(buffer))
        self._expanded.add(len(data))
        buffer[: len(data)] = data
        return len(data)


def _buffered(stream: _Bounded) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(stream, DRAIN_BYTES))


@contextmanager
def _damage_named(where: str) -> Iterator[None]:
    """Turns what the standard library says of damaged bytes into a refusal."""
    try:
        yield
    except (EOFError, pa.ArrowException, OSError) as error:
        if not isinstance(error, EOFError) and "runcated" not in str(error):
            raise FileRefused("UNREADABLE", f"{where} is damaged ({error}): land it again") from error
        raise FileRefused("TRUNCATED", f"{where} ends before its data does: land it again") from error
    except (zipfile.BadZipFile, zlib.error) as error:
        raise FileRefused("UNREADABLE", f"{where} is damaged ({error}): land it again") from error
    except NotImplementedError as error:
        raise FileRefused("NOT_WHAT_IT_SAYS", f"{where}: {error}: compress it with deflate") from error


@contextmanager
def opened_gzip(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[BinaryIO]:
    """The expanded bytes of a gzip file as a stream.

    Args:
        path: where the file lies.
        name: how a message calls it.
        limits: what it may expand to.

    Raises:
        FileRefused: when opened or at any read: NOT_WHAT_IT_SAYS, TRUNCATED, UNREADABLE or TOO_LARGE.
    """
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            raise FileRefused("NOT_WHAT_IT_SAYS", f"{name} is not a gzip file: name it for what it is")
        file.seek(0)
        with gzip.GzipFile(fileobj=file) as stream:
            yield _buffered(_Bounded(stream, _Expanded(path, name, limits), name))


@contextmanager
def opened_zstd(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[BinaryIO]:
    """The expanded bytes of a Zstandard file as a stream.

    Args:
        path: where the file lies.
        name: how a message calls it.
        limits: what it may expand to.

    Raises:
        FileRefused: when opened or at any read: NOT_WHAT_IT_SAYS, TRUNCATED, UNREADABLE or TOO_LARGE.
    """
    with path.open("rb") as file:
        if file.read(4) != b"\x28\xb5\x2f\xfd":
            raise FileRefused("NOT_WHAT_IT_SAYS", f"{name} is not a Zstandard file: name it for what it is")
    with pa.input_stream(path, compression="zstd") as stream:
        yield _buffered(_Bounded(stream, _Expanded(path, name, limits), name))


def zip_entries(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[tuple[str, BinaryIO]]:
    """The files inside a zip in the archive's order, each with its expanded bytes as a stream.

    An entry that the caller does not read to its end is drained, so that its checksum is always compared.
    Nothing is ever written to disk.

    Args:
        path: where the zip lies.
        name: how a message calls it.
        limits: what all entries together may expand to.

    Yields:
        The entry's name and its stream, valid until the next entry is asked for.

    Raises:
        FileRefused: NOT_WHAT_IT_SAYS, TRUNCATED, UNREADABLE, UNSAFE_ENTRY or TOO_LARGE.
    """
    expanded = _Expanded(path, name, limits)
    with _opened_zip(path, name) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > limits.entries:
            raise FileRefused("TOO_LARGE", f"{name} has more than {limits.entries:,} entries: land it in parts")
        _refuse_unsafe(archive.infolist(), name)
        for entry in entries:
            where = f"{entry.filename} in {name}"
            with _damage_named(where), archive.open(entry) as stream:
                reader = _buffered(_Bounded(stream, expanded, where))
                yield entry.filename, reader
                while reader.read(DRAIN_BYTES):
                    pass


@contextmanager
def _opened_zip(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        with path.open("rb") as file:
            started = file.read(4) == b"PK\x03\x04"
        if started:
            raise FileRefused("TRUNCATED", f"{name} has no readable directory at its end: land it again") from error
        raise FileRefused("NOT_WHAT_IT_SAYS", f"{name} is not a zip file: name it for what it is") from error
    with archive:
        yield archive


def _refuse_unsafe(entries: list[zipfile.ZipInfo], name: str) -> None:
    """Refuses what no honest archive of ticks holds.

    Raises:
        FileRefused: UNSAFE_ENTRY for a path that leaves the archive, a link, an encrypted entry, or a name used twice.
    """
    seen: set[str] = set()
    for entry in entries:
        if problem := _unsafe(entry, seen):
            raise FileRefused("UNSAFE_ENTRY", f"entry {entry.filename!r} of {name} {problem}: do not trust this file")
        seen.add(entry.filename)


def _unsafe(entry: zipfile.ZipInfo, seen: set[str]) -> str | None:
    original = entry.orig_filename
    if original.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", original) or "\0" in original:
        return "has an absolute path"
    if ".." in re.split(r"[/\\]", original):
        return "points outside the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return "is there twice" if entry.filename in seen else None
