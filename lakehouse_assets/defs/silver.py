"""SILVER: ticks that anyone may trust, and the quarantine with the rest.

One step makes all three tables from one pin of bronze, and they are judged together. The quarantine is published
first: killed in between, no silver row shows whose rejects are missing.
"""

from lakehouse_assets.contracts.silver import (
    SILVER_OPTION_TICKS,
    SILVER_QUARANTINED_TICKS,
    SILVER_UNDERLYING_TICKS,
)
from lakehouse_assets.lake.asset import lake_assets
from lakehouse_assets.lake.gates import conservation_gate, emptiness_gate
from lakehouse_assets.lake.query import Query, query
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import SILVER
from lakehouse_assets.settings import load_settings

CONSERVED = conservation_gate(
    SILVER_OPTION_TICKS,
    came_in=("bronze_option_ticks", "bronze_underlying_ticks"),
    came_out=("silver_option_ticks", "silver_underlying_ticks", "silver_quarantined_ticks"),
)


@lake_assets(
    {
        SILVER_QUARANTINED_TICKS: (),
        SILVER_OPTION_TICKS: (CONSERVED, emptiness_gate(SILVER_OPTION_TICKS)),
        SILVER_UNDERLYING_TICKS: (emptiness_gate(SILVER_UNDERLYING_TICKS),),
    },
    group_name=SILVER,
)
def silver_ticks(bronze_option_ticks: Table, bronze_underlying_ticks: Table) -> dict[str, Query]:
    """Every bronze row is in exactly one table: trusted, or quarantined with its reason codes."""
    thresholds = load_settings().silver.model_dump()
    both = (bronze_option_ticks, bronze_underlying_ticks)
    return {
        "silver_quarantined_ticks": query("silver_quarantined_ticks", *both, parameters=thresholds),
        "silver_option_ticks": query("silver_option_ticks", bronze_option_ticks, parameters=thresholds),
        "silver_underlying_ticks": query("silver_underlying_ticks", bronze_underlying_ticks, parameters=thresholds),
    }
