"""The feed of QuantConnect Lean: minute bars and open interest of US equity options, and minute bars of equities.

Belongs here: how the rows of Lean's zips become canonical ticks. Does not: what the names say (`naming`).
One zip holds one day of one ticker; options have one headerless CSV a contract. Prices are integers x 10,000, time is
milliseconds since midnight in New York, a bar carries its start. An empty cell means no quote. In quotes of equities
a zero means that this side is unchanged, so the bar tells of one side only.
Caveat: a file whose bid and ask columns are exchanged as whole blocks cannot be told from one with a crossed market.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from lakehouse_assets.sources.adapter import Array, FileRefused, LandedFile, Reason, Ticks
from lakehouse_assets.sources.archives import zip_entries
from lakehouse_assets.sources.canonical import complete, constant
from lakehouse_assets.sources.lean.naming import PRICE_SCALE, Instrument, LeanFile, TickType, instrument, lean_file
from lakehouse_assets.sources.plain_lines import whole_lines

NEW_YORK: Final = ZoneInfo("America/New_York")
HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * HOUR_MS
CHUNK_BYTES: Final = 256 << 10

Doubles = npt.NDArray[np.float64]
Cells = Mapping[str, Doubles]
"""One column by name, an empty cell is NaN."""

BAR: Final = ("open", "high", "low", "close")
COLUMNS: Final[dict[TickType, tuple[str, ...]]] = {
    "quote": ("ms", *(f"bid_{p}" for p in BAR), "bid_size", *(f"ask_{p}" for p in BAR), "ask_size"),
    "trade": ("ms", *BAR, "volume"),
    "openinterest": ("ms", "open_interest"),
}
EVENT_TYPE: Final[dict[TickType, str]] = {
    "quote": "quote_bar_1m", "trade": "trade_bar_1m", "openinterest": "open_interest"
}  # fmt: skip
BARS: Final[dict[TickType, tuple[str, ...]]] = {"quote": ("bid_", "ask_"), "trade": ("",), "openinterest": ()}
"""How the names of each bar's four prices begin."""

WRONG_COUNT: Final = re.compile(r"Expected (\d+) columns, got (\d+)")
ROW: Final = re.compile(r"Row #(\d+)")


@dataclass(frozen=True)
class Piece:
    """Whole lines of one entry: where they come from, what they are about, and their bytes."""

    entry: str
    instrument: Instrument
    data: bytes
    rows: int


def read(file: LandedFile) -> Iterator[Ticks]:
    """The ticks of one zip, entry by entry in the archive's order; `source_seq` counts rows over all entries.

    Raises:
        FileRefused: UNEXPECTED_NAME, NOT_WHAT_IT_SAYS, EMPTY, MISSING_COLUMN, EXTRA_COLUMN, BAD_ENCODING, PARSE_ERROR,
            or what `archives` says of a damaged or unsafe zip.
    """
    lean = lean_file(file.name)
    pending: list[Piece] = []
    start = rows = 0
    for piece in _pieces(file, lean):
        pending.append(piece)
        rows += piece.rows
        if rows >= file.batch_size:
            yield from _ticks(pending, start, lean, file)
            start, rows, pending = start + rows, 0, []
    if pending:
        yield from _ticks(pending, start, lean, file)


def _pieces(file: LandedFile, lean: LeanFile) -> Iterator[Piece]:
    entries = 0
    for entry, stream in zip_entries(file.path, file.name):
        entries += 1
        about = instrument(entry, lean, file.name)
        for data in _lines(stream, f"{entry} in {file.name}"):
            yield Piece(entry, about, data, data.count(b"\n"))
    if not entries:
        raise FileRefused("EMPTY", f"{file.name} is an archive without entries: land it again")


def _lines(stream: BinaryIO, where: str) -> Iterator[bytes]:
    return whole_lines(
        stream,
        block_bytes=CHUNK_BYTES,
        longest=CHUNK_BYTES,
        not_plain=FileRefused("BAD_ENCODING", f"{where} is not plain ASCII: write it as Lean does"),
        too_long=FileRefused("PARSE_ERROR", f"{where} has a line of more than {CHUNK_BYTES:,} bytes: is it a CSV?"),
    )


def _ticks(pieces: Sequence[Piece], start: int, lean: LeanFile, file: LandedFile) -> Iterator[Ticks]:
    cells = _cells(pieces, COLUMNS[lean.tick_type], file.name)
    _check(cells, lean.tick_type, lambda row: _place(pieces, row, file.name))
    rows = len(cells["ms"])
    columns = {
        "source_seq": pa.array(np.arange(start, start + rows)),
        "event_type": constant(EVENT_TYPE[lean.tick_type], pa.string(), rows),
        "timestamp": _instants(cells["ms"], lean.date),
        **_values(cells, lean),
        **_identity(pieces, lean),
    }
    for first in range(0, rows, file.batch_size):
        part = {name: array.slice(first, file.batch_size) for name, array in columns.items()}
        yield complete("option" if lean.security == "option" else "underlying", part, file)


