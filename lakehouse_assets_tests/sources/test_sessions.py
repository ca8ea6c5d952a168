"""Trading dates and sessions on the days that matter: nights, weekends, holidays, half days, daylight saving."""

import datetime as dt
import subprocess
import sys
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.sources import sessions
from lakehouse_assets.sources.sessions import (
    SESSION_SCHEMA,
    NoSession,
    UnknownVenue,
    is_complete,
    last_complete_trading_date,
    session_bounds,
    session_table,
    sessions_of,
    trading_date_of,
)

SEOUL = ZoneInfo("Asia/Seoul")
NEW_YORK = ZoneInfo("America/New_York")
TAIPEI = ZoneInfo("Asia/Taipei")
UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def at(text: str, zone: dt.tzinfo = dt.UTC) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


def dates_of(venue: str, *instants: dt.datetime | None) -> list[dt.date | None]:
    dates: list[dt.date | None] = trading_date_of(venue, pa.array(instants, UTC_TIMESTAMP)).to_pylist()
    return dates


@pytest.mark.parametrize(
    ("local", "trading_date"),
    [
        ("2026-09-11 09:00:00", "2026-09-11"),  # a Friday
        ("2026-09-11 15:45:00", "2026-09-11"),
        ("2026-09-11 17:59:59.999999", "2026-09-11"),  # a late report is still Friday's
        ("2026-09-11 18:00:00", "2026-09-14"),  # the night session is Monday's
        ("2026-09-12 05:59:59", "2026-09-14"),
        ("2026-09-12 06:00:01", "2026-09-14"),
        ("2026-09-13 12:00:00", "2026-09-14"),  # a stray on Sunday
        ("2026-09-14 15:45:00", "2026-09-14"),
        ("2026-09-14 18:00:00", "2026-09-15"),
        ("2026-09-23 18:00:00", "2026-09-28"),  # over Chuseok, 24 and 25 September, and the weekend
        ("2026-12-30 18:00:00", "2027-01-04"),  # the last day of the year is a holiday at KRX
    ],
)
def test_a_night_session_belongs_to_the_next_trading_day(local: str, trading_date: str) -> None:
    assert dates_of("KRX", at(local, SEOUL)) == [day(trading_date)]


def test_before_the_night_session_existed_an_evening_belongs_to_its_own_day() -> None:
    instants = at("2025-06-05 20:00:00", SEOUL), at("2011-02-16 20:00:00", SEOUL), at("2025-06-09 20:00:00", SEOUL)
    assert dates_of("KRX", *instants) == [day("2025-06-05"), day("2011-02-16"), day("2025-06-10")]
    assert [s.name for s in sessions_of("KRX", day("2025-06-09"))] == ["regular"]
    assert [s.name for s in sessions_of("KRX", day("2025-06-10"))] == ["night", "regular"]


def test_a_monday_at_krx_opens_on_friday_evening_and_has_two_sessions() -> None:
    night, regular = sessions_of("KRX", day("2026-09-14"))
    assert (night.start, night.end) == (at("2026-09-11 09:00:00"), at("2026-09-11 21:00:00"))
    assert (regular.start, regular.end) == (at("2026-09-14 00:00:00"), at("2026-09-14 06:45:00"))
    assert session_bounds("KRX", day("2026-09-14")) == (night.start, regular.end)


def test_krx_closed_half_an_hour_earlier_before_august_2016() -> None:
    assert session_bounds("KRX", day("2011-02-16")) == (at("2011-02-16 00:00"), at("2011-02-16 06:15"))
    assert session_bounds("KRX", day("2016-07-29"))[1] == at("2016-07-29 06:15")
    assert session_bounds("KRX", day("2016-08-01"))[1] == at("2016-08-01 06:45")


@pytest.mark.parametrize(
    ("trading_date", "opens", "closes"),
    [
        ("2026-01-02", "2026-01-02 01:00", "2026-01-02 06:45"),  # first day of the year, from the calendar
        ("2019-11-14", "2019-11-14 01:00", "2019-11-14 07:45"),  # entrance exam, from the calendar
        ("2026-11-19", "2026-11-19 01:00", "2026-11-19 07:45"),  # entrance exam, from the table
        ("2026-11-20", "2026-11-20 00:00", "2026-11-20 06:45"),
    ],
)
def test_late_days_at_krx_are_late(trading_date: str, opens: str, closes: str) -> None:
    regular = sessions_of("KRX", day(trading_date))[-1]
    assert (regular.name, regular.start, regular.end) == ("regular", at(opens), at(closes))


def test_a_late_opening_does_not_move_the_night_before() -> None:
    assert sessions_of("KRX", day("2026-11-19"))[0].start == at("2026-11-18 18:00", SEOUL)


