"""What the feature tables promise: features and labels, each with the time from which it is known.

Belongs here: the contracts of features and labels; the column roles say what a learner may read.
Does not: the SQL that computes them (`transforms/feature_*.sql`). Features never read labels.
"""

from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.contracts.gold import SOURCE, SYMBOL, TERMS, TRADING_DATE
from lakehouse_assets.layers import FEATURES


def _feature(name: str, meaning: str, source: str, unit: str | None = None, minimum: float | None = None) -> Column:
    return Column(name, "double", meaning, unit=unit, minimum=minimum, source=source, role="feature")


NO_VOLATILITY = (
    "NO_TERMS",
    "NO_FORWARD",
    "EXPIRES_WITHIN_A_DAY",
    "BELOW_INTRINSIC",
    "ABOVE_BOUND",
    "NO_VEGA",
    "NO_ROOT",
)
"""Strike, expiration or type unknown; no chain known; less than a day to go; a price that no volatility gives, too low
or too high; worth less than a millionth of the forward out of the money; more than 500 % a year."""

FEATURE_TIME = Column("feature_time", "timestamptz", "End of the minute that the features describe", required=True)

FEATURE_OPTION_MINUTES = Contract(
    table="feature_option_minutes",
    layer=FEATURES,
    description="Features per option contract and minute, point in time: a row uses nothing that arrived after it.",
    grain="one contract of one source and one minute with a two-sided quote",
    columns=(
        SOURCE, TRADING_DATE, SYMBOL, *TERMS, FEATURE_TIME,
        Column("available_at", "timestamptz", "Latest arrival among the inputs, at least feature_time", required=True),
        Column("underlying_price", "double", "Price of the underlying as known at available_at", unit="currency"),
        Column("forward_price", "double", "Forward of the latest chain known at available_at, at most ten minutes "
               "after its end, moved with the underlying since; null where there is none", unit="currency",
               source="forward x underlying / underlying[chain_time]"),
        Column("microprice", "double", "Size-weighted mid of the minute's last quote", unit="currency",
               source="(bid x ask size + ask x bid size) / (bid size + ask size)"),
        Column("implied_volatility_reason", "string", "Why there is no implied volatility; null where there is one",
               allowed=NO_VOLATILITY),
        Column("is_call", "int", "1 for a call, 0 for a put", role="feature", minimum=0, maximum=1,
               source="option_type = 'C'"),
        _feature("minutes_to_expiry", "Minutes to the close of the contract's last trading day: 15:20 in Seoul (KRX), "
                 "16:00 in New York (OSI symbols), else midnight UTC", "close of the last trading day - feature_time",
                 unit="minutes"),
        _feature("log_moneyness", "Logarithm of strike over the underlying's price", "ln(strike / underlying)"),
        _feature("log_forward_moneyness", "Logarithm of strike over the forward", "ln(strike / forward_price)"),
        _feature("mid_price", "Last mid of the minute", "(bid + ask) / 2", unit="currency", minimum=0),
        _feature("spread", "Spread of the minute's last quote", "ask - bid", unit="currency", minimum=0),
        _feature("relative_spread", "Spread of the minute's last quote over its mid", "(ask - bid) / mid", minimum=0),
        _feature("queue_imbalance", "Size at the bid less at the ask over both, of the minute's last quote",
                 "(bid size - ask size) / (bid size + ask size)", minimum=-1),
        _feature("microprice_offset", "Size-weighted mid less the mid, over the mid",
                 "((bid x ask size + ask x bid size) / (bid size + ask size) - mid) / mid"),
        _feature("order_flow_imbalance", "Net size added to the bid less the ask in the minute",
                 "Cont, Kukanov and Stoikov 2014, eq. 4", unit="contracts"),
        _feature("order_flow_imbalance_5m", "The same over the last five minutes",
                 "sum of order_flow_imbalance", unit="contracts"),
        _feature("signed_volume", "Buyer- less seller-initiated size in the minute", "Lee and Ready 1991",
                 unit="contracts"),
        _feature("signed_volume_5m", "The same over the last five minutes", "sum of signed_volume", unit="contracts"),
        _feature("mid_return_1m", "Change of the mid against the last one known a minute before, at most ten "
                 "minutes older", "mid / mid[t - 1 min] - 1"),
        _feature("mid_return_5m", "Change of the mid against the last one known five minutes before, at most ten "
                 "minutes older", "mid / mid[t - 5 min] - 1"),
        _feature("realised_volatility_15m", "Root of the summed squares of the one-minute log returns of the last "
                 "fifteen minutes, not annualised", "sqrt(sum(ln(mid / mid[t - 1 min])^2))", minimum=0),
        _feature("volume", "Size of all prints in the minute", "sum of sizes", unit="contracts", minimum=0),
        Column("trade_count", "long", "Prints in the minute", unit="rows", role="feature", minimum=0),
        Column("quote_updates", "long", "Quotes in the minute", unit="rows", role="feature", minimum=0),
        _feature("underlying_return_1m", "Change of the underlying's close over one minute, as known at available_at",
                 "close / close[t - 1 min] - 1"),
        _feature("underlying_return_5m", "Change of the underlying's close over five minutes, as known at "
                 "available_at", "close / close[t - 5 min] - 1"),
        _feature("underlying_return_15m", "Change of the underlying's close over fifteen minutes, as known at "
                 "available_at", "close / close[t - 15 min] - 1"),
        _feature("underlying_realised_volatility_30m", "Realised volatility of the underlying over its last thirty "
                 "minutes, where at least ten of them tell; its year has 252 sessions of 390 minutes",
                 "sqrt(sum(ln(close / close before)^2) / minutes x 98280)", unit="decimal a year", minimum=0),
        _feature("implied_volatility", "Volatility at which the mid is the value of a European option on the forward, "
                 "from the side out of the money; its year has 365 days. An approximation where exercise is American",
                 "Black 1976; Jaeckel 2015", unit="decimal a year", minimum=0),
        _feature("delta", "Change of the value a unit of the forward", "N(d1), less 1 for a put; Black 1976"),
        _feature("gamma", "Change of delta a unit of the forward", "n(d1) / (forward x volatility x sqrt(years))",
                 unit="1 / currency", minimum=0),
        _feature("vega", "Change of the value a volatility point (0.01)", "forward x n(d1) x sqrt(years) / 100",
                 unit="currency a point", minimum=0),
        _feature("theta", "Change of the value a calendar day that passes, at a rate of zero",
                 "-forward x n(d1) x volatility / (2 x sqrt(years)) / 365", unit="currency a day"),
        _feature("implied_minus_realised", "Implied volatility less the underlying's realised; each on its own clock",
                 "implied_volatility - underlying_realised_volatility_30m", unit="decimal a year"),
        _feature("at_the_money_volatility", "Of the chain whose forward this is", "gold_option_chains",
                 unit="decimal a year", minimum=0),
        _feature("skew_25_delta", "Of the same chain: volatility of the 25-delta put less that of the call",
                 "gold_option_chains", unit="decimal a year"),
        _feature("put_call_volume_ratio", "Size printed in puts over that in calls of the underlying, of the trading "
                 "date so far as known at available_at; null where no call has traded",
                 "sum of put volume / sum of call volume", minimum=0),
        _feature("put_call_quote_ratio", "Quotes of puts over those of calls, likewise",
                 "sum of put quote_updates / call quote_updates", minimum=0),
    ),
    key=("source", "symbol", "feature_time"),
    sort=("source", "symbol", "feature_time"),
    rules=(
        Rule("known_after_the_minute", "available_at >= feature_time", "No feature is known before its minute ends"),
    ),
)  # fmt: skip

