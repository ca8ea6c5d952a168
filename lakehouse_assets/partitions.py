"""The one partitioning of the lakehouse: the trading date.

Belongs here: the partitions, and how stretches of them become one run. Does not: which dates are due.
A key is an exact value of the `trading_date` column (identity partition), so no time zone can shift it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise

import dagster as dg
from dagster._core.storage.tags import (  # the tags of a single-run range have no public name in 1.13
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

FIRST_TRADING_DATE = "2010-01-01"

trading_dates = dg.DailyPartitionsDefinition(start_date=FIRST_TRADING_DATE, timezone="Asia/Seoul", end_offset=1)
"""One partition a calendar day; `end_offset=1` opens today's: night sessions belong to it before the day is over."""


def ranges(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Stretches of consecutive calendar days, as (first, last): each is one run."""
    ordered = sorted(days)
    if not ordered:
        return
    first = ordered[0]
    for earlier, later in pairwise(ordered):
        if later - earlier > timedelta(days=1):
            yield first, earlier
            first = later
    yield first, ordered[-1]


def range_tags(first: date, last: date) -> dict[str, str]:
    """The run tags that make one run materialize every trading date from `first` to `last`."""
    return {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}


def span_of(tags: Mapping[str, str]) -> str | None:
    """The trading dates of a run with these tags in short, e.g. `2026-11-18..2026-11-20`; none without partitions."""
    days = sorted(dates_of(tags))
    if not days:
        return None
    return str(days[0]) if len(days) == 1 else f"{days[0]}..{days[-1]}"


def dates_of(tags: Mapping[str, str]) -> frozenset[date]:
    """The trading dates that a run with these tags materializes; none for a run without partitions."""
    single = tags.get(PARTITION_NAME_TAG)
    first = tags.get(ASSET_PARTITION_RANGE_START_TAG, single)
    last = tags.get(ASSET_PARTITION_RANGE_END_TAG, single)
    if first is None or last is None:
        return frozenset()
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return frozenset(start + timedelta(days=offset) for offset in range((end - start).days + 1))
