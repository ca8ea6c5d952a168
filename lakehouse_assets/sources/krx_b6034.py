"""The feed of KRX's B6034 messages as text: five levels of KOSPI 200 option quotes, one message a line.

Belongs here: how a line becomes a canonical quote. Does not: the ISIN's grammar (`symbols`).
A line has 13 fields with one blank between them: receive clock (epoch seconds with microseconds), exchange clock
(HHMMSScc, centiseconds, Asia/Seoul, no date), ISIN, five bids from the worst to the best, five asks from the best to
the worst; each level is `quantity@price` with the price x 100, and `0000000@00000` is no quote. Only the best bid and
ask are canonical. A file may be gzipped if its name ends in .gz.
Caveat: 44 % of the lines of a real file are late against another contract's (by 0.73 s at most), none against its own.
"""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from lakehouse_assets.sources.adapter import Array, FileRefused, LandedFile, Reason, Ticks
from lakehouse_assets.sources.archives import opened_gzip
from lakehouse_assets.sources.canonical import complete, constant
from lakehouse_assets.sources.plain_lines import whole_lines
from lakehouse_assets.sources.symbols import BadSymbol, OptionTerms, krx_option_terms

LEVELS: Final = 5
BIDS: Final = tuple(f"bid_{level}" for level in range(LEVELS - 1, -1, -1))
ASKS: Final = tuple(f"ask_{level}" for level in range(LEVELS))
FIELDS: Final = ("received", "exchange_clock", "isin", *BIDS, *ASKS)

PATTERNS: Final = {
    "received": (r"^[0-9]{9,11}\.[0-9]{6}$", "epoch seconds with six decimals"),
    "exchange_clock": (r"^(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9][0-9]{2}$", "a time HHMMSScc"),
    "isin": (r"^[A-Z]{2}[0-9A-Z]{10}$", "twelve characters of an ISIN"),
    **dict.fromkeys((*BIDS, *ASKS), (r"^[0-9]{7}@[0-9]{5}$", "seven digits, @, five digits")),
}
"""What each field looks like; whether an ISIN's check digit is right is judged in silver."""

PRICE_SCALE: Final = 100
LINE_BYTES: Final = 180
BLOCK_BYTES: Final = 16 << 20
SEOUL_AHEAD_US: Final = 9 * 3_600_000_000
"""Korea has kept UTC+9 without daylight saving since 1988, before this market opened."""
DAY_US: Final = 86_400_000_000

WRONG_COUNT: Final = re.compile(r"Expected (\d+) columns, got (\d+)")
ROW: Final = re.compile(r"Row #(\d+)")
GZIP_MAGIC: Final = b"\x1f\x8b"


def read(file: LandedFile) -> Iterator[Ticks]:
    """The best bids and asks of one file, in the order of its lines.

    Raises:
        FileRefused: EMPTY, NOT_WHAT_IT_SAYS, BAD_ENCODING, MISSING_COLUMN, EXTRA_COLUMN, PARSE_ERROR,
            or what `archives` says of a damaged gzip.
    """
    start = 0
    with _opened(file) as stream:
        for lines in _lines(stream, file):
            batch = _fields(lines, start, file)
            _check(batch, start, file.name)
            for first in range(0, batch.num_rows, file.batch_size):
                part = batch.slice(first, file.batch_size)
                yield complete("option", _quotes(part, start + first), file)
            start += batch.num_rows
    if not start:
        raise FileRefused("EMPTY", f"{file.name} has no line: land it again")


@contextmanager
def _opened(file: LandedFile) -> Iterator[BinaryIO]:
    if file.name.endswith(".gz"):
        with opened_gzip(file.path, file.name) as stream:
            yield stream
        return
    with file.path.open("rb") as text:
        if text.read(2) == GZIP_MAGIC:
            raise FileRefused("NOT_WHAT_IT_SAYS", f"{file.name} is gzipped: let its name end in .gz")
        text.seek(0)
        yield text


def _lines(stream: BinaryIO, file: LandedFile) -> Iterator[bytes]:
    """Blocks of whole lines of about a batch, at most 16 MiB at a time."""
    return whole_lines(
        stream,
        block_bytes=min(BLOCK_BYTES, file.batch_size * LINE_BYTES),
        longest=BLOCK_BYTES,
        not_plain=FileRefused("BAD_ENCODING", f"{file.name} is not plain ASCII: land it as the feed handler writes it"),
        too_long=FileRefused("NOT_WHAT_IT_SAYS", f"{file.name} has no lines of {LINE_BYTES} bytes: is it B6034 text?"),
    )


