"""What goes wrong in a simulated feed, how often, and what exactly each reason code then means.

Belongs here: the codes, their definitions, the rates of the two profiles. Does not: which rows are hit
(`injection`), how the truth is written down (`truth`), damage to whole files (`file_faults`).

Hard codes. The truth is exact: a row carries the code if and only if the definition holds for it, no other
row of the feed satisfies it by accident, and a row with a hard code carries that code and no other.

- BAD_SYMBOL: `symbol` is null, or neither OSI-21 nor an ISIN with the right check digit, or its terms disagree with
  the columns. Injected: a wrong check digit; no symbol; the symbol of the put on a call's row and the reverse (the
  columns stay).
- EXPIRED: `trading_date` > `expiration`. Injected: a quote of last month's contract; symbol and columns agree.
- DUP_SOURCE_KEY: (`source`, `symbol`, `event_type`, `sequence`) seen before, `sequence` not null; the first by
  (`source_file`, `source_seq`) is kept. Injected: a range of the previous file of the trading date at the end of
  the next one.
- NEG_PRICE: `last_price`, `bid_px_00` or `ask_px_00` < 0. Injected: the sign of a bid, or of a trade's price.
- NEG_SIZE: `last_size`, `bid_sz_00` or `ask_sz_00` < 0. Injected: the sign of a bid's or an ask's or a trade's
  size.
- CROSSED: `bid_px_00` > `ask_px_00`, both present. Injected: bid and ask change places.
- ZERO_TRADE: `event_type` = 'trade' and (`last_price` or `last_size` is 0 or null). Injected: price 0, no price, or
  size 0.
- CANCELLED: a trade, and the later (by `sequence`) message that cancels it: a row with `event_type` = 'trade',
  `condition` in ('A', 'C', 'E', 'G') and the print's `symbol`, `timestamp`, `last_price` and `last_size`; both rows
  carry the code. Injected: such a message behind a print.

A cancel never names a print that is repeated with the same content, and a redelivered range leaves out rows
that carry a hard code, so that no code hides another. PARSE_ERROR and SCHEMA_DRIFT cannot occur in a typed file.

Soft codes. The truth says what was injected, on rows without a hard code.

- OUT_OF_SESSION: `timestamp` between the sessions of the row's trading date: 06:10-08:50 or 15:50-17:50 Asia/Seoul.
- EMPTY_BOOK: a quote without a bid and without an ask: prices and sizes null.
- ONE_SIDED: a quote with exactly one side; price and size of the other are null.
- ZERO_BID: a ONE_SIDED quote whose bid is missing (carries both codes).
- LOCKED: bid = ask.
- WIDE_SPREAD: (ask - bid) / mid > 1.0, about the true mid.
- MID_OUTLIER: a quote with both prices ten times or a tenth of what they should be.
- OUTSIDE_QUOTE: a trade at ten times the price and a quarter point more, just behind a quote.
- BAD_CONDITION: a trade with `condition` 'B', 'F' or 'H' (out of sequence); an ordinary trade has null or 'I'.
- LATE_ARRIVAL: `ts_recv` - `timestamp` > 100 ms.
- CLOCK_SKEW: `ts_recv` 1.5 to 10 s before `timestamp`.
- SAME_TS: the contract's tick before it (by `timestamp`, `sequence`) has the same `timestamp`.
- DUP_CONTENT: the contract's tick before it has the same `event_type`, `timestamp`, last, bid and ask price and
  size, and `condition`; `sequence` and `ts_recv` do not count.
"""

from dataclasses import dataclass, replace
from typing import Literal

Profile = Literal["realistic", "hostile"]

HARD_CODES = (
    "BAD_SYMBOL", "EXPIRED", "DUP_SOURCE_KEY", "NEG_PRICE", "NEG_SIZE", "CROSSED", "ZERO_TRADE", "CANCELLED",
)  # fmt: skip
SOFT_CODES = (
    "OUT_OF_SESSION", "EMPTY_BOOK", "ONE_SIDED", "ZERO_BID", "LOCKED", "WIDE_SPREAD", "MID_OUTLIER", "OUTSIDE_QUOTE",
    "BAD_CONDITION", "LATE_ARRIVAL", "CLOCK_SKEW", "SAME_TS", "DUP_CONTENT",
)  # fmt: skip
CODES = HARD_CODES + SOFT_CODES

BIT = {code: 1 << position for position, code in enumerate(CODES)}
"""One bit a code, for the truth of a row as one integer."""

HARD_BITS = sum(BIT[code] for code in HARD_CODES)
CANCEL_CONDITIONS = ("A", "C", "E", "G")
BAD_CONDITIONS = ("B", "F", "H")
LATE_ARRIVAL_MS = 100.0


@dataclass(frozen=True)
class FaultRates:
    """Shares of all option rows, if not said otherwise; `*_files` are files a simulation.

    The rates of real sets: one-sided bid 8-25 %, one-sided ask 2-17 %, empty book 0.02-1.3 %, crossed 0.05 %,
    locked 0.01 %, relative spread above one 1.4 %, redelivery 0.5 %, cancels 0.02 %, out of session 0.1 %,
    bad check digit 0.01 %, expired 0.01 %, fat finger 0.005 %.
    """

    no_bid: float = 0.09
    """Share of quotes; liquid contracts have a third of it."""
    no_ask: float = 0.03
    empty_book: float = 0.003
    locked: float = 0.0001
    wide_spread: float = 0.014
    crossed: float = 0.0005
    bad_check_digit: float = 0.0001
    swapped_right: float = 0.00002
    no_symbol: float = 0.00002
    expired: float = 0.0001
    negative_price: float = 0.00005
    negative_size: float = 0.00005
    fat_finger: float = 0.00005
    out_of_session: float = 0.001
    clock_skew: float = 0.00005
    zero_trade: float = 0.0001
    cancelled: float = 0.0002
    bad_condition: float = 0.001
    outside_quote: float = 0.0001
    redelivered: float = 0.005
    extra_column_files: int = 1
    truncated_files: int = 1
    redelivered_files: int = 1


REALISTIC = FaultRates()

HOSTILE = replace(
    FaultRates(**{name: 10 * value for name, value in vars(REALISTIC).items()}),
    no_bid=0.25,
    no_ask=0.17,
    empty_book=0.03,
    wide_spread=0.10,
)
"""Ten times realistic; what is frequent already goes to the upper end of what real sets show."""

RATES: dict[Profile, FaultRates] = {"realistic": REALISTIC, "hostile": HOSTILE}
