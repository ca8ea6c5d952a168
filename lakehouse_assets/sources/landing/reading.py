"""The ticks of one trading date: its accepted files, one after the other, as one stream of canonical batches.

Belongs here: the lineage columns, the trading date's rows of a file with several, and what the stream depends on.
Does not: the verdict on a file (`manifest`) nor any feed (its adapter).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_assets.settings import Settings, SettingsError, SourceSettings
from lakehouse_assets.sources.adapter import Array, FileRefused, Kind, LandedFile
from lakehouse_assets.sources.canonical import SCHEMAS, repeated
from lakehouse_assets.sources.landing.folder import sha256_of
from lakehouse_assets.sources.registry import adapter_code, adapter_named

INGEST_ID_DIGITS: Final = 16
ROWS: Final[dict[Kind, str]] = {"option": "option_rows", "underlying": "underlying_rows"}

ManifestRow = Mapping[str, Any]
State = tuple[int, int]
"""A file's size and modification time: what tells a file that is written again."""


def tick_batches(
    kind: Kind, files: Sequence[ManifestRow], raw: Path, settings: Settings, trading_date: date
) -> pa.RecordBatchReader:
    """The ticks of a trading date, ordered by file and by place in the file, in the full canonical schema.

    Memory is bounded by the batch: one is handed over while the next is read. `ingested_at` is the file's
    `first_seen`, so the same manifest always gives the same rows.

    Args:
        kind: options or underlyings.
        files: the manifest's accepted rows of this trading date.
        raw: the landing zone.
        settings: the sources, and how many rows a batch holds.
        trading_date: only its rows are given.

    Raises:
        FileRefused: CHANGED, at once: a file is gone or its bytes are not those of the manifest.
        SettingsError: a file's source is no longer in the settings.
    """
    ordered = sorted(files, key=lambda row: str(row["path"]))
    landed = [(row, *verified(row, raw, settings)) for row in ordered if row[ROWS[kind]]]
    return pa.RecordBatchReader.from_batches(SCHEMAS[kind], _one_ahead(_batches(kind, landed, trading_date)))


def fingerprint(files: Sequence[ManifestRow], settings: Settings) -> str:
    """What the batches of `tick_batches` depend on, as a sha256 in hex: equal where the batches are.

    It covers each file's path, digest and first sight, its source's settings and the code that reads it.

    Raises:
        SettingsError: a file's source or adapter is no longer there.
    """
    parts: list[Any] = [
        [row["path"], row["sha256"], row["first_seen"].isoformat()]
        for row in sorted(files, key=lambda row: str(row["path"]))
    ]
    for source in sorted({str(row["source"]) for row in files}):
        known = _source(source, settings)
        parts.append([source, known.model_dump(mode="json"), adapter_code(known.adapter)])
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _source(name: str, settings: Settings) -> SourceSettings:
    known = settings.sources.get(name)
    if known is None:
        raise SettingsError(f"sources.{name}: its files are in the manifest, but no source has this name; scan again")
    return known


def verified(row: ManifestRow, raw: Path, settings: Settings) -> tuple[LandedFile, State]:
    """The landed file of a manifest row, and the state in which its bytes were those of the manifest.

    Raises:
        FileRefused: CHANGED: it is gone or its bytes are others.
        SettingsError: its source is no longer in the settings.
    """
    name, source = str(row["path"]), str(row["source"])
    file = LandedFile(raw / name, name, source, _source(source, settings), settings.bronze.batch_size)
    try:
        state = _state(file)
        same = sha256_of(file.path) == row["sha256"]
    except OSError as error:
        raise FileRefused("CHANGED", f"{name} cannot be read any more ({error.strerror}): scan again") from error
    if not same:
        raise FileRefused("CHANGED", f"{name} has other bytes than the manifest says: scan again")
    return file, state


def _state(file: LandedFile) -> State:
    status = file.path.stat()
    return status.st_size, status.st_mtime_ns


def _batches(
    kind: Kind, landed: Sequence[tuple[ManifestRow, LandedFile, State]], trading_date: date
) -> Iterator[pa.RecordBatch]:
    for row, file, state in landed:
        lineage = _Lineage(kind, row)
        for found, batch in adapter_named(file.settings.adapter)(file):
            if found == kind and (chosen := _of_date(batch, trading_date)).num_rows:
                yield lineage.added(chosen)
        if _state(file) != state:
            raise FileRefused("CHANGED", f"{file.name} was written while it was read: scan again")


def _of_date(batch: pa.RecordBatch, trading_date: date) -> pa.RecordBatch:
    dates = batch.column("trading_date")
    wanted = pa.scalar(trading_date, pa.date32())
    span = pc.min_max(dates)
    if span["min"] == wanted and span["max"] == wanted:  # the usual file: one date, nothing to copy
        return batch
    return batch.filter(pc.equal(dates, wanted))


class _Lineage:
    """The columns that are the same for every row of a file, made once and sliced for each batch."""

    def __init__(self, kind: Kind, row: ManifestRow) -> None:
        self._schema = SCHEMAS[kind]
        self._values = {
            "source": row["source"],
            "source_file": row["path"],
            "ingest_id": row["sha256"][:INGEST_ID_DIGITS],
            "ingested_at": row["first_seen"],
        }
        self._columns: dict[str, Array] = {}
        self._size = 0

    def added(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch in the full canonical schema."""
        rows = batch.num_rows
        if rows > self._size:
            self._size = rows
            self._columns = {
                name: repeated(value, self._schema.field(name).type, rows) for name, value in self._values.items()
            }
        return pa.RecordBatch.from_arrays(
            [
                self._columns[name].slice(0, rows) if name in self._columns else batch.column(name)
                for name in self._schema.names
            ],
            schema=self._schema,
        )


def _one_ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, the next one made in a thread of its own while the reader is busy with the last."""
    with ThreadPoolExecutor(1, "ticks") as thread:
        pending = thread.submit(next, batches, None)
        while (batch := pending.result()) is not None:
            pending = thread.submit(next, batches, None)
            yield batch
