"""Faults of single rows: which rows are hit, and what is done to them.

Belongs here: the injection of all that `faults` defines for single rows. Does not: states of the book (`books`),
redelivered ranges (`redelivery`), damage to whole files (`file_faults`).

Every fault goes to a row of its own: to a quote that is alone in its group and has both sides, or to a trade. So
no fault hides another, and no neighbour is changed by it.
"""

from collections.abc import Callable
from datetime import date

import numpy as np

from lakehouse_assets.sources.simulator.books import NONE, Bits
from lakehouse_assets.sources.simulator.clock import Integers, session_starts
from lakehouse_assets.sources.simulator.columns import BAD_DIGIT, LAST_MONTH, NO_SYMBOL, SWAPPED_RIGHT
from lakehouse_assets.sources.simulator.events import CONDITIONS, QUOTE_BITS, Ticks
from lakehouse_assets.sources.simulator.faults import BAD_CONDITIONS, BIT, CANCEL_CONDITIONS, HARD_BITS, FaultRates

Fault = Callable[[Ticks, Integers, np.random.Generator], None]
"""Changes the given rows in place; the truth is written by the caller."""

LEAST_FAT_FINGER = 100
"""Hundredths: a cheaper quote is only ever raised, its tenth may be no price."""


def inject(ticks: Ticks, trading_date: date, rates: FaultRates, at_least: int, rng: np.random.Generator) -> None:
    """Spoil single rows in place and write down their truth.

    Args:
        ticks: the clean ticks of one file.
        trading_date: their trading date.
        rates: how often, as shares of all rows.
        at_least: rows a fault, so that a small simulation has all of them.
        rng: consumed in a fixed order.
    """
    quote, trade = _quote_faults(rates, trading_date), _trade_faults(rates)
    _spread(ticks, rng.permutation(_lone_quotes(ticks)), quote, at_least, rng)
    _cancel(ticks, _count(rates.cancelled, len(ticks), at_least, rng), rng)
    _spread(ticks, rng.permutation(_untouched_trades(ticks)), trade, at_least, rng)


def _quote_faults(rates: FaultRates, trading_date: date) -> tuple[tuple[str, float, Fault], ...]:
    def out_of_session(ticks: Ticks, rows: Integers, rng: np.random.Generator) -> None:
        _leave_the_session(ticks, rows, trading_date, rng)

    return (
        ("MID_OUTLIER", rates.fat_finger, _fat_finger_quotes),
        ("CROSSED", rates.crossed, _cross),
        ("BAD_SYMBOL", rates.bad_check_digit, _spelled(BAD_DIGIT)),
        ("BAD_SYMBOL", rates.swapped_right, _spelled(SWAPPED_RIGHT)),
        ("BAD_SYMBOL", rates.no_symbol, _spelled(NO_SYMBOL)),
        ("EXPIRED", rates.expired, _spelled(LAST_MONTH)),
        ("NEG_PRICE", rates.negative_price / 2, _negative_bids),
        ("NEG_SIZE", rates.negative_size / 2, _negative_quoted_sizes),
        ("OUT_OF_SESSION", rates.out_of_session, out_of_session),
        ("CLOCK_SKEW", rates.clock_skew, _receive_too_early),
    )


def _trade_faults(rates: FaultRates) -> tuple[tuple[str, float, Fault], ...]:
    return (
        ("ZERO_TRADE", rates.zero_trade, _zero_trades),
        ("NEG_PRICE", rates.negative_price / 2, _negative_trades),
        ("NEG_SIZE", rates.negative_size / 2, _negative_trade_sizes),
        ("BAD_CONDITION", rates.bad_condition, _bad_conditions),
        ("OUTSIDE_QUOTE", rates.outside_quote, _outside_quotes),
    )


def _lone_quotes(ticks: Ticks) -> Integers:
    """Quotes of groups of one, with two sides and nothing wrong."""
    is_plain = (ticks.truth & np.uint32(QUOTE_BITS)) == 0
    return np.flatnonzero((ticks.group_size == 1) & is_plain)


def _untouched_trades(ticks: Ticks) -> Integers:
    return np.flatnonzero(ticks.is_trade & ((ticks.truth & np.uint32(HARD_BITS)) == 0))


def _count(rate: float, rows: int, at_least: int, rng: np.random.Generator) -> int:
    """The rate's share of the rows, rounded up or down at random so that it holds over many files."""
    return max(int(rate * rows + rng.random()), at_least)


