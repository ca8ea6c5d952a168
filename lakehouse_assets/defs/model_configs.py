"""What may be chosen of a model in the launchpad; the defaults are those of the settings.

Belongs here: one configuration a learner. Does not: what a knob does (`learners`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from lakehouse_assets.settings import MnistSettings, ModelSettings, load_settings

if TYPE_CHECKING:
    from lakehouse_assets.learners.learner import Recipe
    from lakehouse_assets.learners.lightgbm_trees import LightGBMRecipe
    from lakehouse_assets.learners.random_forest import RandomForestRecipe
    from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe

_MODEL: ModelSettings = load_settings().model
_MNIST: MnistSettings = load_settings().mnist


class TrainingConfig(dg.Config):
    """What every learner has: the thread count is part of the model, and a late fit is given up."""

    seed: int = Field(_MODEL.seed, ge=0)
    threads: int = Field(_MODEL.threads, ge=1)
    time_budget_seconds: float = Field(_MODEL.time_budget_seconds, gt=0)


class XGBoostConfig(TrainingConfig):
    """Boosted trees by XGBoost."""

    max_depth: int = Field(_MODEL.max_depth, ge=1, le=16)
    learning_rate: float = Field(_MODEL.learning_rate, gt=0, le=1)
    rounds: int = Field(_MODEL.rounds, ge=1)
    min_child_weight: float = Field(_MODEL.xgboost.min_child_weight, ge=0)
    subsample: float = Field(_MODEL.xgboost.subsample, gt=0, le=1)
    colsample_bytree: float = Field(_MODEL.xgboost.colsample_bytree, gt=0, le=1)
    external_memory: bool = Field(
        _MODEL.xgboost.external_memory, description="Keep the bins on disk: slower, and half the memory."
    )

    def recipe(self) -> "XGBoostRecipe":
        """The recipe that these choices make."""
        from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe

        return XGBoostRecipe(**self.model_dump())


class LightGBMConfig(TrainingConfig):
    """Boosted trees by LightGBM, which grows leaf by leaf: leaves bound a tree, not its depth."""

    num_leaves: int = Field(_MODEL.lightgbm.num_leaves, ge=2)
    learning_rate: float = Field(_MODEL.learning_rate, gt=0, le=1)
    rounds: int = Field(_MODEL.rounds, ge=1)
    min_data_in_leaf: int = Field(_MODEL.lightgbm.min_data_in_leaf, ge=1)
    bagging_fraction: float = Field(_MODEL.lightgbm.bagging_fraction, gt=0, le=1)
    feature_fraction: float = Field(_MODEL.lightgbm.feature_fraction, gt=0, le=1)

    def recipe(self) -> "LightGBMRecipe":
        """The recipe that these choices make."""
        from lakehouse_assets.learners.lightgbm_trees import LightGBMRecipe

        return LightGBMRecipe(**self.model_dump())


class RandomForestConfig(TrainingConfig):
    """A random forest by scikit-learn, grown on a sample of the rows."""

    trees: int = Field(_MODEL.random_forest.trees, ge=1)
    max_depth: int = Field(_MODEL.random_forest.max_depth, ge=1, le=32)
    sample_rows: int = Field(_MODEL.random_forest.sample_rows, ge=1_000)
    min_samples_leaf: int = Field(_MODEL.random_forest.min_samples_leaf, ge=1)
    tree_share: float = Field(_MODEL.random_forest.tree_share, gt=0, le=1)

    def recipe(self) -> "RandomForestRecipe":
        """The recipe that these choices make."""
        from lakehouse_assets.learners.random_forest import RandomForestRecipe

        return RandomForestRecipe(**self.model_dump())


class NetworkConfig(dg.Config):
    """What every network has; the thread count is part of the model, and a late fit is given up."""

    seed: int = Field(_MNIST.seed, ge=0)
    threads: int = Field(_MNIST.threads, ge=1)
    time_budget_seconds: float = Field(_MNIST.time_budget_seconds, gt=0)


class MlpConfig(NetworkConfig):
    """A network of dense layers."""

    epochs: int = Field(_MNIST.mlp_epochs, ge=1)


class CnnConfig(NetworkConfig):
    """A network of convolutions."""

    epochs: int = Field(_MNIST.cnn_epochs, ge=1)


CONFIGS: Mapping[str, type[XGBoostConfig | LightGBMConfig | RandomForestConfig]] = {
    "xgboost": XGBoostConfig,
    "lightgbm": LightGBMConfig,
    "random_forest": RandomForestConfig,
}
"""Of the learners of ticks, by the name of the algorithm."""


def default_recipe(algorithm: str) -> "Recipe":
    """The recipe of an algorithm as the settings have it."""
    made: Any = CONFIGS[algorithm]
    recipe: Recipe = made().recipe()
    return recipe