def _fields(lines: bytes, start: int, file: LandedFile) -> pa.Table:
    try:
        return pacsv.read_csv(
            pa.py_buffer(lines),
            read_options=pacsv.ReadOptions(column_names=FIELDS, use_threads=False, block_size=len(lines) + 1),
            parse_options=pacsv.ParseOptions(delimiter=" ", quote_char=False, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(FIELDS, pa.string())),
        )
    except pa.ArrowInvalid as error:
        row, count = ROW.search(str(error)), WRONG_COUNT.search(str(error))
        where = f"line {start + int(row[1]) if row else '?'} of {file.name}"
        if count is None:
            raise FileRefused("PARSE_ERROR", f"{where}: {error}; land it again") from error
        reason: Reason = "MISSING_COLUMN" if int(count[2]) < int(count[1]) else "EXTRA_COLUMN"
        raise FileRefused(reason, f"{where} has {count[2]} fields, not {count[1]}: was it cut or changed?") from error


def _check(fields: pa.Table, start: int, name: str) -> None:
    """Refuses fields that do not look as they must.

    Raises:
        FileRefused: PARSE_ERROR with the first such line.
    """
    for field, (pattern, meaning) in PATTERNS.items():
        is_good = np.asarray(pc.match_substring_regex(fields.column(field), pattern))
        if not is_good.all():
            row = int(np.argmin(is_good))
            found = fields.column(field)[row].as_py()
            raise FileRefused(
                "PARSE_ERROR",
                f"line {start + row + 1} of {name}: {field} is {found!r}, not {meaning}: are fields exchanged?",
            )


def _quotes(fields: pa.Table, start: int) -> dict[str, Array]:
    rows = fields.num_rows
    received = _integers(pc.replace_substring(fields.column("received"), ".", ""))
    exchange = _exchange_instants(_integers(fields.column("exchange_clock")), received)
    columns = {
        "source_seq": pa.array(np.arange(start, start + rows)),
        "event_type": constant("quote", pa.string(), rows),
        "timestamp": _instants(exchange),
        "ts_recv": _instants(received),
        **_contracts(fields.column("isin").combine_chunks(), received),
    }
    for side in ("bid", "ask"):
        level = fields.column(f"{side}_0")
        size, price = _integers(pc.utf8_slice_codeunits(level, 0, 7)), _integers(pc.utf8_slice_codeunits(level, 8))
        is_absent = (size == 0) & (price == 0)
        columns[f"{side}_px_00"] = pa.array(price / PRICE_SCALE, mask=is_absent)
        columns[f"{side}_sz_00"] = pa.array(size.astype(np.float64), mask=is_absent)
    return columns


def _integers(column: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(pc.cast(column, pa.int64()), dtype=np.int64)


def _instants(microseconds: np.ndarray[Any, np.dtype[np.int64]]) -> Array:
    return pa.array(microseconds).cast(pa.timestamp("us", tz="UTC"))


def _exchange_instants(
    clock: np.ndarray[Any, np.dtype[np.int64]], received: np.ndarray[Any, np.dtype[np.int64]]
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The exchange clock as µs since 1970 UTC: on the day, in Seoul, that puts it nearest to the receive clock."""
    hours, minutes, seconds = clock // 1_000_000, clock // 10_000 % 100, clock // 100 % 100
    of_day = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + clock % 100 * 10_000
    local = received + SEOUL_AHEAD_US
    on_same_day = local - local % DAY_US + of_day
    days = (local - on_same_day + DAY_US // 2) // DAY_US  # -1 before midnight's line arrives after it, +1 the reverse
    instants: np.ndarray[Any, np.dtype[np.int64]] = on_same_day + days * DAY_US - SEOUL_AHEAD_US
    return instants


def _contracts(isins: Any, received: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Array]:
    """Symbols and terms; an ISIN that holds none keeps its rows, with null terms."""
    encoded = isins.dictionary_encode()
    on = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(received[0]))).date()
    terms = [_terms(isin, on) for isin in encoded.dictionary.to_pylist()]
    kinds = {
        "underlying": pa.string(), "expiration": pa.date32(), "option_type": pa.string(), "strike_price": pa.float64()
    }  # fmt: skip
    columns = {
        name: pa.array([None if t is None else getattr(t, name) for t in terms], kind).take(encoded.indices)
        for name, kind in kinds.items()
    }
    return {"symbol": isins, "raw_symbol": isins, **columns}


def _terms(isin: str, on: dt.date) -> OptionTerms | None:
    try:
        return krx_option_terms(isin, on)
    except BadSymbol:
        return None  # kept as received: silver quarantines it as BAD_SYMBOL, with its row
