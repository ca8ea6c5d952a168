"""The entry: a table of contents of the lakehouse, in flow order.

Belongs here: which modules Dagster loads, jobs, schedules, resources, the executor. Does not: any asset.
"""

import dagster as dg

from lakehouse_assets.defs import (
    automation,
    bronze,
    evaluation,
    features,
    gold,
    models,
    networks,
    promotions,
    raw,
    silver,
    tuning,
)
from lakehouse_assets.resources import executor, resources

LAYERS = (raw, bronze, silver, gold, features, models, evaluation, promotions, networks, tuning)

defs = dg.Definitions(
    assets=[asset for layer in LAYERS for asset in dg.load_assets_from_modules([layer])],
    asset_checks=[check for layer in LAYERS for check in dg.load_asset_checks_from_modules([layer])],
    jobs=[automation.ml_pipeline_end_to_end, automation.ml_pipeline, automation.tune_model],
    schedules=[automation.daily_at_two_in_seoul],
    sensors=[automation.on_arrival],
    resources=resources(),
    executor=executor(),
)