def _cells(pieces: Sequence[Piece], names: tuple[str, ...], name: str) -> Cells:
    data = b"".join(piece.data for piece in pieces)
    types = {column: pa.float64() if column.endswith(("size", "volume")) else pa.int64() for column in names}
    try:
        table = pacsv.read_csv(
            pa.py_buffer(data),
            read_options=pacsv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            parse_options=pacsv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(column_types=types, null_values=[""]),
        )
    except pa.ArrowInvalid as error:
        raise _refusal(str(error), pieces, name) from error
    if table.num_rows != sum(piece.rows for piece in pieces):
        raise FileRefused("PARSE_ERROR", f"{_place(pieces, 0, name)}: lines do not end in newlines: land it again")
    cells: Cells = {
        column: table.column(column).cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
        for column in names
    }
    return cells


def _refusal(message: str, pieces: Sequence[Piece], name: str) -> FileRefused:
    row = ROW.search(message)
    where = _place(pieces, int(row[1]) - 1 if row else 0, name)
    if count := WRONG_COUNT.search(message):
        expected, got = int(count[1]), int(count[2])
        reason: Reason = "MISSING_COLUMN" if got < expected else "EXTRA_COLUMN"
        return FileRefused(reason, f"{where} has {got} columns and should have {expected}: is it of this kind?")
    problem = message.rpartition(": ")[2]
    return FileRefused("PARSE_ERROR", f"{where}: {problem}; Lean writes whole numbers: correct or land it again")


def _place(pieces: Sequence[Piece], row: int, name: str) -> str:
    """Where a row lies, in words; lines of a very long entry are counted from the part that was read together."""
    for piece in pieces:
        if row < piece.rows:
            return f"line {row + 1} of {piece.entry} in {name}"
        row -= piece.rows
    return name


def _check(cells: Cells, tick_type: TickType, place: Callable[[int], str]) -> None:
    """Refuses what cannot be Lean's: a time outside the day or off the minute, a bar whose prices contradict.

    Raises:
        FileRefused: PARSE_ERROR with the first such row.
    """
    ms = cells["ms"]
    in_day = (ms >= 0) & (ms < DAY_MS) & (ms % MINUTE_MS == 0)
    if not in_day.all():
        raise FileRefused(
            "PARSE_ERROR",
            f"{place(int(np.argmin(in_day)))}: the first column is not the start of a minute in milliseconds since "
            "midnight: are columns exchanged?",
        )
    for side in BARS[tick_type]:
        opened, high, low, close = (cells[f"{side}{price}"] for price in BAR)
        is_bar = (low <= np.fmin(opened, close)) & (np.fmax(opened, close) <= high)
        is_empty = np.isnan(opened) & np.isnan(high) & np.isnan(low) & np.isnan(close)
        if not (is_bar | is_empty).all():
            raise FileRefused(
                "PARSE_ERROR",
                f"{place(int(np.argmin(is_bar | is_empty)))}: {side}open and {side}close do not lie between {side}low "
                f"and {side}high: are columns exchanged?",
            )


def _instants(ms: Doubles, date: dt.date) -> Array:
    """UTC instants of wall-clock times in New York; on days of 23 or 25 hours the wall clock counts."""
    midnight = dt.datetime.combine(date, dt.time(), NEW_YORK)
    hours = [midnight.replace(hour=hour).astimezone(dt.UTC) for hour in range(24)]
    starts = np.array([int(hour.timestamp()) * 1_000 for hour in hours], dtype=np.int64)
    whole = ms.astype(np.int64)
    instants = starts[whole // HOUR_MS] + whole % HOUR_MS
    return pa.array(instants * 1_000).cast(pa.timestamp("us", tz="UTC"))


def _values(cells: Cells, lean: LeanFile) -> dict[str, Array]:
    if lean.tick_type == "openinterest":
        return {"open_interest": _nullable(cells["open_interest"])}
    if lean.tick_type == "trade":
        return {"last_price": _nullable(cells["close"] / PRICE_SCALE), "last_size": _nullable(cells["volume"])}
    columns = {}
    for side in ("bid", "ask"):
        price, size = cells[f"{side}_close"] / PRICE_SCALE, cells[f"{side}_size"]
        is_absent = np.isnan(price) if lean.security == "option" else np.isnan(price) | (price == 0)
        columns[f"{side}_px_00"] = _nullable(np.where(is_absent, np.nan, price))
        columns[f"{side}_sz_00"] = _nullable(np.where(is_absent, np.nan, size))
    return columns


def _nullable(values: Doubles) -> Array:
    return pa.array(values, from_pandas=True)


def _identity(pieces: Sequence[Piece], lean: LeanFile) -> dict[str, Array]:
    places = pa.array(np.repeat(np.arange(len(pieces)), [piece.rows for piece in pieces]))
    about = [piece.instrument for piece in pieces]
    columns = {
        "symbol": pa.array([i.symbol for i in about], pa.string()),
        "raw_symbol": pa.array([i.raw_symbol for i in about], pa.string()),
    }
    if lean.security == "option":
        columns |= {
            "underlying": pa.array([lean.ticker.upper()] * len(about), pa.string()),
            "expiration": pa.array([i.expiration for i in about], pa.date32()),
            "strike_price": pa.array([i.strike_price for i in about], pa.float64()),
            "option_type": pa.array([i.option_type for i in about], pa.string()),
        }
    return {name: column.take(places) for name, column in columns.items()}
