"""What one file holds: its ticks counted by trading date and kind, every batch made and validated.

Belongs here: the reading that decides whether a file is taken in, and what an adapter may hand over.
Does not: which files there are (`folder`) nor which were judged before (`manifest`).
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_assets.settings import SettingsError
from lakehouse_assets.sources.adapter import Adapter, FileRefused, Kind, LandedFile, Ticks
from lakehouse_assets.sources.canonical import TICK_SCHEMAS

EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(2199, 12, 31)
"""Trading dates outside are misread bytes, not history."""

Contents = Counter[tuple[date, Kind]]
"""Rows by trading date and kind."""


def contents(file: LandedFile, adapter: Adapter) -> Contents:
    """Reads a file to its end and counts what it holds.

    Raises:
        FileRefused: nothing of the file may be taken in; whatever a library or the adapter itself raises becomes one.
        SettingsError: the settings are wrong, not the file.
        FileNotFoundError: the file vanished.
    """
    if not file.path.stat().st_size:
        raise FileRefused("EMPTY", f"{file.name} has no bytes: land it again")
    try:
        counts = _counts(adapter(file), file)
    except (SettingsError, FileRefused, FileNotFoundError):
        raise
    except Exception as error:  # whatever a library says of damaged bytes: one file must not stop the others
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise FileRefused(
            "UNREADABLE", f"adapter {file.settings.adapter} stopped at {file.name} ({cause}): land it again, "
            "or correct the adapter"
        ) from error  # fmt: skip
    if not counts:
        raise FileRefused("NO_TICKS", f"{file.name} holds not one tick: land one that does, or remove it")
    if wrong := sorted({str(day) for day, _ in counts if not EARLIEST <= day <= LATEST}):
        raise FileRefused("PARSE_ERROR", f"trading date {wrong[0]} in {file.name}: correct its timestamps")
    return counts


def _counts(batches: Iterator[Ticks], file: LandedFile) -> Contents:
    counts: Contents = Counter()
    for kind, batch in batches:
        _check(kind, batch, file)
        groups = pc.value_counts(batch.column("trading_date"))
        for day, rows in zip(groups.field("values").to_pylist(), groups.field("counts").to_pylist(), strict=True):
            counts[day, kind] += rows
    return counts


def _check(kind: Kind, batch: pa.RecordBatch, file: LandedFile) -> None:
    """What bronze relies on: the canonical schema, its required columns filled, text that is text.

    Raises:
        TypeError: the adapter does not keep to the canonical schema.
        FileRefused: BAD_ENCODING.
    """
    if not batch.schema.equals(TICK_SCHEMAS[kind]):
        raise TypeError(f"it yields other columns than the canonical {kind} tick: make its batches with complete()")
    for field in batch.schema:
        if not field.nullable and batch.column(field.name).null_count:
            raise TypeError(f"it yields nulls in {field.name}: make its batches with complete()")
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        raise FileRefused("BAD_ENCODING", f"{file.name} holds text that is not UTF-8 ({error}): convert it") from error