def test_a_late_opening_does_not_move_the_night_that_follows() -> None:
    night = sessions_of("KRX", day("2026-01-05"))[0]
    assert (night.start, night.end) == (at("2026-01-02 18:00", SEOUL), at("2026-01-03 06:00", SEOUL))


def test_at_two_in_seoul_the_us_session_is_not_complete_but_the_day_before_is() -> None:
    now = at("2026-11-20 02:00:00", SEOUL)  # 12:00 on the 19th in New York, in the middle of the session
    assert not is_complete("OPRA", day("2026-11-19"), now)
    assert last_complete_trading_date("OPRA", now) == day("2026-11-18")
    assert last_complete_trading_date("KRX", now) == day("2026-11-19")  # its next night session runs
    assert last_complete_trading_date("DERIBIT", now) == day("2026-11-19")  # ended 17:00 in Seoul
    assert last_complete_trading_date("TAIFEX", now) == day("2026-11-19")


def test_a_trading_date_is_complete_at_the_instant_of_its_close() -> None:
    close = at("2026-11-18 16:00:00", NEW_YORK)
    assert is_complete("OPRA", day("2026-11-18"), close)
    assert not is_complete("OPRA", day("2026-11-18"), close - dt.timedelta(microseconds=1))


def test_a_half_day_in_new_york_closes_at_18_utc() -> None:
    assert session_bounds("OPRA", day("2015-12-24")) == (at("2015-12-24 14:30"), at("2015-12-24 18:00"))
    assert session_bounds("XNYS", day("2015-12-23"))[1] == at("2015-12-23 21:00")
    assert is_complete("OPRA", day("2015-12-24"), at("2015-12-24 18:00"))
    assert dates_of("OPRA", at("2015-12-24 15:00", NEW_YORK), at("2015-12-25 12:00", NEW_YORK)) == [
        day("2015-12-24"), day("2015-12-28")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "opens_before", "after", "opens_after"),
    [
        ("2026-03-06", "2026-03-06 14:30", "2026-03-09", "2026-03-09 13:30"),  # clocks go forward on the 8th
        ("2026-10-30", "2026-10-30 13:30", "2026-11-02", "2026-11-02 14:30"),  # and back on 1 November
    ],
)
def test_daylight_saving_moves_the_opening_in_utc(before: str, opens_before: str, after: str, opens_after: str) -> None:
    assert session_bounds("OPRA", day(before))[0] == at(opens_before)
    assert session_bounds("OPRA", day(after))[0] == at(opens_after)


def test_a_day_of_23_or_25_hours_neither_loses_nor_repeats_an_instant() -> None:
    friday_end, sunday = at("2026-03-07 04:59:59.999999"), at("2026-03-08 06:30:00")
    assert dates_of("XNYS", friday_end, friday_end + dt.timedelta(microseconds=1), sunday) == [
        day("2026-03-06"), day("2026-03-09"), day("2026-03-09")
    ]  # fmt: skip
    for first, hours in (("2026-03-08", 23), ("2026-11-01", 25)):
        midnight = at(f"{first} 00:00", NEW_YORK)
        following = at(f"{day(first) + dt.timedelta(days=1)} 00:00", NEW_YORK)
        assert following.astimezone(dt.UTC) - midnight.astimezone(dt.UTC) == dt.timedelta(hours=hours)
        monday_end = (following + dt.timedelta(days=1)).astimezone(dt.UTC)
        monday = day(first) + dt.timedelta(days=1)
        assert dates_of("XNYS", monday_end - dt.timedelta(microseconds=1), monday_end) == [
            monday, monday + dt.timedelta(days=1)
        ]  # fmt: skip


def test_a_deribit_day_ends_at_eight_utc_every_day_of_the_week() -> None:
    instants = at("2026-09-12 07:59:59.999999"), at("2026-09-12 08:00:00"), at("2026-12-31 08:00:00")
    assert dates_of("DERIBIT", *instants) == [day("2026-09-12"), day("2026-09-13"), day("2027-01-01")]
    assert session_bounds("DERIBIT", day("2026-09-13")) == (at("2026-09-12 08:00"), at("2026-09-13 08:00"))


def test_taifex_after_hours_belong_to_the_next_day_since_may_2017() -> None:
    instants = at("2017-05-12 16:00", TAIPEI), at("2017-05-15 16:00", TAIPEI), at("2017-05-20 04:59", TAIPEI)
    assert dates_of("TAIFEX", *instants) == [day("2017-05-12"), day("2017-05-16"), day("2017-05-22")]
    assert session_bounds("TAIFEX", day("2017-05-16")) == (at("2017-05-15 07:00"), at("2017-05-16 05:45"))


