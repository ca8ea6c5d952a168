"""What silver promises: ticks that anyone may trust, and the quarantine with everything else.

Belongs here: the reason codes and the contracts of silver and quarantine. Does not: the SQL that decides
(`transforms/silver_*.sql`) nor the thresholds (`lakehouse.toml`).
"""

from dataclasses import dataclass, replace
from typing import Literal

from lakehouse_assets.contracts.bronze import OPTION_TICK, UNDERLYING_TICK
from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.layers import SILVER

RULE_VERSION = 1
"""Raised whenever a cleaning rule changes its meaning; carried by every quarantined row."""


@dataclass(frozen=True)
class ReasonCode:
    """Why a tick is quarantined (`hard`) or flagged (`soft`), with the source of the rule."""

    code: str
    kind: Literal["hard", "soft"]
    meaning: str
