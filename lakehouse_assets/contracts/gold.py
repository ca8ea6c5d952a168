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
    Column("available_at", "timestamptz", "Latest arrival among the instrument's ticks up to the minute's end, at "
           "least that end",
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


def _volatility(name: str, meaning: str) -> Column:
    return Column(name, "double", f"{meaning}; null where it lies between no two quotes", unit="decimal a year",
                  minimum=0, source="Black 1976, between the neighbours in a straight line")  # fmt: skip


def _count(name: str, meaning: str) -> Column:
    return Column(name, "long", meaning, unit="contracts", required=True, minimum=0)


GOLD_OPTION_CHAINS = Contract(
    table="gold_option_chains",
    layer=GOLD,
    description="What the quotes of a chain say together: its forward, its volatility at the money, and its skew.",
    grain="one underlying of one source, one expiration and five minutes in which a contract was quoted",
    columns=(
        SOURCE, TRADING_DATE,
        Column("underlying", "string", "Symbol of the underlying", required=True),
        Column("expiration", "date", "Expiration date as listed", required=True),
        CURRENCY,
        Column("chain_time", "timestamptz", "End of the five minutes", required=True),
        Column("available_at", "timestamptz", "Latest arrival among the quotes and the underlying's minutes, at least "
               "chain_time", required=True),
        Column("minutes_to_expiry", "double", "From chain_time to the close of the last trading day", unit="minutes"),
        Column("underlying_price", "double", "Last close, or mid, of the underlying's minutes, at most ten minutes "
               "old; null where there is none", unit="currency", minimum=0),
        Column("forward_price", "double", "Forward that put-call parity implies, at chain_time; null where no strike "
               "has a call and a put quoted in the same minute", unit="currency", minimum=0,
               source="median of strike + call - put over the nearest strikes, at a rate of zero"),
        Column("forward_strikes", "long", "Strikes that the forward rests on, those nearest the money", unit="strikes",
               required=True, minimum=0, maximum=5),
        _volatility("at_the_money_volatility", "Implied volatility of a strike at the forward"),
        _volatility("put_25_delta_volatility", "Implied volatility of the put whose delta is -0.25"),
        _volatility("call_25_delta_volatility", "Implied volatility of the call whose delta is 0.25"),
        Column("skew_25_delta", "double", "Volatility of the 25-delta put less that of the call",
               unit="decimal a year", source="put_25_delta_volatility - call_25_delta_volatility"),
        _count("quotes", "Contracts quoted in the five minutes, each by its last quote"),
        _count("quotes_used", "Those out of the money that have an implied volatility"),
        _count("one_sided_quotes", "Left out: the bid or the ask is missing, or the bid is 0"),
        _count("crossed_quotes", "Left out: the bid is above the ask"),
        _count("outlier_quotes", "Left out: silver flags the mid as MID_OUTLIER"),
        _count("unpaired_quotes", "Left out: no strike of the chain has both sides, so there is no forward"),
        _count("in_the_money_quotes", "Left out: the other side of the strike, out of the money, tells more"),
        _count("expiring_quotes", "Left out: less than a day to go"),
        _count("no_vega_quotes", "Left out: worth less than a millionth of the forward"),
        _count("no_root_quotes", "Left out: no volatility up to 500 % a year gives the price"),
    ),
    key=("source", "underlying", "expiration", "chain_time"),
    sort=("source", "underlying", "expiration", "chain_time"),
    rules=(
        Rule("known_after_the_five_minutes", "available_at >= chain_time", "A chain is never known before its end"),
        Rule("every_quote_is_accounted_for",
             "quotes = quotes_used + one_sided_quotes + crossed_quotes + outlier_quotes + unpaired_quotes "
             "+ in_the_money_quotes + expiring_quotes + no_vega_quotes + no_root_quotes",
             "Quotes are used, or left out for one reason"),
    ),
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
