"""The entry: a table of contents of the lakehouse, in flow order.

Belongs here: which modules Dagster loads, jobs, schedules, resources, the executor. Does not: any asset.
"""

import dagster as dg

from lakehouse_assets.defs import bronze, features, gold, raw, silver
from lakehouse_assets.resources import resources

LAYERS = (raw, bronze, silver, gold, features)

defs = dg.Definitions(
    assets=[asset for layer in LAYERS for asset in dg.load_assets_from_modules([layer])],
    resources=resources(),
)
