"""BRONZE: ticks as received, in the partitions that the settings name."""

from dataclasses import replace

from lakehouse_assets.contracts import bronze
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.asset import lake_asset
from lakehouse_assets.lake.gates import landed_gate
from lakehouse_assets.lake.ingest import LandedTicks, landed_ticks
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import BRONZE
from lakehouse_assets.settings import load_settings


def partitioned(contract: Contract) -> Contract:
    """The contract laid out by `bronze.partition_cols`, as far as the table has these columns."""
    wanted = load_settings().bronze.partition_cols
    return replace(contract, partition=tuple(name for name in wanted if name in contract.by_name))


BRONZE_OPTION_TICKS = partitioned(bronze.BRONZE_OPTION_TICKS)
BRONZE_UNDERLYING_TICKS = partitioned(bronze.BRONZE_UNDERLYING_TICKS)


@lake_asset(
    BRONZE_OPTION_TICKS,
    group_name=BRONZE,
    gates=[landed_gate(BRONZE_OPTION_TICKS, "raw_option_tick_files", "option_rows")],
)
def bronze_option_ticks(raw_option_tick_files: Table) -> LandedTicks:
    """Option ticks of every accepted file of the trading date, each row once."""
    return landed_ticks("option", raw_option_tick_files)


@lake_asset(
    BRONZE_UNDERLYING_TICKS,
    group_name=BRONZE,
    gates=[landed_gate(BRONZE_UNDERLYING_TICKS, "raw_option_tick_files", "underlying_rows")],
)
def bronze_underlying_ticks(raw_option_tick_files: Table) -> LandedTicks:
    """Ticks of the underlyings of every accepted file of the trading date, each row once."""
    return landed_ticks("underlying", raw_option_tick_files)
