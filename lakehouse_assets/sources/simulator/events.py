"""Quotes and trades: the rows by which a feed reports the states of the books.

Belongs here: the ticks of one landed file, as arrays. Does not: faults of single rows (`injection`), Arrow
(`columns`).
A file is a stream of groups. A group is one state of a contract's book at one instant: a quote, perhaps a trade
against it, perhaps the same quote again (36 % of real updates leave the top of the book as it was, and
legitimately so).
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lakehouse_assets.sources.simulator.books import NONE, Bits, Books, Day, Flags, Whole, draw_books
from lakehouse_assets.sources.simulator.clock import Integers
from lakehouse_assets.sources.simulator.faults import BIT, FaultRates

AGAIN = 0.45
"""Share of rows that carry on the group of the row before."""
TRADE_SECOND = 0.40
"""Share of the groups of two and more whose second row is a trade."""
CHANGED_SIZE = 0.08
"""Share of groups whose repeated quotes have other sizes than the first."""
AUTOMATIC = 0.5
"""Share of trades with the condition 'I' (automatic execution); the others have none."""

CONDITIONS = ("I", "A", "C", "E", "G", "B", "F", "H")
"""What the numbers of `Ticks.condition` mean; -1 is none."""
QUOTE_BITS = sum(BIT[code] for code in ("EMPTY_BOOK", "ONE_SIDED", "ZERO_BID", "LOCKED", "WIDE_SPREAD"))


@dataclass(frozen=True)
class Ticks:
    """Rows in the order of the file, one array of equal length a field; prices in hundredths, times in µs UTC.

    `variant` is the spelling of the symbol (`columns.SPELLINGS`), `truth` the bits of `faults.BIT`, `place` the
    row's place in its group and `group_size` the group's rows.
    """

    contract: Integers
    variant: npt.NDArray[np.int8]
    is_trade: Flags
    timestamp: Integers
    received: Integers
    sequence: Integers
    last: Whole
    last_size: Whole
    bid: Whole
    bid_size: Whole
    ask: Whole
    ask_size: Whole
    index: Whole
    condition: npt.NDArray[np.int8]
    truth: Bits
    place: Whole
    group_size: Whole

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.contract)

    def rows(self, which: Integers) -> "Ticks":
        """These rows, as copies."""
        return Ticks(*(getattr(self, field.name)[which] for field in fields(self)))

    def followed_by(self, other: "Ticks") -> "Ticks":
        """These rows and then the other ones."""
        return Ticks(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))


def draw_ticks(
    day: Day, span: tuple[float, float], rows: int, first_sequence: int, rates: FaultRates, rng: np.random.Generator
) -> Ticks:
    """The ticks of one file, in the order in which they were received.

    Args:
        day: the trading date.
        span: which part of its arrivals, e.g. (0.0, 0.5).
        rows: how many rows, at least 1.
        first_sequence: the venue's number of the first event.
        rates: how often a book is empty, one-sided, locked or wide.
        rng: consumed in a fixed order.
    """
    again = rng.random(rows, dtype=np.float32) < AGAIN
    again[0] = False
    heads = np.flatnonzero(~again)
    sizes = np.diff(np.append(heads, rows))
    books = draw_books(day, span, len(heads), rates, rng)
    has_trade = (rng.random(len(heads), dtype=np.float32) < TRADE_SECOND) & (sizes > 1)
    has_change = rng.random(len(heads), dtype=np.float32) < CHANGED_SIZE

    order = np.argsort(books.received, kind="stable")
    group = np.repeat(order, sizes[order])
    ends = np.cumsum(sizes[order])
    place = (np.arange(rows) - np.repeat(ends - sizes[order], sizes[order])).astype(np.int32)
    is_trade = has_trade[group] & (place == 1)
    grown = (has_change[group] & (place > 0)).astype(np.int32)
    return Ticks(
        contract=books.contract[group],
        variant=np.zeros(rows, np.int8),
        is_trade=is_trade,
        timestamp=books.timestamp[group],
        received=books.received[group] + place,
        sequence=first_sequence + heads[group] + place,
        last=np.where(is_trade, books.touch[group], NONE),
        last_size=_trade_sizes(is_trade, rng),
        bid=np.where(is_trade, NONE, books.bid[group]),
        bid_size=_quoted(books.bid_size[group], grown, is_trade),
        ask=np.where(is_trade, NONE, books.ask[group]),
        ask_size=_quoted(books.ask_size[group], grown, is_trade),
        index=books.index[group],
        condition=_conditions(is_trade, rng),
        truth=_truth(books, group, place, is_trade, has_trade[group], has_change[group]),
        place=place,
        group_size=sizes[group].astype(np.int32),
    )


def _quoted(size: Whole, grown: Whole, is_trade: Flags) -> Whole:
    return np.where(is_trade | (size == NONE), NONE, size + grown)


def _trade_sizes(is_trade: Flags, rng: np.random.Generator) -> Whole:
    sizes = np.full(len(is_trade), NONE, np.int32)
    trades = np.flatnonzero(is_trade)
    sizes[trades] = rng.geometric(0.25, len(trades))
    return sizes


def _conditions(is_trade: Flags, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    conditions = np.full(len(is_trade), -1, np.int8)
    trades = np.flatnonzero(is_trade)
    conditions[trades[rng.random(len(trades)) < AUTOMATIC]] = 0
    return conditions


def _truth(books: Books, group: Integers, place: Whole, is_trade: Flags, has_trade: Flags, has_change: Flags) -> Bits:
    """The book's state on its quotes, and which rows repeat the stamp or the content of the row before them.

    A first repeat is no duplicate where sizes changed or where it follows the trade; later ones always are.
    """
    book = books.truth[group]
    truth = np.where(is_trade, book & np.uint32(~QUOTE_BITS & 0xFFFFFFFF), book)
    truth |= np.where(place > 0, np.uint32(BIT["SAME_TS"]), np.uint32(0))
    is_empty = (book & np.uint32(BIT["EMPTY_BOOK"])) != 0
    first = (place == 1) & ~has_trade & (~has_change | is_empty)
    repeats = first | ((place == 2) & ~has_trade) | (place > 2)
    truth |= np.where(repeats, np.uint32(BIT["DUP_CONTENT"]), np.uint32(0))
    return truth
