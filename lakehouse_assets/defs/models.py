"""Models of ticks: three learners on the same features, labels and splits, each a version of `TickPricePredictor`.

Belongs here: the assets. Does not: what they share (`tick_model`), how a model learns (learners), which becomes the
champion (`evaluation`).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from lakehouse_assets.defs.model_configs import LightGBMConfig, RandomForestConfig, XGBoostConfig
from lakehouse_assets.defs.tick_model import tick_model, trained
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.lake.table import Table
from lakehouse_assets.services.mlflow import MlflowResource


@tick_model("model_random_forest", "sklearn")
def model_random_forest(
    context: dg.AssetExecutionContext,
    config: RandomForestConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    feature_option_minutes: Table,
    feature_option_labels: Table,
) -> Iterator[Any]:
    """Many trees, each on other rows: whether an option's mid rises; on at most `sample_rows` rows."""
    yield from trained(context, config.recipe(), lake, mlflow, feature_option_minutes, feature_option_labels)


@tick_model("model_xgboost", "xgboost")
def model_xgboost(
    context: dg.AssetExecutionContext,
    config: XGBoostConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    feature_option_minutes: Table,
    feature_option_labels: Table,
) -> Iterator[Any]:
    """Gradient-boosted trees by XGBoost: whether an option's mid rises; on all rows, batch by batch."""
    yield from trained(context, config.recipe(), lake, mlflow, feature_option_minutes, feature_option_labels)


@tick_model("model_lightgbm", "lightgbm")
def model_lightgbm(
    context: dg.AssetExecutionContext,
    config: LightGBMConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    feature_option_minutes: Table,
    feature_option_labels: Table,
) -> Iterator[Any]:
    """Gradient-boosted trees by LightGBM: whether an option's mid rises; on all rows, batch by batch."""
    yield from trained(context, config.recipe(), lake, mlflow, feature_option_minutes, feature_option_labels)