FEATURE_OPTION_LABELS = Contract(
    table="feature_option_labels",
    layer=FEATURES,
    description="The direction of each contract's mid after the horizon, with the span (t0, t1] that it looks at.",
    grain="one row of the features",
    columns=(
        SOURCE, TRADING_DATE, SYMBOL,
        Column("underlying", "string", "Symbol of the underlying, by which splits are grouped"),
        FEATURE_TIME,
        Column("t0", "timestamptz", "From when the features are known", required=True),
        Column("t1", "timestamptz", "t0 and the horizon: the label is known from then on", required=True),
        Column("mid_t0", "double", "Mid at t0", unit="currency", required=True, minimum=0),
        Column("mid_t1", "double", "Last mid known at t1; null past the end of the session", unit="currency",
               minimum=0),
        Column("is_up", "int", "1 where the mid rose, 0 where it fell, null where it did not move or nobody knows",
               role="label", minimum=0, maximum=1, source="mid_t1 > mid_t0"),
        Column("last_direction", "int", "1 or -1: the contract's last move of the mid up to t0, null where none; "
               "what the persistence baseline predicts", minimum=-1, maximum=1),
    ),
    key=("source", "symbol", "feature_time"),
    sort=("source", "symbol", "feature_time"),
    rules=(
        Rule("labels_look_ahead", "t1 > t0", "A label lies after its features"),
        Rule("labels_are_moves", "is_up IS NULL OR mid_t1 <> mid_t0", "A label is only of a mid that moved"),
    ),
)  # fmt: skip
