"""Two days of features and labels: their names, their hashes, and one of them made again without rows."""

import datetime as dt

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets_tests.services.trained import FIRST

TABLES = (FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES)
DAYS = [FIRST, FIRST + dt.timedelta(days=1)]
FIRST_KEY, SECOND_KEY = (day.isoformat() for day in DAYS)


def hashes(lake: Lake, contract: Contract) -> dict[str, str]:
    table = pin(lake, contract)
    return {day.isoformat(): content_hash(table.only(day.isoformat())) for day in table.trading_dates}


def put_nothing(lake: Lake, key: str, **said: str) -> None:
    """Make a date of labels again, with no rows."""
    inputs = {FEATURE_OPTION_LABELS.table: pin(lake, FEATURE_OPTION_LABELS)}
    rows = Query("SELECT * FROM feature_option_labels WHERE false", inputs)
    publish(lake, stage(lake, FEATURE_OPTION_LABELS, rows, [key]), said)
