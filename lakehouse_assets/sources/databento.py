"""The feed of Databento's OPRA files in DBN, plain or zstd.

Belongs here: what each schema's record means as a canonical tick. Does not: byte layouts (`dbn_records`), OSI symbols.

- Schemas: trades, tbbo, tcbbo, mbp-1, cmbp-1, cbbo-1s, cbbo-1m, ohlcv-1m, and open interest from statistics.
- A `cbbo` record is a sample of the book at the end of its second or minute, so its time is `ts_recv`; its `ts_event`
  and price are those of a last trade long known, which stands in the trades files and is not repeated as a trade.
- `tbbo` and `tcbbo` trades carry the quotes in force just before them.
- Of `statistics` only open interest is a tick; a deleted figure is null.
- `definition` and bars of other lengths than a minute carry no canonical tick: the file is refused as NO_TICKS.
- `venue` is the source's: the consolidated tape. The publisher of a record is not kept.
- An instrument without a mapping on its day keeps its number as `raw_symbol` and has no `symbol`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.sources import dbn_records as dbn
from lakehouse_assets.sources.adapter import Array, FileRefused, LandedFile, Ticks
from lakehouse_assets.sources.archives import opened_zstd
from lakehouse_assets.sources.canonical import complete
from lakehouse_assets.sources.symbols import BadSymbol, OptionTerms, osi_terms

if TYPE_CHECKING:
    from databento_dbn import Metadata

DATASET: Final = "OPRA.PILLAR"
MAGIC: Final = b"DBN"
PRELUDE_BYTES: Final = 8
MOST_METADATA_BYTES: Final = 256 << 20
NS_PER_DAY: Final = 86_400 * 10**9
SAMPLED: Final = ("cbbo-1s", "cbbo-1m")
ALWAYS_TRADES: Final = ("trades", "tbbo", "tcbbo")

Records = npt.NDArray[Any]
Columns = dict[str, Array]


def read(file: LandedFile) -> Iterator[Ticks]:
    """The ticks of one DBN file, batch by batch; `source_seq` counts its records.

    Raises:
        FileRefused: NOT_WHAT_IT_SAYS, NO_TICKS, TRUNCATED, PARSE_ERROR, UNREADABLE or TOO_LARGE.
    """
    with _opened(file) as stream:
        metadata = _metadata(stream, file.name)
        schema = str(metadata.schema)
        known = dbn.record_of(schema, metadata.version, metadata.ts_out)
        if known is None:
            raise FileRefused("NO_TICKS", f"{file.name} holds schema {schema}, which carries no ticks: remove it")
        rtype, layout = known
        symbols = _Symbols(metadata)
        start = 0
        while data := stream.read(file.batch_size * layout.itemsize):
            records = _records(data, rtype, layout, file.name)
            columns = _columns(schema, records)
            columns["source_seq"] = pa.array(np.arange(start, start + len(records)))
            columns |= symbols.terms(records)
            if schema == "statistics":
                wanted = pa.array(records["stat_type"] == dbn.OPEN_INTEREST)
                columns = {name: column.filter(wanted) for name, column in columns.items()}
            yield complete("option", columns, file)
            start += len(records)


@contextmanager
def _opened(file: LandedFile) -> Iterator[BinaryIO]:
    with file.path.open("rb") as plain:
        if plain.read(len(MAGIC)) == MAGIC:
            plain.seek(0)
            yield plain
            return
    with opened_zstd(file.path, file.name) as expanded:
        yield expanded


def _metadata(stream: BinaryIO, name: str) -> "Metadata":
    from databento_dbn import DBNError, Metadata

    prelude = stream.read(PRELUDE_BYTES)
    if prelude[: len(MAGIC)] != MAGIC[: len(prelude)]:
        raise FileRefused("NOT_WHAT_IT_SAYS", f"{name} is not DBN: land DBN, or name its adapter")
    length = int.from_bytes(prelude[4:], "little")
    data = stream.read(length) if length <= MOST_METADATA_BYTES else b""
    if len(prelude) < PRELUDE_BYTES or len(data) < length:
        raise FileRefused("TRUNCATED", f"{name} ends within its metadata: land it again")
    try:
        metadata = Metadata.decode(prelude + data)
    except (DBNError, ValueError) as error:
        raise FileRefused("PARSE_ERROR", f"{name} has no readable DBN metadata ({error}): land it again") from error
    if metadata.dataset != DATASET:
        raise FileRefused(
            "NOT_WHAT_IT_SAYS", f"{name} is of {metadata.dataset}, not {DATASET}: give it its own adapter"
        )
    return metadata


def _records(data: bytes, rtype: int, layout: np.dtype[np.void], name: str) -> Records:
    if len(data) % layout.itemsize:
        raise FileRefused("TRUNCATED", f"{name} ends within a record: land it again")
    records = np.frombuffer(data, layout)
    odd = (records["rtype"] != rtype) | (records["length"] != layout.itemsize // 4)
    if odd.any():
        raise FileRefused(
            "PARSE_ERROR",
            f"{name} holds records of another type than its schema says (the first is number {int(odd.argmax())} of a "
            "batch): land one schema a file",
        )
    return records


def _columns(schema: str, records: Records) -> Columns:
    if schema == "ohlcv-1m":
        return _bars(records)
    if schema == "statistics":
        return _open_interest(records)
    columns = _times(records, "ts_recv" if schema in SAMPLED else "ts_event")
    columns["ts_recv"] = _instants(records["ts_recv"])
    columns["flags"] = pa.array(records["flags"].astype(np.int64))
    if "sequence" in (records.dtype.names or ()):
        columns["sequence"] = pa.array(records["sequence"].astype(np.int64))
    if schema in SAMPLED:
        trades = np.zeros(len(records), bool)
    elif schema in ALWAYS_TRADES:
        trades = np.ones(len(records), bool)
    else:
        trades = records["action"] == dbn.TRADE_ACTION
    columns["event_type"] = pa.array(np.where(trades, "trade", "quote"), pa.string())
    columns["last_price"], columns["last_size"] = _priced(records["price"], records["size"], ~trades)
    if schema != "trades":
        for side in ("bid", "ask"):
            columns[f"{side}_px_00"], columns[f"{side}_sz_00"] = _priced(
                records[f"{side}_px_00"], records[f"{side}_sz_00"]
            )
    return columns


def _bars(records: Records) -> Columns:
    columns = _times(records, "ts_event")
    columns["event_type"] = pa.array(["trade_bar_1m"] * len(records))
    columns["last_price"], columns["last_size"] = _priced(records["close"], records["volume"])
    return columns


def _open_interest(records: Records) -> Columns:
    columns = _times(records, "ts_event")
    quantity = records["quantity"]
    undefined = (quantity == np.iinfo(quantity.dtype).max) | (records["update_action"] == dbn.DELETED)
    columns["event_type"] = pa.array(["open_interest"] * len(records))
    columns["ts_recv"] = _instants(records["ts_recv"])
    columns["sequence"] = pa.array(records["sequence"].astype(np.int64))
    columns["open_interest"] = pa.array(quantity.astype(np.float64), mask=undefined)
    return columns


def _times(records: Records, name: str) -> Columns:
    nanoseconds = records[name]
    undefined = nanoseconds == dbn.UNDEFINED_TIMESTAMP
    kept = np.where(undefined, 0, nanoseconds).astype(np.int64)
    return {"timestamp": _instants(nanoseconds), "ts_event_ns": pa.array(kept, mask=undefined)}


def _instants(nanoseconds: npt.NDArray[np.uint64]) -> Array:
    undefined = nanoseconds == dbn.UNDEFINED_TIMESTAMP
    microseconds = pa.array((nanoseconds // 1000).astype(np.int64), mask=undefined)
    return microseconds.cast(pa.timestamp("us", tz="UTC"))


def _priced(prices: npt.NDArray[Any], sizes: npt.NDArray[Any], absent: npt.NDArray[Any] | None = None) -> list[Array]:
    """A price in currency and its size, both null where there is no price."""
    undefined = prices == dbn.UNDEFINED_PRICE
    if absent is not None:
        undefined = undefined | absent
    # divided, not multiplied: a tenth of a cent is then the nearest double
    return [
        pa.array(prices / dbn.PRICE_UNITS, mask=undefined),
        pa.array(sizes.astype(np.float64), mask=undefined),
    ]


class _Symbols:
    """The contract of an instrument number on a day, by the mappings in a file's metadata."""

    def __init__(self, metadata: "Metadata") -> None:
        self._intervals: dict[int, list[tuple[int, int, str]]] = {}
        by_number = str(metadata.stype_out) == "instrument_id"
        for name, intervals in metadata.mappings.items():
            for interval in intervals:
                number, symbol = (interval["symbol"], name) if by_number else (name, interval["symbol"])
                if number.isdigit():
                    days = (_day(interval["start_date"]), _day(interval["end_date"]))
                    self._intervals.setdefault(int(number), []).append((*days, symbol))

    def terms(self, records: Records) -> Columns:
        """The identity columns of a batch: each pair of instrument and day is looked up once."""
        stamps = records["ts_event"]
        if "ts_recv" in (records.dtype.names or ()):
            stamps = np.where(records["ts_recv"] == dbn.UNDEFINED_TIMESTAMP, stamps, records["ts_recv"])
        days = (stamps // NS_PER_DAY).astype(np.uint64)
        pairs, places = np.unique(records["instrument_id"].astype(np.uint64) << 32 | days, return_inverse=True)
        found = [self._contract(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in pairs]
        return {
            name: pa.array([contract[name] for contract in found], kind).take(pa.array(places))
            for name, kind in _IDENTITY.items()
        }

    def _contract(self, number: int, day: int) -> dict[str, Any]:
        symbol = next((s for start, end, s in self._intervals.get(number, []) if start <= day < end), None)
        try:
            terms: OptionTerms | None = osi_terms(symbol) if symbol else None
        except BadSymbol:
            terms = None  # the feed's own spelling is kept as raw_symbol; silver judges a row without a symbol
        return {
            "raw_symbol": symbol or str(number),
            "symbol": symbol if terms else None,
            **(terms._asdict() if terms else dict.fromkeys(OptionTerms._fields)),
        }


_IDENTITY: Final[dict[str, pa.DataType]] = {
    "raw_symbol": pa.string(),
    "symbol": pa.string(),
    "underlying": pa.string(),
    "expiration": pa.date32(),
    "option_type": pa.string(),
    "strike_price": pa.float64(),
}


def _day(day: Any) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))
