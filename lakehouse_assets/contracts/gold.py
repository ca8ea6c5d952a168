"""What gold promises: minute bars, daily summaries and put/call ratios that people query directly.

Belongs here: the contracts of gold. Does not: the SQL that computes them (`transforms/gold_*.sql`).
Every table is of one trading date a partition. Prices and values are summed on a grid of 1e-6 currency units.
"""

from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.layers import GOLD

SOURCE = Column("source", "string", "Feed as named in the settings", required=True)
TRADING_DATE = Column("trading_date", "date", "Trading date of the venue's session", required=True)
SYMBOL = Column("symbol", "string", "OSI-21 where one exists, else the venue's own id (ISIN at KRX)", required=True)
UNDERLYING_SYMBOL = Column("symbol", "string", "Symbol of the underlying", required=True)
CURRENCY = Column("currency", "string", "ISO 4217 code of all prices of the row")

TERMS = (
    Column("underlying", "string", "Symbol of the underlying"),
    Column("expiration", "date", "Expiration date as listed"),
    Column("strike_price", "double", "Strike", unit="currency"),
    Column("option_type", "string", "C for call, P for put"),
    Column("contract_multiplier", "double", "Units of the underlying per contract"),
)

BAR_TIME = (
    Column("bar_start", "timestamptz", "Start of the minute [bar_start, bar_start + 60 s) of event time",
           required=True),
    Column("available_at", "timestamptz", "Latest arrival among the bar's ticks, at least the minute's end",
           required=True),
)  # fmt: skip

BAR_TRADES = (
    Column("open_price", "double", "First price-marking print of the minute", unit="currency", minimum=0),
    Column("high_price", "double", "Highest price-marking print", unit="currency", minimum=0),
    Column("low_price", "double", "Lowest price-marking print", unit="currency", minimum=0),
    Column("close_price", "double", "Last price-marking print", unit="currency", minimum=0),
    Column("volume", "double", "Size of all prints; 0 where none", unit="contracts or shares", required=True,
           minimum=0),
    Column("trade_count", "long", "Prints; a delivered trade bar counts as one", unit="rows", required=True, minimum=0),
    Column("vwap_price", "double", "Volume-weighted average price of all prints", unit="currency", minimum=0,
           source="sum(price x size) / sum(size)"),
)  # fmt: skip

BAR_QUOTES = (
    Column("quote_updates", "long", "Quotes of the minute", unit="rows", required=True, minimum=0),
    Column("bid_px_00", "double", "Best bid of the minute's last quote", unit="currency"),
    Column("bid_sz_00", "double", "Size at that bid", unit="contracts or shares"),
    Column("ask_px_00", "double", "Best ask of the minute's last quote", unit="currency"),
    Column("ask_sz_00", "double", "Size at that ask", unit="contracts or shares"),
    Column("mid_price", "double", "Last mid of the minute that is no outlier", unit="currency", minimum=0),
    Column("average_spread", "double", "Mean ask minus bid over the two-sided quotes", unit="currency", minimum=0),
)  # fmt: skip

BAR_FLOW = (
    Column("order_flow_imbalance", "double", "Net size added to the bid less the ask by the minute's quotes, each "
           "against the quote before it", unit="contracts", source="Cont, Kukanov and Stoikov 2014, eq. 4"),
    Column("signed_volume", "double", "Size of buyer-initiated less seller-initiated prints: above or below the "
           "prevailing mid, else against the contract's print before it; 0 where neither tells",
           unit="contracts", required=True, source="Lee and Ready 1991"),
    Column("underlying_price", "double", "Price of the underlying that the feed last carried in the minute",
           unit="currency"),
)  # fmt: skip

ORDERED = Rule(
    "prices_are_in_order",
    "low_price <= open_price AND low_price <= close_price AND open_price <= high_price AND close_price <= high_price",
    "Low is lowest and high is highest",
)
KNOWN_LATER = Rule("known_after_the_minute", "available_at > bar_start", "A bar is never known at its start")