def _spread(
    ticks: Ticks,
    eligible: Integers,
    faults: tuple[tuple[str, float, Fault], ...],
    at_least: int,
    rng: np.random.Generator,
) -> None:
    """Give each fault its own rows from the shuffled ones; where they run out, the last faults go without."""
    taken = 0
    for code, rate, fault in faults:
        rows = eligible[taken : taken + _count(rate, len(ticks), at_least, rng)]
        fault(ticks, rows, rng)
        _mark(ticks.truth, rows, code)
        taken += len(rows)


def _mark(truth: Bits, rows: Integers, code: str) -> None:
    """Write the code down; a hard one replaces all others."""
    if BIT[code] & HARD_BITS:
        truth[rows] = np.uint32(BIT[code])
    else:
        truth[rows] |= np.uint32(BIT[code])


def _cancel(ticks: Ticks, count: int, rng: np.random.Generator) -> None:
    """Turn rows behind trades, of the same group, into the messages that cancel them."""
    behind = np.flatnonzero((ticks.place[2:] == 2) & ticks.is_trade[1:-1]) + 2
    message = np.sort(rng.permutation(behind)[:count])
    trade = message - 1
    ticks.is_trade[message] = True
    ticks.last[message], ticks.last_size[message] = ticks.last[trade], ticks.last_size[trade]
    for quoted in (ticks.bid, ticks.bid_size, ticks.ask, ticks.ask_size):
        quoted[message] = NONE
    ticks.condition[message] = rng.choice([CONDITIONS.index(code) for code in CANCEL_CONDITIONS], len(message))
    after = message[message + 1 < len(ticks)] + 1
    after = after[ticks.place[after] == 3]
    ticks.truth[after] &= np.uint32(~BIT["DUP_CONTENT"] & 0xFFFFFFFF)
    _mark(ticks.truth, np.concatenate([trade, message]), "CANCELLED")


def _spelled(variant: int) -> Fault:
    def spell(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
        ticks.variant[rows] = variant

    return spell


def _cross(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
    ticks.bid[rows], ticks.ask[rows] = ticks.ask[rows], ticks.bid[rows]


def _negative_bids(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
    ticks.bid[rows] *= -1


def _negative_quoted_sizes(ticks: Ticks, rows: Integers, rng: np.random.Generator) -> None:
    of_bids = rng.random(len(rows)) < 0.5
    ticks.bid_size[rows[of_bids]] *= -1
    ticks.ask_size[rows[~of_bids]] *= -1


def _fat_finger_quotes(ticks: Ticks, rows: Integers, rng: np.random.Generator) -> None:
    up = (rng.random(len(rows)) < 0.5) | (ticks.bid[rows] < LEAST_FAT_FINGER)
    for quoted in (ticks.bid, ticks.ask):
        quoted[rows] = np.where(up, quoted[rows] * 10, quoted[rows] // 10)
    ticks.ask[rows] = np.maximum(ticks.ask[rows], ticks.bid[rows] + 1)


def _leave_the_session(ticks: Ticks, rows: Integers, trading_date: date, rng: np.random.Generator) -> None:
    """Ticks of the night come before the day session, those of the day after it."""
    _, day_start = session_starts(trading_date)
    midnight = day_start - 9 * 3_600 * 1_000_000
    of_night = ticks.timestamp[rows] < day_start
    minute = np.where(of_night, rng.integers(370, 530, len(rows)), rng.integers(950, 1_070, len(rows)))
    moved = midnight + minute * 60_000_000 + rng.integers(0, 60_000_000, len(rows))
    ticks.received[rows] += moved - ticks.timestamp[rows]
    ticks.timestamp[rows] = moved


def _receive_too_early(ticks: Ticks, rows: Integers, rng: np.random.Generator) -> None:
    ticks.received[rows] = ticks.timestamp[rows] - rng.integers(1_500_000, 10_000_000, len(rows))
    ticks.truth[rows] &= np.uint32(~BIT["LATE_ARRIVAL"] & 0xFFFFFFFF)


def _zero_trades(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
    ticks.last[rows[0::3]] = 0
    ticks.last_size[rows[1::3]] = 0
    ticks.last[rows[2::3]] = NONE


def _negative_trades(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
    ticks.last[rows] *= -1


def _negative_trade_sizes(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
    ticks.last_size[rows] *= -1


def _bad_conditions(ticks: Ticks, rows: Integers, rng: np.random.Generator) -> None:
    ticks.condition[rows] = rng.choice([CONDITIONS.index(code) for code in BAD_CONDITIONS], len(rows))


def _outside_quotes(ticks: Ticks, rows: Integers, _: np.random.Generator) -> None:
    """Far beyond the quote just before: ten times the price and as many hundredths more as hide no cheap one."""
    ticks.last[rows] = ticks.last[rows] * 10 + 25
