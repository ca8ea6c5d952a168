"""How trading dates become runs."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.partitions import dates_of, range_tags, ranges, span_of, trading_dates

A_MONDAY = date(2026, 11, 16)


def test_consecutive_days_are_one_stretch_and_a_weekend_ends_it() -> None:
    days = [A_MONDAY + timedelta(days=offset) for offset in (0, 1, 4, 7, 8)]
    assert list(ranges(days)) == [(days[0], days[1]), (days[2], days[2]), (days[3], days[4])]
    assert list(ranges([])) == []


@given(st.sets(st.dates(date(2020, 1, 1), date(2020, 3, 1))))
def test_the_stretches_cover_exactly_the_days(days: set[date]) -> None:
    covered = [day for first, last in ranges(days) for day in dates_of(range_tags(first, last))]
    assert sorted(covered) == sorted(days)


def test_a_run_for_one_day_and_a_run_without_partitions_are_read_off_their_tags() -> None:
    assert dates_of({"dagster/partition": "2026-11-16"}) == {A_MONDAY}
    assert dates_of({"dagster/schedule_name": "daily_at_two_in_seoul"}) == frozenset()
    assert span_of({"dagster/partition": "2026-11-16"}) == "2026-11-16"
    assert span_of(range_tags(A_MONDAY, A_MONDAY + timedelta(days=2))) == "2026-11-16..2026-11-18"
    assert span_of({}) is None


def test_todays_date_is_a_partition_since_its_night_session_opened_yesterday() -> None:
    assert trading_dates.get_last_partition_key() == datetime.now(ZoneInfo("Asia/Seoul")).date().isoformat()
    assert trading_dates.timezone == "Asia/Seoul"