GOLD_OPTION_MINUTE_BARS = Contract(
    table="gold_option_minute_bars",
    layer=GOLD,
    description="One-minute bars of trades and quotes per option contract, from ticks and from delivered bars alike.",
    grain="one contract of one source and one minute in which a tick happened",
    columns=(SOURCE, TRADING_DATE, SYMBOL, *TERMS, CURRENCY, *BAR_TIME, *BAR_TRADES, *BAR_QUOTES, *BAR_FLOW),
    key=("source", "symbol", "bar_start"),
    sort=("source", "symbol", "bar_start"),
    rules=(ORDERED, KNOWN_LATER),
)

GOLD_UNDERLYING_MINUTE_BARS = Contract(
    table="gold_underlying_minute_bars",
    layer=GOLD,
    description="One-minute bars of trades and quotes per underlying.",
    grain="one underlying of one source and one minute in which a tick happened",
    columns=(SOURCE, TRADING_DATE, UNDERLYING_SYMBOL, CURRENCY, *BAR_TIME, *BAR_TRADES, *BAR_QUOTES),
    key=("source", "symbol", "bar_start"),
    sort=("source", "symbol", "bar_start"),
    rules=(ORDERED, KNOWN_LATER),
)

GOLD_OPTION_DAILY_SUMMARY = Contract(
    table="gold_option_daily_summary",
    layer=GOLD,
    description="One line a contract and trading date: the average price that people ask for, and what traded.",
    grain="one contract of one source",
    columns=(
        SOURCE, TRADING_DATE, SYMBOL, *TERMS, CURRENCY,
        Column("average_price", "double", "Mean last_price over the rows that have one", unit="currency",
               source="AVG(last_price) by symbol"),
        Column("tick_count", "long", "Rows of silver", unit="rows", required=True, minimum=1),
        Column("trade_count", "long", "Prints", unit="rows", required=True, minimum=0),
        Column("quote_updates", "long", "Quotes", unit="rows", required=True, minimum=0),
        Column("volume", "double", "Size of all prints; 0 where none", unit="contracts", required=True, minimum=0),
        Column("open_price", "double", "First price-marking print", unit="currency", minimum=0),
        Column("high_price", "double", "Highest price-marking print", unit="currency", minimum=0),
        Column("low_price", "double", "Lowest price-marking print", unit="currency", minimum=0),
        Column("close_price", "double", "Last price-marking print", unit="currency", minimum=0),
        Column("open_interest", "double", "Open contracts as last reported; null where nobody did", unit="contracts",
               minimum=0),
        Column("first_tick_at", "timestamptz", "Event time of the first tick", required=True),
        Column("last_tick_at", "timestamptz", "Event time of the last tick", required=True),
    ),
    key=("source", "symbol"),
    sort=("source", "symbol"),
    rules=(ORDERED, Rule("first_before_last", "first_tick_at <= last_tick_at", "Time runs forward")),
)  # fmt: skip

GOLD_PUT_CALL_RATIOS = Contract(
    table="gold_put_call_ratios",
    layer=GOLD,
    description="Puts against calls per underlying and expiration: by volume, by open interest, by quotes.",
    grain="one underlying of one source and one expiration, of the contracts whose terms are known",
    columns=(
        SOURCE, TRADING_DATE,
        Column("underlying", "string", "Symbol of the underlying", required=True),
        Column("expiration", "date", "Expiration date as listed", required=True),
        Column("put_volume", "double", "Volume of the puts", unit="contracts", required=True, minimum=0),
        Column("call_volume", "double", "Volume of the calls", unit="contracts", required=True, minimum=0),
        Column("put_call_volume_ratio", "double", "Put volume over call volume; null where no call traded", minimum=0),
        Column("put_open_interest", "double", "Open interest of the puts; null where none is reported",
               unit="contracts", minimum=0),
        Column("call_open_interest", "double", "Open interest of the calls; null where none is reported",
               unit="contracts", minimum=0),
        Column("put_call_open_interest_ratio", "double", "Put over call open interest; null where no call has any",
               minimum=0),
        Column("put_quote_updates", "long", "Quotes of the puts", unit="rows", required=True, minimum=0),
        Column("call_quote_updates", "long", "Quotes of the calls", unit="rows", required=True, minimum=0),
        Column("put_call_quote_ratio", "double", "Put over call quotes; null where no call was quoted", minimum=0),
    ),
    key=("source", "underlying", "expiration"),
    sort=("source", "underlying", "expiration"),
)  # fmt: skip
