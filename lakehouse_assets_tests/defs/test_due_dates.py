"""Which dates are due on the days that matter."""

import os
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.defs.due_dates import due_dates
from lakehouse_assets.lake.ingest import LandedTicks
from lakehouse_assets.lake.table import pin
from lakehouse_assets.sources.landing import scan
from lakehouse_assets_tests.defs.feeds import Feeds, feeds, seoul

__all__ = ["feeds"]


def due(feeds: Feeds, moment: datetime) -> list[str]:
    return [day.isoformat() for day in due_dates(feeds.lake, moment)]


def test_at_two_in_seoul_the_us_session_is_open_and_its_date_is_not_due(feeds: Feeds) -> None:
    feeds.korea("2026-11-18")
    feeds.america("2026-11-17")
    feeds.america("2026-11-18")
    assert due(feeds, seoul("2026-11-19 02:00")) == ["2026-11-17", "2026-11-18"]
    (feeds.settings.raw / "korea/2026-11-18-a.parquet").unlink()
    assert due(feeds, seoul("2026-11-19 02:00")) == ["2026-11-17"]
    assert due(feeds, seoul("2026-11-20 02:00")) == ["2026-11-17", "2026-11-18"]


@pytest.mark.parametrize(
    ("day", "closes"),
    [("2026-07-15", "2026-07-16 05:00"), ("2026-11-18", "2026-11-19 06:00")],
    ids=["summer", "winter"],
)
def test_the_us_session_closes_an_hour_earlier_in_seoul_in_summer(feeds: Feeds, day: str, closes: str) -> None:
    feeds.america(day)
    closing = seoul(closes)
    assert due(feeds, closing.replace(hour=closing.hour - 1, minute=59)) == []
    assert due(feeds, closing) == [day]


def test_the_day_before_the_clocks_change_and_the_day_after_are_both_whole(feeds: Feeds) -> None:
    feeds.america("2026-10-30")
    feeds.america("2026-11-02")
    assert due(feeds, seoul("2026-11-03 02:00")) == ["2026-10-30"]
    assert due(feeds, seoul("2026-11-03 06:00")) == ["2026-10-30", "2026-11-02"]


def test_on_a_weekend_friday_is_due_and_what_arrives_then_is_mondays(feeds: Feeds) -> None:
    feeds.korea("2026-11-20")
    feeds.korea("2026-11-21")
    assert due(feeds, seoul("2026-11-21 02:00")) == ["2026-11-20"]
    assert due(feeds, seoul("2026-11-22 02:00")) == ["2026-11-20"]
    assert due(feeds, seoul("2026-11-24 02:00")) == ["2026-11-20", "2026-11-23"]


def test_a_holiday_of_one_venue_is_a_date_of_the_other(feeds: Feeds) -> None:
    """Thanksgiving: ticks stamped on it belong to the half day after, which closes at 18:00 UTC."""
    feeds.korea("2026-11-26")
    feeds.america("2026-11-26")
    assert due(feeds, seoul("2026-11-27 02:00")) == ["2026-11-26"]
    (feeds.settings.raw / "korea/2026-11-26-a.parquet").unlink()
    assert due(feeds, seoul("2026-11-27 12:00")) == []
    assert due(feeds, seoul("2026-11-28 02:59")) == []
    assert due(feeds, seoul("2026-11-28 03:00")) == ["2026-11-27"]


def test_a_date_without_landed_files_is_never_due(feeds: Feeds) -> None:
    assert due(feeds, seoul("2026-11-19 02:00")) == []
    broken = feeds.korea("2026-11-18")
    broken.write_bytes(broken.read_bytes()[:100])
    assert due(feeds, seoul("2026-11-19 02:00")) == []


def test_what_bronze_holds_is_not_due_until_more_arrives(feeds: Feeds) -> None:
    feeds.korea("2026-11-17")
    landed = feeds.korea("2026-11-18")
    night = seoul("2026-11-19 02:00")
    assert due(feeds, night) == ["2026-11-17", "2026-11-18"]
    feeds.take_in("2026-11-17", "2026-11-17")
    assert due(feeds, night) == ["2026-11-18"]
    feeds.take_in("2026-11-18", "2026-11-18")
    assert due(feeds, night) == []
    os.utime(landed, (0, 0))
    feeds.korea("2026-11-18", name="the same bytes again")
    tomorrow = datetime.now(UTC) + timedelta(days=1)  # after the files were first seen, which was just now
    assert due(feeds, tomorrow) == []
    feeds.korea("2026-11-18", name="more", last_price=[9.0] * 5)
    assert due(feeds, tomorrow) == ["2026-11-18"]


def test_ticks_of_underlyings_alone_make_a_date_due(feeds: Feeds) -> None:
    feeds.korea("2026-11-18", instrument_type=["underlying"] * 5)
    (row,) = scan(feeds.settings.raw, feeds.settings, None, datetime.now(UTC)).to_pylist()
    assert (row["option_rows"], row["underlying_rows"]) == (0, 5)
    assert due(feeds, seoul("2026-11-19 02:00")) == ["2026-11-18"]


def test_the_choice_looks_at_the_manifest_once_however_many_dates_there_are(feeds: Feeds) -> None:
    days = [f"2026-11-{day:02d}" for day in (9, 10, 11, 12, 13, 16, 17, 18)]
    for day in days:
        feeds.korea(day)
    reads = []

    class Counted(LandedTicks):
        @property
        def manifest(self) -> pa.Table:
            reads.append(1)
            return self.__dict__["manifest"]

    manifest = scan(feeds.settings.raw, feeds.settings, None, datetime.now(UTC))
    content = object.__new__(Counted)
    content.__dict__.update(kind="option", manifest=manifest, settings=feeds.settings, inputs={})
    assert [content.has_rows(day) for day in [*days, "2026-11-19"]] == [True] * 8 + [False]
    assert len(reads) == 1


def test_asking_writes_nothing(feeds: Feeds) -> None:
    feeds.korea("2026-11-18")
    assert due(feeds, seoul("2026-11-19 02:00"))
    assert pin(feeds.lake, BRONZE_OPTION_TICKS).snapshot_id is None
    assert not feeds.lake.exists("raw_option_tick_files")
