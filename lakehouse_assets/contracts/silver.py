"""What silver promises: ticks that anyone may trust, and the quarantine with everything else.

Belongs here: the reason codes and the contracts of silver and quarantine. Does not: the SQL that decides
(`transforms/silver_*.sql`) nor the thresholds (`lakehouse.toml`).
"""

from dataclasses import dataclass, replace
from typing import Literal

from lakehouse_assets.contracts.bronze import OPTION_TICK, UNDERLYING_TICK
from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.layers import SILVER

RULE_VERSION = 1
"""Raised whenever a cleaning rule changes its meaning; carried by every quarantined row."""


@dataclass(frozen=True)
class ReasonCode:
    """Why a tick is quarantined (`hard`) or flagged (`soft`), with the source of the rule."""

    code: str
    kind: Literal["hard", "soft"]
    meaning: str


REASON_CODES = (
    ReasonCode("PARSE_ERROR", "hard", "The row has no time stamp, so it cannot be placed"),
    ReasonCode("SCHEMA_DRIFT", "hard", "The event type, or the option type, is outside the canonical list"),
    ReasonCode("BAD_SYMBOL", "hard", "No symbol; or an option's is not what its venue uses: OSI-21 on OPRA and XNYS, "
               "an ISIN with its check digit on KRX, elsewhere the venue's own id, but what has the shape of an "
               "OSI-21 or an ISIN must be one; or expiration, strike or option type contradict the symbol"),
    ReasonCode("EXPIRED", "hard", "The trading date is after the contract's last trading day "
               "(before a Saturday expiration: the Friday)"),
    ReasonCode("DUP_SOURCE_KEY", "hard", "Source, symbol, event type and the venue's sequence number were seen "
               "before; the first by file and row stays"),
    ReasonCode("NEG_PRICE", "hard", "A price is below zero"),
    ReasonCode("NEG_SIZE", "hard", "A size is below zero"),
    ReasonCode("CROSSED", "hard", "The bid is above the ask"),
    ReasonCode("ZERO_TRADE", "hard", "A trade without price, or of price or size zero"),
    ReasonCode("CANCELLED", "hard", "A print that the venue cancelled, or its cancel message (OPRA A, C, E, G)"),
    ReasonCode("OUT_OF_SESSION", "soft", "Outside the venue's hours, the closing instant being inside "
               "(KRX and US options; early closes are not known here)"),
    ReasonCode("LATE_ARRIVAL", "soft", "Received more than late_arrival_ms after the event"),
    ReasonCode("CLOCK_SKEW", "soft", "Received more than clock_skew_ms before the event"),
    ReasonCode("SAME_TS", "soft", "The contract's tick before it has the same time stamp"),
    ReasonCode("DUP_CONTENT", "soft", "Same event, time, prices and sizes as the contract's tick before it; "
               "legitimate, never a reason to drop (46.7 % of one real file)"),
    ReasonCode("EMPTY_BOOK", "soft", "A quote with neither bid nor ask"),
    ReasonCode("ONE_SIDED", "soft", "A quote with one side only: no mid"),
    ReasonCode("ZERO_BID", "soft", "A quote whose bid is zero: no mid"),
    ReasonCode("LOCKED", "soft", "Bid and ask are equal"),
    ReasonCode("WIDE_SPREAD", "soft", "Relative spread above max_relative_spread, or spread above "
               "wide_spread_multiple times the mean of the contract's last mid_outlier_window quotes"),
    ReasonCode("MID_OUTLIER", "soft", "Mid further than mid_outlier_deviations mean absolute deviations from the "
               "mean of the contract's last mid_outlier_window mids, and than mid_outlier_share of it and the usual "
               "spread; trailing, so that nothing looks ahead"),
    ReasonCode("BAD_CONDITION", "soft", "A print that does not mark the price: late, out of sequence, cross or "
               "multi-leg (OPRA codes)"),
    ReasonCode("OUTSIDE_QUOTE", "soft", "A print outside the contract's prevailing quote"),
)  # fmt: skip
"""In the order in which codes are joined in `reason_codes` and `soft_codes`.

OFF_TICK and ARB_BOUND need tick tables and rates that no feed carries, STALE_QUOTE a heartbeat of the venue,
IV_FAIL the implied volatility: none is judged here.
"""

HARD_CODES = tuple(reason.code for reason in REASON_CODES if reason.kind == "hard")
SOFT_CODES = tuple(reason.code for reason in REASON_CODES if reason.kind == "soft")

INSTRUMENT_TYPES = ("option", "underlying")

MID_PRICE = Column(
    "mid_price", "double", "Mean of bid and ask; null unless both are there, uncrossed and positive",
    unit="currency", minimum=0, source="(bid_px_00 + ask_px_00) / 2",
)  # fmt: skip

AVAILABLE_AT = Column(
    "available_at", "timestamptz", "When the tick itself could be known: received, or happened where no receipt is on "
    "record; a minute bar 60 s after its start. What ticks before it say of it (prevailing_mid, soft_codes) is known "
    "when those have arrived too; the bars' available_at waits for them",
)  # fmt: skip

PREVAILING_MID = Column(
    "prevailing_mid", "double", "Of a print: mid of the latest quote before it; null where that quote has none",
    unit="currency", minimum=0,
)  # fmt: skip

VERDICT = (
    MID_PRICE,
    replace(AVAILABLE_AT, required=True),
    PREVAILING_MID,
    Column("soft_codes", "string", "Reason codes that flag the row, joined by commas; null where none"),
)

WITH_TIME = Rule("every_tick_has_a_time", "timestamp IS NOT NULL", "A tick without time is quarantined")
UNCROSSED = Rule("mids_are_of_uncrossed_quotes", "mid_price IS NULL OR bid_px_00 <= ask_px_00",
                 "A mid lies between a bid and an ask that are in order")  # fmt: skip

SILVER_OPTION_TICKS = Contract(
    table="silver_option_ticks",
    layer=SILVER,
    description="Option ticks that anyone may trust: typed, in UTC, each source key once, doubts flagged.",
    grain="one row or message of one landed file that no hard rule refuses",
    columns=(*OPTION_TICK, *VERDICT),
    key=("source", "source_file", "source_seq"),
    partition=("source", "trading_date"),
    rules=(WITH_TIME, UNCROSSED),
)

SILVER_UNDERLYING_TICKS = Contract(
    table="silver_underlying_ticks",
    layer=SILVER,
    description="Ticks of the underlyings that anyone may trust, doubts flagged.",
    grain="one row or message of one landed file that no hard rule refuses",
    columns=(*UNDERLYING_TICK, *VERDICT),
    key=("source", "source_file", "source_seq"),
    partition=("source", "trading_date"),
    rules=(WITH_TIME, UNCROSSED),
)

SILVER_QUARANTINED_TICKS = Contract(
    table="silver_quarantined_ticks",
    layer=SILVER,
    description="Every tick, of options and underlyings, that a hard rule refuses, with all its columns and why.",
    grain="one refused row or message of one landed file",
    columns=(
        Column("instrument_type", "string", "Which bronze table the row comes from", required=True,
               allowed=INSTRUMENT_TYPES),
        *OPTION_TICK,
        Column("reason_codes", "string", "Reason codes that refuse the row, joined by commas", required=True),
        Column("rule_version", "int", "Version of the cleaning rules that refused it", required=True, minimum=1),
    ),
    key=("instrument_type", "source", "source_file", "source_seq"),
    partition=("source", "trading_date"),
)  # fmt: skip
