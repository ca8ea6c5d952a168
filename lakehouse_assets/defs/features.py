"""FEATURES: what was known at each minute, and what came after it.

Features and labels never meet in one table: a learner joins them, and nothing else may.
"""

from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.lake.asset import lake_asset
from lakehouse_assets.lake.query import Query, query
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import FEATURES
from lakehouse_assets.settings import load_settings


@lake_asset(FEATURE_OPTION_MINUTES, group_name=FEATURES)
def feature_option_minutes(
    gold_option_minute_bars: Table, gold_underlying_minute_bars: Table, gold_option_chains: Table
) -> Query:
    """One row a contract and minute; every join looks backward, on the time of arrival."""
    return query("feature_option_minutes", gold_option_minute_bars, gold_underlying_minute_bars, gold_option_chains)


@lake_asset(FEATURE_OPTION_LABELS, group_name=FEATURES)
def feature_option_labels(feature_option_minutes: Table) -> Query:
    """The direction of the mid after the horizon, with the span (t0, t1] that it looks at."""
    return query("feature_option_labels", feature_option_minutes, parameters=load_settings().labels.model_dump())
