"""GOLD: minute bars, chains, daily summaries and ratios that people query."""

from lakehouse_assets.contracts.gold import (
    GOLD_OPTION_CHAINS,
    GOLD_OPTION_DAILY_SUMMARY,
    GOLD_OPTION_MINUTE_BARS,
    GOLD_PUT_CALL_RATIOS,
    GOLD_UNDERLYING_MINUTE_BARS,
)
from lakehouse_assets.lake.asset import lake_asset
from lakehouse_assets.lake.query import Query, query
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import GOLD


@lake_asset(GOLD_OPTION_MINUTE_BARS, group_name=GOLD)
def gold_option_minute_bars(silver_option_ticks: Table) -> Query:
    """Trades and quotes of each contract and minute, from ticks and from delivered bars alike."""
    return query("gold_option_minute_bars", silver_option_ticks)


@lake_asset(GOLD_UNDERLYING_MINUTE_BARS, group_name=GOLD)
def gold_underlying_minute_bars(silver_underlying_ticks: Table) -> Query:
    """Trades and quotes of each underlying and minute."""
    return query("gold_underlying_minute_bars", silver_underlying_ticks)


@lake_asset(GOLD_OPTION_CHAINS, group_name=GOLD)
def gold_option_chains(gold_option_minute_bars: Table, gold_underlying_minute_bars: Table) -> Query:
    """The forward that parity implies, the volatility at the money and the skew, every five minutes."""
    return query("gold_option_chains", gold_option_minute_bars, gold_underlying_minute_bars)


@lake_asset(GOLD_OPTION_DAILY_SUMMARY, group_name=GOLD)
def gold_option_daily_summary(silver_option_ticks: Table) -> Query:
    """One line a contract: the average price that people ask for, and what traded."""
    return query("gold_option_daily_summary", silver_option_ticks)


@lake_asset(GOLD_PUT_CALL_RATIOS, group_name=GOLD)
def gold_put_call_ratios(gold_option_daily_summary: Table) -> Query:
    """Puts against calls per underlying and expiration."""
    return query("gold_put_call_ratios", gold_option_daily_summary)
