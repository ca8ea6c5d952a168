"""What bronze promises: ticks as received, typed, in the canonical schema of every feed.

Belongs here: the canonical tick, for options and for their underlyings. Does not: any judgement of a value;
bronze refuses only what would make a row unfindable (no source, no place in its file, no trading date).
"""

from dataclasses import replace

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.layers import BRONZE

LINEAGE = (
    Column("source", "string", "Feed as named in the settings", required=True),
    Column("source_file", "string", "Path of the landed file, relative to the landing zone", required=True),
    Column("source_seq", "long", "Row or message number in the file, from 0", required=True, minimum=0),
    Column("ingest_id", "string", "First 16 hex digits of the sha256 of the file's bytes", required=True),
    Column("ingested_at", "timestamptz", "When the file was first seen in the landing zone", required=True),
)

EVENT_TYPES = ("trade", "quote", "trade_bar_1m", "quote_bar_1m", "chain_snapshot", "open_interest")

EVENT = (Column("event_type", "string", "What the row reports", required=True, allowed=EVENT_TYPES),)

CONTRACT_TERMS = (
    Column("raw_symbol", "string", "Contract id as the feed spells it"),
    Column("underlying", "string", "Symbol of the underlying"),
    Column("expiration", "date", "Expiration date as listed"),
    Column("strike_price", "double", "Strike", unit="currency"),
    Column("option_type", "string", "C for call, P for put"),
    Column("contract_multiplier", "double", "Units of the underlying per contract"),
)

VENUE = (
    Column("currency", "string", "ISO 4217 code of all prices of the row"),
    Column("venue", "string", "Venue or consolidated tape"),
)

TIME = (
    Column("timestamp", "timestamptz", "Exchange event time in UTC; a bar carries its start"),
    Column("ts_recv", "timestamptz", "When the feed handler received the event"),
    Column("trading_date", "date", "Trading date of the venue's session, not the date of the timestamp", required=True),
    Column("sequence", "long", "The venue's sequence number, where the feed carries one"),
    Column("ts_event_ns", "long", "Exchange event time to the nanosecond", unit="ns since 1970-01-01 UTC"),
)

TRADE = (
    Column("last_price", "double", "Price of the trade, or the bar's close", unit="currency"),
    Column("last_size", "double", "Size of the trade, or the bar's volume", unit="contracts or shares"),
)

QUOTE = (
    Column("bid_px_00", "double", "Best bid; null where nobody bids", unit="currency"),
    Column("bid_sz_00", "double", "Size at the best bid", unit="contracts or shares"),
    Column("ask_px_00", "double", "Best ask; null where nobody offers", unit="currency"),
    Column("ask_sz_00", "double", "Size at the best ask", unit="contracts or shares"),
)

OPTION_STATE = (
    Column("open_interest", "double", "Open contracts", unit="contracts"),
    Column("volume", "double", "Volume of the trading date so far", unit="contracts"),
    Column("mark_price", "double", "The venue's mark", unit="currency"),
    Column("mark_iv", "double", "The venue's implied volatility", unit="decimal a year"),
    Column("underlying_price", "double", "Price of the underlying as the feed carries it", unit="currency"),
)

CODES = (
    Column("condition", "string", "Trade or quote condition, the feed's raw code"),
    Column("flags", "long", "The feed's bit flags; 0 where it has none", required=True),
)

OPTION_SYMBOL = Column("symbol", "string", "OSI-21 where one exists, else the venue's own id (ISIN at KRX)")

OPTION_TICK = (
    *LINEAGE, *EVENT, OPTION_SYMBOL, *CONTRACT_TERMS, *VENUE, *TIME, *TRADE, *QUOTE, *OPTION_STATE, *CODES
)  # fmt: skip
"""The canonical option tick."""

UNDERLYING_TICK = (
    *LINEAGE, *EVENT, replace(OPTION_SYMBOL, meaning="Symbol of the underlying"),
    Column("raw_symbol", "string", "Symbol as the feed spells it"),
    *VENUE, *TIME, *TRADE, *QUOTE,
    Column("volume", "double", "Volume of the trading date so far", unit="shares"),
    *CODES,
)  # fmt: skip
"""The canonical tick of an underlying."""

BRONZE_OPTION_TICKS = Contract(
    table="bronze_option_ticks",
    layer=BRONZE,
    description="Option ticks of every feed as received, typed, nothing judged and nothing dropped.",
    grain="one row or message of one landed file",
    columns=OPTION_TICK,
    key=("source", "source_file", "source_seq"),
    partition=("source", "trading_date"),
)

BRONZE_UNDERLYING_TICKS = Contract(
    table="bronze_underlying_ticks",
    layer=BRONZE,
    description="Ticks of the underlyings as received, typed, nothing judged and nothing dropped.",
    grain="one row or message of one landed file",
    columns=UNDERLYING_TICK,
    key=("source", "source_file", "source_seq"),
    partition=("source", "trading_date"),
)
