"""Which files lie in the landing zone, `raw/<source>/...`, and which of them may not even be opened.

Belongs here: walking the folders, links and special files, names. Does not: what a file holds (`manifest`).
Files and folders that writers use while they work are not landed files: names that start with `.` or `_`, or end
with `.tmp` or `.crc`.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from lakehouse_assets.settings import SettingsError
from lakehouse_assets.sources.adapter import FileRefused

UNFINISHED_PREFIXES: Final = (".", "_")
UNFINISHED_SUFFIXES: Final = (".tmp", ".crc")
HASHED_AT_ONCE: Final = 1 << 20


@dataclass(frozen=True)
class Found:
    """One entry of the landing zone.

    `name` is its path relative to the landing zone, `source` the first folder of it ("" for a file that lies directly
    in the landing zone), `modified_ns` its modification time, `refusal` why it may not be opened at all.
    """

    path: Path
    name: str
    source: str
    bytes: int
    modified_ns: int
    refusal: FileRefused | None = None

    def is_unchanged(self) -> bool:
        """Whether the file still has the size and modification time with which it was found."""
        now = self.path.stat()
        return (now.st_size, now.st_mtime_ns) == (self.bytes, self.modified_ns)


def found_files(raw: Path) -> list[Found]:
    """Every landed file, by name; a file that vanishes meanwhile is left out.

    Args:
        raw: the landing zone; nothing is found where it does not exist.
    """
    if not raw.is_dir():
        return []
    return sorted(_walk(raw.resolve(), raw.resolve()), key=lambda found: found.name)


def named_files(raw: Path, source: str, pattern: str) -> frozenset[Path]:
    """The paths in a source's folder that match its glob `files`; `**/` stands for any folders or none.

    Raises:
        SettingsError: the pattern is not a relative glob.
    """
    try:
        return frozenset((raw.resolve() / source).glob(pattern))
    except (ValueError, NotImplementedError) as error:
        raise SettingsError(
            f"sources.{source}.files: {pattern!r} is no glob inside the source's folder ({error}): write e.g. **/*.zip"
        ) from error


def unseen_files(raw: Path, known: pa.Table) -> list[Found]:
    """The landed files that a manifest does not have with their size and modification time; nothing is read."""
    columns = known.select(["path", "bytes", "modified_ns"]).to_pylist()
    seen = {(row["path"], row["bytes"], row["modified_ns"]) for row in columns}
    return [found for found in found_files(raw) if (found.name, found.bytes, found.modified_ns) not in seen]


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hex, read in small pieces.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(HASHED_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()


def _walk(folder: Path, raw: Path) -> Iterator[Found]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        refusal = FileRefused("UNREADABLE", f"the folder cannot be listed ({error.strerror}): give read permission")
        yield _found(folder, raw, folder.lstat(), refusal)
        return
    for entry in entries:
        if entry.name.startswith(UNFINISHED_PREFIXES) or entry.name.endswith(UNFINISHED_SUFFIXES):
            continue
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, raw)
        else:
            try:
                yield _file(path, raw)
            except FileNotFoundError:  # it vanished between the listing and the look
                continue


def _file(path: Path, raw: Path) -> Found:
    own = path.lstat()
    if stat.S_ISLNK(own.st_mode) and (problem := _bad_link(path, raw)):
        return _found(path, raw, own, FileRefused("UNSAFE_PATH", f"{problem}: land the file itself"))
    what = path.stat()
    if not stat.S_ISREG(what.st_mode):
        return _found(path, raw, own, FileRefused("UNSAFE_PATH", "is not a regular file: land a file"))
    if not path.name.isprintable() or "\\" in path.name:
        return _found(
            path, raw, what, FileRefused("UNSAFE_PATH", "has a name that not every system can hold: rename it")
        )
    return _found(path, raw, what)


def _bad_link(path: Path, raw: Path) -> str | None:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return "is a link that leads nowhere"
    if not target.is_relative_to(raw):
        return "is a link that points outside the landing zone"
    return "is a link to a folder" if target.is_dir() else None


def _found(path: Path, raw: Path, status: os.stat_result, refusal: FileRefused | None = None) -> Found:
    relative = path.relative_to(raw)
    # a name that is not UTF-8 is shown with its bytes escaped: the manifest holds text
    name = os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")
    source = name.split("/", 1)[0] if len(relative.parts) > 1 else ""
    return Found(path, name, source, status.st_size, status.st_mtime_ns, refusal)
