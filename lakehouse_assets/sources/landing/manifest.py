"""The scan: what each landed file holds, or why nothing of it is taken in.

Belongs here: one verdict a file: accepted (with its trading dates), rejected or duplicate (with the reason).
Does not: reading for bronze (`reading`) nor the walk (`folder`).

- A file is read to its end, every batch made and validated, before it is accepted.
- A file whose path, size and modification time are those of the manifest before is not read again, but for one that
  was refused for what may have changed around it: its source's settings, permissions, a transient fault.
  To have any other file judged anew (a repaired adapter), `touch` it.
- The same bytes are taken in once: what was accepted before stays accepted, then the first seen, then the first by
  path; the others are duplicates. When the accepted one goes, the next one takes its place.
- The manifest is what lies in the landing zone now: a file that was removed has no row. Its ticks stay in bronze
  until its date is materialized again, and older snapshots of the manifest keep its row; so landed files are kept
  for as long as bronze may have to be made again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.settings import Settings, SourceSettings
from lakehouse_assets.sources.adapter import FileRefused, Kind, LandedFile
from lakehouse_assets.sources.canonical import arrow_schema
from lakehouse_assets.sources.landing.contents import contents
from lakehouse_assets.sources.landing.folder import Found, found_files, named_files, sha256_of
from lakehouse_assets.sources.registry import adapter_named

MANIFEST_SCHEMA: Final = arrow_schema(RAW_OPTION_TICK_FILES)

Row = dict[str, Any]

JUDGED_AGAIN: Final = ("UNREADABLE", "CHANGED", "UNKNOWN_SOURCE", "UNEXPECTED_NAME", "UNSAFE_PATH")
"""Refusals that are looked at again by every scan, though the file itself is unchanged."""

NO_BYTES: Final = hashlib.sha256(b"").hexdigest()
"""The digest of what may not be or could not be read."""


@dataclass(frozen=True)
class _Candidate:
    """A landed file before its verdict; `before` are its rows in the manifest before, where they still hold."""

    found: Found
    sha256: str
    first_seen: datetime
    settings: SourceSettings | None
    refusal: FileRefused | None
    before: tuple[Row, ...] = ()

    @property
    def order(self) -> tuple[bool, datetime, str]:
        was_accepted = bool(self.before) and self.before[0]["status"] == "accepted"
        return not was_accepted, self.first_seen, self.found.name


def scan(raw: Path, settings: Settings, known: pa.Table | None, now: datetime) -> pa.Table:
    """The manifest of the landing zone.

    Args:
        raw: the landing zone.
        settings: names the sources.
        known: the manifest before, or None where there is none.
        now: the instant of this scan, `first_seen` of what is new; with a time zone.

    Returns:
        One row a file and trading date, in the schema and order of the contract of `raw_option_tick_files`.

    Raises:
        SettingsError: a source with landed files names an adapter that is not there.
    """
    candidates = _candidates(raw, settings, known, now.astimezone(UTC))
    rows: list[Row] = []
    originals: dict[str, str] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.order):
        verdict = _verdict(candidate, originals.get(candidate.sha256), settings.bronze.batch_size)
        if verdict[0]["status"] == "accepted":
            originals[candidate.sha256] = candidate.found.name
        rows += verdict
    rows.sort(key=lambda row: (row["source"], row["path"], row["trading_date"] or date.min))
    return pa.Table.from_pylist(rows, schema=MANIFEST_SCHEMA)


def _candidates(raw: Path, settings: Settings, known: pa.Table | None, now: datetime) -> list[_Candidate]:
    before: dict[str, list[Row]] = {}
    for row in known.to_pylist() if known is not None else ():
        before.setdefault(row["path"], []).append(row)
    expected = frozenset[Path]().union(
        *(named_files(raw, source, source_settings.files) for source, source_settings in settings.sources.items())
    )
    candidates = []
    for found in found_files(raw):
        source = settings.sources.get(found.source)
        refusal = found.refusal or _misplaced(found, source, settings, expected)
        try:
            candidates.append(_candidate(found, before.get(found.name, []), source, refusal, now))
        except FileNotFoundError:  # it vanished since the walk
            continue
    return candidates


def _candidate(
    found: Found, before: list[Row], source: SourceSettings | None, refusal: FileRefused | None, now: datetime
) -> _Candidate:
    same_file = bool(before) and (before[0]["bytes"], before[0]["modified_ns"]) == (found.bytes, found.modified_ns)
    if same_file and before[0]["sha256"] != NO_BYTES:
        sha256 = before[0]["sha256"]
    else:
        sha256, refusal = _digest(found, refusal)
    same_bytes = bool(before) and before[0]["sha256"] == sha256
    holds = same_file and same_bytes and refusal is None and source is not None and _still_holds(before[0], source)
    first_seen = before[0]["first_seen"] if same_bytes else now
    return _Candidate(found, sha256, first_seen, source, refusal, tuple(before) if holds else ())


def _digest(found: Found, refusal: FileRefused | None) -> tuple[str, FileRefused | None]:
    if found.refusal:
        return NO_BYTES, refusal
    try:
        return sha256_of(found.path), refusal
    except FileNotFoundError:
        raise
    except OSError as error:
        cause = FileRefused("UNREADABLE", f"{found.name} cannot be read ({error.strerror}): give read permission")
        return NO_BYTES, refusal or cause


def _misplaced(
    found: Found, source: SourceSettings | None, settings: Settings, expected: frozenset[Path]
) -> FileRefused | None:
    if not found.source:
        return FileRefused("UNKNOWN_SOURCE", f"{found.name} lies in no source's folder: move it into one")
    if source is None:
        known = ", ".join(sorted(settings.sources)) or "none"
        return FileRefused(
            "UNKNOWN_SOURCE",
            f"no source is named {found.source} (known: {known}): add [sources.{found.source}] to lakehouse.toml",
        )
    if found.path not in expected:
        return FileRefused(
            "UNEXPECTED_NAME",
            f"{found.name} does not match files = {source.files!r} of its source: rename or remove it",
        )
    return None


def _still_holds(row: Row, source: SourceSettings) -> bool:
    if row["status"] == "duplicate" or row["adapter"] != source.adapter:
        return False
    return row["status"] == "accepted" or row["reason"].split(":", 1)[0] not in JUDGED_AGAIN


def _verdict(candidate: _Candidate, original: str | None, batch_size: int) -> list[Row]:
    if candidate.settings is None or candidate.refusal is not None:
        return [_row(candidate, "rejected", str(candidate.refusal))]
    if original is not None:
        return [_row(candidate, "duplicate", f"the same bytes as {original}: nothing to do, it may be removed")]
    if candidate.before:
        return list(candidate.before)
    found = candidate.found
    file = LandedFile(found.path, found.name, found.source, candidate.settings, batch_size)
    try:
        counts = contents(file, adapter_named(candidate.settings.adapter))
        if not found.is_unchanged():
            raise FileRefused("CHANGED", f"{found.name} is still being written: the next scan looks again")
    except (FileRefused, FileNotFoundError) as refusal:
        return [_row(candidate, "rejected", str(refusal))]
    return [
        _row(candidate, "accepted", None, trading_date, counts) for trading_date in sorted({key[0] for key in counts})
    ]


def _row(
    candidate: _Candidate,
    status: str,
    reason: str | None,
    trading_date: date | None = None,
    counts: Mapping[tuple[date, Kind], int] = MappingProxyType({}),
) -> Row:
    found = candidate.found
    return {
        "path": found.name,
        "source": found.source,
        "adapter": candidate.settings.adapter if candidate.settings else "",
        "trading_date": trading_date,
        "bytes": found.bytes,
        "sha256": candidate.sha256,
        "option_rows": counts.get((trading_date, "option"), 0) if trading_date else 0,
        "underlying_rows": counts.get((trading_date, "underlying"), 0) if trading_date else 0,
        "first_seen": candidate.first_seen,
        "modified_ns": found.modified_ns,
        "status": status,
        "reason": reason,
    }