def test_nulls_stay_null_and_an_empty_column_stays_empty() -> None:
    assert dates_of("KRX", None, at("2026-09-11 12:00", SEOUL), None) == [None, day("2026-09-11"), None]
    assert dates_of("KRX", None) == [None]
    assert trading_date_of("KRX", pa.array([], UTC_TIMESTAMP)).type == pa.date32()


def test_slices_chunks_and_other_units_give_the_same_dates() -> None:
    instants = pa.array([at("2026-09-10 12:00"), None, at("2026-09-11 12:00")], UTC_TIMESTAMP)
    assert trading_date_of("KRX", instants.slice(2)).to_pylist() == [day("2026-09-14")]
    chunked = pa.chunked_array([instants.slice(0, 1), instants.slice(1)])
    assert trading_date_of("KRX", chunked).to_pylist() == trading_date_of("KRX", instants).to_pylist()
    assert trading_date_of("KRX", instants.cast(pa.timestamp("ms"))).to_pylist()[2] == day("2026-09-14")


def test_one_column_may_hold_several_years_and_years_that_no_calendar_knows() -> None:
    instants = at("1962-01-05 10:00"), at("2015-12-31 23:30"), at("2026-09-11 10:00"), at("2199-01-04 10:00"), None
    assert dates_of("OPRA", *instants) == [
        day("1962-01-05"), day("2015-12-31"), day("2026-09-11"), day("2199-01-04"), None
    ]  # fmt: skip
    assert dates_of("OPRA", at("2048-12-25 15:00")) == [day("2048-12-28")]  # Christmas, long past the usual calendar
    assert dates_of("KRX", at("2049-12-31 23:59")) == [day("2050-01-03")]


def test_every_instant_of_a_session_has_that_trading_date() -> None:
    for venue in sessions.venues():
        table = session_table(venue, day("2024-12-20"), day("2026-01-10"))
        for edge, step in (("session_start", 0), ("session_end", -1)):
            instants = pa.array(np.asarray(table[edge].cast(pa.int64())) + step).cast(UTC_TIMESTAMP)
            assert trading_date_of(venue, instants).to_pylist() == table["trading_date"].to_pylist(), (venue, edge)


def test_a_session_table_has_one_row_a_session_and_none_for_days_off() -> None:
    table = session_table("KRX", day("2026-09-11"), day("2026-09-15"))
    assert table.schema == SESSION_SCHEMA
    assert table["trading_date"].to_pylist() == [day(f"2026-09-{d}") for d in (11, 11, 14, 14, 15, 15)]
    assert table["session"].to_pylist() == ["night", "regular"] * 3
    assert session_table("KRX", day("2026-09-12"), day("2026-09-13")).num_rows == 0


def test_sessions_of_a_venue_never_overlap() -> None:
    for venue in sessions.venues():
        table = session_table(venue, day("2023-01-01"), day("2026-12-31"))
        starts, ends = (np.asarray(table[c].cast(pa.int64())) for c in ("session_start", "session_end"))
        assert (starts < ends).all(), venue
        assert (ends[:-1] <= starts[1:]).all(), venue


def test_a_day_off_is_never_complete_and_has_no_bounds() -> None:
    sunday = day("2026-09-13")
    assert not is_complete("KRX", sunday, at("2026-12-01 00:00"))
    with pytest.raises(NoSession, match="KRX does not trade on 2026-09-13"):
        session_bounds("KRX", sunday)


def test_an_unknown_venue_is_named_together_with_the_known_ones() -> None:
    for call in (
        lambda: trading_date_of("MOON", pa.array([], UTC_TIMESTAMP)),
        lambda: session_bounds("MOON", day("2026-09-11")),
        lambda: session_table("MOON", day("2026-09-11"), day("2026-09-11")),
        lambda: last_complete_trading_date("MOON", at("2026-09-11 00:00")),
    ):
        with pytest.raises(UnknownVenue, match=r"'MOON'.*DERIBIT, KRX, OPRA, TAIFEX, XNYS"):
            call()


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        last_complete_trading_date("KRX", at("2026-09-11 00:00").replace(tzinfo=None))


def test_a_timestamp_in_the_wrong_unit_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="is its unit not microseconds"):
        trading_date_of("KRX", pa.array([2**62]).cast(UTC_TIMESTAMP))


def test_a_million_timestamps_lie_on_the_trading_days_of_the_exchange() -> None:
    start = int(at("2026-09-01 00:00").timestamp()) * 1_000_000
    instants = pa.array(start + np.arange(1_000_000, dtype=np.int64) * 2_000_000).cast(UTC_TIMESTAMP)
    dates = trading_date_of("KRX", instants)
    assert len(dates.unique()) == 18  # the trading days from 1 to 23 September 2026, and the 28th after Chuseok


def test_importing_the_module_builds_no_calendar() -> None:
    code = "import sys, lakehouse_assets.sources.sessions; print({'exchange_calendars', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
