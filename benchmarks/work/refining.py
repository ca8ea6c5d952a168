"""The tables from bronze to features in the order of the assets, and what each reads; for both sides."""

from collections.abc import Mapping
from typing import Any

from lakehouse_assets.settings import load_settings

BRONZE = ("bronze_option_ticks", "bronze_underlying_ticks")

STEPS: tuple[Mapping[str, tuple[str, ...]], ...] = (
    {
        "silver_quarantined_ticks": BRONZE,
        "silver_option_ticks": ("bronze_option_ticks",),
        "silver_underlying_ticks": ("bronze_underlying_ticks",),
    },
    {"gold_option_minute_bars": ("silver_option_ticks",)},
    {"gold_underlying_minute_bars": ("silver_underlying_ticks",)},
    {"gold_option_daily_summary": ("silver_option_ticks",)},
    {"gold_put_call_ratios": ("gold_option_daily_summary",)},
    {"gold_option_chains": ("gold_option_minute_bars", "gold_underlying_minute_bars")},
    {"feature_option_minutes": ("gold_option_minute_bars", "gold_underlying_minute_bars", "gold_option_chains")},
    {"feature_option_labels": ("feature_option_minutes",)},
)
"""Tables of one step are staged from one pin of their inputs and judged together."""


def parameters() -> dict[str, Any]:
    """The thresholds that the texts name."""
    settings = load_settings()
    return settings.silver.model_dump() | settings.labels.model_dump()
