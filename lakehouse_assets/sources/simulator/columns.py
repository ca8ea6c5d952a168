"""Ticks as Arrow tables in the canonical columns, and how they are written.

Belongs here: column names, types and Parquet options. Does not: what the values are.
Only columns that carry something are written; lineage is the reader's. `instrument_type` tells ticks of options from
those of their underlying.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.sources.simulator.books import NONE, Flags, Whole
from lakehouse_assets.sources.simulator.chain import MULTIPLIER, UNDERLYING, Chain, krx_symbol
from lakehouse_assets.sources.simulator.clock import Integers
from lakehouse_assets.sources.simulator.events import CONDITIONS, Ticks

GOOD, BAD_DIGIT, SWAPPED_RIGHT, LAST_MONTH, NO_SYMBOL = range(5)
"""Spellings of a symbol: right, a wrong check digit, the put's for the call's, the month before, none at all."""

STAMP = pa.timestamp("us", tz="UTC")


def option_table(ticks: Ticks, chain: Chain) -> pa.Table:
    """The option ticks of one file in the canonical columns."""
    rows = len(ticks)
    is_old = ticks.variant == LAST_MONTH
    number = ticks.contract + len(chain) * np.where(ticks.variant == NO_SYMBOL, GOOD, ticks.variant).astype(np.int64)
    symbol = words(number, _spellings(chain), is_none=ticks.variant == NO_SYMBOL)
    ends = np.array(chain.expiration, dtype="datetime64[D]").astype(np.int32)
    last = np.int32(np.datetime64(chain.last_expiration).astype(np.int32))
    columns: dict[str, pa.Array] = {
        "instrument_type": word("option", rows),
        "event_type": words(ticks.is_trade, ("quote", "trade")),
        "symbol": symbol,
        "raw_symbol": symbol,
        "underlying": word(UNDERLYING, rows),
        "expiration": pa.array(np.where(is_old, last, ends[ticks.contract]), pa.int32()).cast(pa.date32()),
        "strike_price": pa.array(chain.strike[ticks.contract]),
        "option_type": words(chain.is_call[ticks.contract], ("P", "C")),
        "contract_multiplier": pa.array(np.full(rows, MULTIPLIER)),
        **stamps(chain.trading_date, ticks.timestamp, ticks.received, ticks.sequence),
        "last_price": price(ticks.last),
        "last_size": size(ticks.last_size),
        "bid_px_00": price(ticks.bid),
        "bid_sz_00": size(ticks.bid_size),
        "ask_px_00": price(ticks.ask),
        "ask_sz_00": size(ticks.ask_size),
        "underlying_price": price(ticks.index),
        "condition": words(np.maximum(ticks.condition, 0), CONDITIONS, is_none=ticks.condition < 0),
        "flags": pa.array(np.zeros(rows, np.int64)),
    }
    return pa.table(columns)


def _spellings(chain: Chain) -> list[str]:
    """All symbols of a trading date: spelling by spelling, contract by contract."""
    terms = list(zip(chain.expiration, chain.strike.tolist(), chain.is_call.tolist(), strict=True))
    bad = [f"{symbol[:-1]}{(int(symbol[-1]) + 1 + k % 9) % 10}" for k, symbol in enumerate(chain.symbol)]
    swapped = [krx_symbol(end, strike, not is_call) for end, strike, is_call in terms]
    old = [krx_symbol(chain.last_expiration, strike, is_call) for _, strike, is_call in terms]
    return [*chain.symbol, *bad, *swapped, *old]


def stamps(trading_date: date, timestamp: Integers, received: Integers, sequence: Integers) -> dict[str, pa.Array]:
    """The columns of place and time; times in microseconds since 1970 UTC."""
    days = np.int32(np.datetime64(trading_date).astype(np.int32))
    return {
        "currency": word("KRW", len(timestamp)),
        "venue": word("KRX", len(timestamp)),
        "timestamp": pa.array(timestamp).cast(STAMP),
        "ts_recv": pa.array(received).cast(STAMP),
        "trading_date": pa.array(np.full(len(timestamp), days)).cast(pa.date32()),
        "sequence": pa.array(sequence),
    }


def words(number: npt.NDArray[np.integer | np.bool_], meaning: Sequence[str], is_none: Flags | None = None) -> pa.Array:
    """Strings by their number in a list, as a dictionary of those that occur, each once.

    No other dictionary may reach the Parquet writer: pyarrow 25 leaves the room of strings that do not occur, or
    occur twice, uninitialised in the page, and the file's bytes then depend on what was in memory.
    """
    present = number if is_none is None else number[~is_none]
    occurs = np.flatnonzero(np.bincount(present.astype(np.int64), minlength=len(meaning))).tolist()
    strings = {text: place for place, text in enumerate(dict.fromkeys(meaning[k] for k in occurs))}
    place = np.zeros(len(meaning), np.int16)
    place[occurs] = [strings[meaning[k]] for k in occurs]
    indices = pa.array(place[number.astype(np.int64)], mask=is_none)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(strings), pa.string()))


def word(text: str, rows: int) -> pa.Array:
    """One string on every row."""
    return words(np.zeros(rows, np.int16), (text,))


def price(hundredths: Whole) -> pa.Array:
    """Hundredths as points, `NONE` as null; the nearest double of the decimal."""
    return pa.array(hundredths / 100.0, mask=hundredths == NONE)


def size(lots: Whole) -> pa.Array:
    """Lots as doubles, `NONE` as null."""
    return pa.array(lots.astype(np.float64), mask=lots == NONE)
