"""The one partitioning of the lakehouse: the trading date.

A key is an exact value of the `trading_date` column (identity partition), so no time zone can shift it.
"""

import dagster as dg

FIRST_TRADING_DATE = "2010-01-01"

trading_dates = dg.DailyPartitionsDefinition(start_date=FIRST_TRADING_DATE, timezone="Asia/Seoul", end_offset=1)
"""One partition a calendar day; `end_offset=1` opens today's: night sessions belong to it before the day is over."""
