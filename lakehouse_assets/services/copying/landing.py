"""The landing zone: every landed file under its name, with its modification time, by which the scan knows it.

Belongs here: copying and verifying landed files. Does not: what is in them.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.copies import copy_stream
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.services.copying.report import CopyRefused, Line, Progress
from lakehouse_assets.sources.landing.folder import Found, found_files, sha256_of

UNFINISHED = ".copying"
"""Ends the name of a file that is not whole yet; it begins with a dot, so that no scan sees it."""

ABSENT, THERE, OTHER = "absent", "there", "other"


class LandedFileDamaged(RuntimeError):
    """A landed file is not what it was taken in as, or arrived otherwise; the message says which."""


def copy_landed(cut: Cut, raw: Path, target: Path, keep: bool, progress: Progress) -> Line:
    """Copy what is not there yet.

    Args:
        cut: the source's tables, whose manifest knows the files.
        raw: the source's landing zone.
        target: the landing zone that is written.
        keep: leave other files of the same names as they are.
        progress: told of the bytes.

    Raises:
        CopyRefused: the target holds another file under the same name.
        LandedFileDamaged: the bytes are not those of the manifest, or arrived otherwise.
    """
    if raw.resolve() == target.resolve():
        return Line("landed files", 0, len(found_files(raw)), 0, 0, "one folder for both")
    digests = _manifest(cut)
    counts, written = {ABSENT: 0, THERE: 0, OTHER: 0}, 0
    for found, place in _pairs(raw, target):
        state = _state(found, place)
        if state == OTHER and not keep:
            raise _in_the_way(found, place)
        counts[state] += 1
        if state == ABSENT:
            _copy(found, place, digests.get((found.name, found.bytes, found.modified_ns)))
            progress(f"landed {found.name}", found.bytes)
            written += found.bytes
    return Line("landed files", counts[ABSENT], counts[THERE], counts[OTHER], written, "sha256")


def refuse_other_files(raw: Path, target: Path) -> None:
    """Refuse a landing zone that holds other bytes under a name of the source.

    Raises:
        CopyRefused: it names the file.
    """
    if raw.resolve() != target.resolve():
        for found, place in _pairs(raw, target):
            if _state(found, place) == OTHER:
                raise _in_the_way(found, place)


def _pairs(raw: Path, target: Path) -> list[tuple[Found, Path]]:
    """The landed files that may be opened, and where each goes."""
    return [(one, target / one.path.relative_to(raw.resolve())) for one in found_files(raw) if not one.refusal]


def _manifest(cut: Cut) -> Mapping[tuple[str, int, int], str]:
    """The sha256 of each file that was read as it lies there now."""
    rows = cut.pin(RAW_OPTION_TICK_FILES).batches(["path", "bytes", "modified_ns", "sha256", "status"]).read_all()
    return {
        (row["path"], row["bytes"], row["modified_ns"]): row["sha256"]
        for row in rows.to_pylist()
        if row["status"] != "rejected"
    }


def _state(found: Found, place: Path) -> str:
    if not place.exists():
        return ABSENT
    known = place.stat()
    if (known.st_size, known.st_mtime_ns) == (found.bytes, found.modified_ns):
        return THERE
    return THERE if known.st_size == found.bytes and sha256_of(place) == sha256_of(found.path) else OTHER


def _in_the_way(found: Found, place: Path) -> CopyRefused:
    return CopyRefused(
        f"{place} holds other bytes than {found.path}: remove or rename one of the two and copy again, or leave it "
        "with --keep"
    )


def _copy(found: Found, place: Path, known: str | None) -> None:
    """The file under a name that no scan sees, then read back, then under its own."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}{UNFINISHED}")
    with found.path.open("rb") as reading, draft.open("wb") as writing:
        sent = copy_stream(reading, writing)
    if known not in (None, sent):
        raise LandedFileDamaged(
            f"{found.path} is not what it was taken in as (sha256 {str(known)[:12]} is {sent[:12]} now): "
            "bring it back from a copy, then copy again"
        )
    if sha256_of(draft) != sent:
        raise LandedFileDamaged(f"{draft}: other bytes came back than were written: look at the disk, then copy again")
    os.utime(draft, ns=(found.modified_ns, found.modified_ns))
    draft.replace(place)
