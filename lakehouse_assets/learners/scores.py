"""The one shape of scores: fields that are intervals or plain numbers.

Belongs here: how scores are written flat and read back. Does not: which scores there are (evaluation).
"""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Self

from lakehouse_assets.learners.bootstrap import Interval


@dataclass(frozen=True)
class Scored:
    """What the scores of every kind of model can do; the fields are theirs."""

    def as_metrics(self) -> dict[str, float]:
        """Flat names and numbers: a score under its own name, its interval as `_low` and `_high`; NaN left out."""
        flat: dict[str, float] = {}
        for name, value in asdict(self).items():
            if isinstance(value, dict):
                flat |= {name: value["value"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
            else:
                flat[name] = float(value)
        return {name: value for name, value in flat.items() if isfinite(value)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """The scores out of `dataclasses.asdict`."""
        known: dict[str, Any] = {
            name: Interval(**value) if isinstance(value, dict) else value for name, value in saved.items()
        }
        return cls(**known)
