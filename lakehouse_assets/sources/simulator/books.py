"""The states of the contracts' books: who is quoted at what, when it happened and when it was received.

Belongs here: one entry a state of a book. Does not: the rows by which a feed reports it (`events`).
Flow shows in the sizes of both sides and in the side that trades. Prices are whole ticks, counted in hundredths of
a point: 0.01 below 10 points, 0.05 from there on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lakehouse_assets.sources.simulator.chain import Chain
from lakehouse_assets.sources.simulator.clock import Floats, Integers, to_microseconds
from lakehouse_assets.sources.simulator.faults import BIT, LATE_ARRIVAL_MS, FaultRates
from lakehouse_assets.sources.simulator.market import NIGHT_STEPS, STEP_SECONDS, Market

Whole = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint32]

NONE = int(np.iinfo(np.int32).min)
"""No value: becomes null."""
FLOW_IN_SIZES = 0.35
"""By how much a flow of one deviation lifts the logarithm of the size on its own side, and lowers the other's."""
FLOW_IN_TRADES = 1.0
"""The same for the log-odds that the buyer is the aggressor."""
LAGGED = 0.30
"""Share of states that are delayed on their way: lognormal, median 41 ms, 99th percentile 330 ms, at most 0.8 s.

At scale they and those of their contracts that must wait for them make two fifths of the ticks late."""
LAG_SIGMA = 0.896
MISSING_INDEX = 0.09
LIQUID = 10
"""Contracts, the busiest first, whose books are one-sided far less often than the others'."""
LIQUID_ONE_SIDED = 1.0 / 3.0
OTHERS_ONE_SIDED = 1.6


@dataclass(frozen=True)
class Day:
    """A trading date: who trades, at which prices, and when; `number` counts the simulation's dates from 0."""

    number: int
    chain: Chain
    market: Market
    arrivals: Floats


@dataclass(frozen=True)
class Books:
    """One state of a contract's book an entry, in the order of events; prices in hundredths, times in µs UTC.

    `truth` has the bits of `faults.BIT`, `touch` is the price at which the aggressor of a trade finds it.
    """

    contract: npt.NDArray[np.int64]
    timestamp: Integers
    received: Integers
    bid: Whole
    bid_size: Whole
    ask: Whole
    ask_size: Whole
    index: Whole
    truth: Bits
    touch: Whole

    def __len__(self) -> int:
        """The number of states."""
        return len(self.contract)


def draw_books(day: Day, span: tuple[float, float], count: int, rates: FaultRates, rng: np.random.Generator) -> Books:
    """The states of one stretch of a trading date.

    Args:
        day: the trading date.
        span: which part of its arrivals, e.g. (0.0, 0.5).
        count: how many states, at least 1.
        rates: how often a book is empty, one-sided, locked or wide.
        rng: consumed in a fixed order.
    """
    waits = np.cumsum(rng.standard_exponential(count + 1))
    part = span[0] + (span[1] - span[0]) * waits[:-1] / waits[-1]
    seconds = np.interp(part, day.arrivals, np.arange(len(day.arrivals), dtype=np.float64))
    by_share = np.searchsorted(np.cumsum(day.chain.share)[:-1], (np.arange(65_536) + 0.5) / 65_536)
    contract = by_share[rng.integers(0, 65_536, count, dtype=np.uint16)]
    step, within = _on_the_grid(seconds)
    mid = _between(day.market.mid, step * len(day.chain) + contract, within, len(day.chain))
    flow = day.market.flow.ravel()[step * len(day.chain) + contract]
    bid, ask = _touch(mid, contract)
    bought = rng.random(count, dtype=np.float32) < 1.0 / (1.0 + np.exp(-FLOW_IN_TRADES * flow))
    touch = np.where(bought, ask, bid)
    bid_size, ask_size = (_sizes(flow * side, rng) for side in (FLOW_IN_SIZES, -FLOW_IN_SIZES))
    index = np.rint(100.0 * _between(day.market.index, step, within, 1)).astype(np.int32)
    index[rng.random(count, dtype=np.float32) < MISSING_INDEX] = NONE
    timestamp = to_microseconds(day.chain.trading_date, seconds)
    received = _received(timestamp, contract, rng)
    truth = np.where(received - timestamp > LATE_ARRIVAL_MS * 1_000, BIT["LATE_ARRIVAL"], 0).astype(np.uint32)
    books = Books(contract, timestamp, received, bid, bid_size, ask, ask_size, index, truth, touch)
    _spoil(books, mid, rates, rng)
    return books


