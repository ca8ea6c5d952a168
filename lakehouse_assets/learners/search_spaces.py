"""Where a better recipe is looked for.

Belongs here: the parameters that are searched, and how far. Does not: the search (tuning).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Range:
    """Where a parameter is looked for, both ends included; whole numbers where both ends are."""

    low: int | float
    high: int | float
    log: bool = False

    @property
    def distribution(self) -> "optuna.distributions.BaseDistribution":
        """In Optuna's words."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)

    def nearest(self, value: Any) -> Any:
        """The value, or the end that it lies beyond."""
        return min(max(value, self.low), self.high)


SPACES: Mapping[str, Mapping[str, Range]] = {
    "xgboost": {
        "max_depth": Range(2, 8),
        "learning_rate": Range(0.01, 0.3, log=True),
        "rounds": Range(50, 400, log=True),
        "min_child_weight": Range(5.0, 500.0, log=True),
        "subsample": Range(0.5, 1.0),
        "colsample_bytree": Range(0.4, 1.0),
    },
    "lightgbm": {
        "num_leaves": Range(4, 127, log=True),
        "learning_rate": Range(0.01, 0.3, log=True),
        "rounds": Range(50, 400, log=True),
        "min_data_in_leaf": Range(20, 2_000, log=True),
        "bagging_fraction": Range(0.5, 1.0),
        "feature_fraction": Range(0.4, 1.0),
    },
    "random_forest": {
        "max_depth": Range(4, 14),
        "min_samples_leaf": Range(10, 1_000, log=True),
        "tree_share": Range(0.05, 0.6),
    },
}
"""What is looked for, by algorithm; seed, threads, budget and bins are kept from the plan."""
