"""RAW: the landing zone's manifest.

Belongs here: the asset and its check. Does not: scanning (`sources/landing`).
"""

from datetime import UTC, datetime

import dagster as dg

from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.asset import LAKE, lake_asset
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.gates.readable import readable_gate
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.table import pin
from lakehouse_assets.layers import RAW


@lake_asset(
    RAW_OPTION_TICK_FILES, group_name=RAW, gates=[readable_gate(RAW_OPTION_TICK_FILES)], pool="raw_option_tick_files"
)
def raw_option_tick_files(context: dg.AssetExecutionContext) -> Rows:
    """Every file of the landing zone, read once through before any of it is taken in."""
    from lakehouse_assets.sources.landing import scan

    lake: Lake = getattr(context.resources, LAKE).lake
    known = pin(lake, RAW_OPTION_TICK_FILES).batches().read_all()
    return Rows(scan(lake.settings.raw, lake.settings, known, datetime.now(UTC)))