def _on_the_grid(seconds: Floats) -> tuple[Integers, npt.NDArray[np.float32]]:
    """The grid's row before each time, and how far it is to the next one; the day session starts a row later."""
    place = seconds / STEP_SECONDS
    step = place.astype(np.int64)
    within = (place - step).astype(np.float32)
    step += (step >= NIGHT_STEPS).astype(np.int64)
    return step, within


def _between(
    grid: npt.NDArray[np.floating], place: Integers, within: npt.NDArray[np.float32], stride: int
) -> npt.NDArray[np.float32]:
    flat = grid.ravel()
    here = flat[place]
    value: npt.NDArray[np.float32] = (here + within * (flat[place + stride] - here)).astype(np.float32)
    return value


def _touch(mid: npt.NDArray[np.float32], contract: Integers) -> tuple[Whole, Whole]:
    """Bid and ask around a mid: at least one tick apart, about half a percent, in some contracts twice that."""
    tick = np.where(mid < 10.0, 1, 5).astype(np.int32)
    width = np.maximum(np.rint(0.5 * mid / tick), 1).astype(np.int32) * (1 + (contract % 3 == 2)) * tick
    bid = np.maximum(np.rint((100.0 * mid - 0.5 * width) / tick), 1).astype(np.int32) * tick
    return bid, (bid + width).astype(np.int32)


def _sizes(tilt: npt.NDArray[np.float32], rng: np.random.Generator) -> Whole:
    """Lognormal lots, median 12, at least 1."""
    return np.exp(2.5 + tilt + 0.6 * rng.standard_normal(len(tilt), dtype=np.float32)).astype(np.int32) + 1


def _received(timestamp: Integers, contract: Integers, rng: np.random.Generator) -> Integers:
    """When each state was received: late ones overtake nothing of their own contract."""
    count = len(timestamp)
    delay = rng.random(count, dtype=np.float32) * 200.0 + 1_000.0
    late = np.flatnonzero(rng.random(count, dtype=np.float32) < LAGGED)
    lag = 41_000.0 * np.exp(LAG_SIGMA * rng.standard_normal(len(late), dtype=np.float32))
    delay[late] = np.minimum(lag, 800_000.0)
    received = timestamp + delay.astype(np.int64)
    by_contract = np.argsort(contract.astype(np.uint8), kind="stable")
    apart = contract[by_contract] << 50  # far more than the microseconds of a week
    since = received[by_contract] - timestamp[0]
    received[by_contract] = np.maximum.accumulate(since + apart) - apart + timestamp[0]
    return received


def _spoil(books: Books, mid: npt.NDArray[np.float32], rates: FaultRates, rng: np.random.Generator) -> None:
    """Empty, one-sided, locked and wide books, in place and at most one of them each, with their truth."""
    draw = rng.random(len(books), dtype=np.float32)
    often = np.where(books.contract < LIQUID, LIQUID_ONE_SIDED, OTHERS_ONE_SIDED).astype(np.float32)
    edges = np.cumsum([rates.empty_book, rates.locked, rates.wide_spread])
    empty, locked, wide = (
        np.flatnonzero((draw >= low) & (draw < high)) for low, high in zip([0.0, *edges[:-1]], edges, strict=True)
    )
    no_bid = np.flatnonzero((draw >= edges[-1]) & (draw < edges[-1] + rates.no_bid * often))
    no_ask = np.flatnonzero(draw >= 1.0 - rates.no_ask * often)
    for rows, bits in (
        (empty, BIT["EMPTY_BOOK"]),
        (locked, BIT["LOCKED"]),
        (wide, BIT["WIDE_SPREAD"]),
        (no_bid, BIT["ONE_SIDED"] | BIT["ZERO_BID"]),
        (no_ask, BIT["ONE_SIDED"]),
    ):
        books.truth[rows] |= np.uint32(bits)
    books.ask[locked] = books.bid[locked]
    books.touch[locked] = books.bid[locked]
    books.bid[wide] = np.maximum(np.rint(30.0 * mid[wide]), 1)
    books.ask[wide] = np.maximum(np.rint(170.0 * mid[wide]), 3 * books.bid[wide] + 1)
    for rows in (empty, no_bid):
        books.bid[rows] = books.bid_size[rows] = NONE
    for rows in (empty, no_ask):
        books.ask[rows] = books.ask_size[rows] = NONE
