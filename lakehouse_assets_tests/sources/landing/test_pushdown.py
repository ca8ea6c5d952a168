"""The ticks as SQL over the files: exactly those of the stream, or none at all."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lakehouse_assets.settings import Settings
from lakehouse_assets.sources.adapter import KINDS, FileRefused
from lakehouse_assets.sources.landing import tick_batches, tick_query
from lakehouse_assets_tests.sources.zone import PARQUET, land, scanned, settings_of, ticks

DATE = dt.date(2026, 11, 18)
NEXT = dt.date(2026, 11, 19)
DATES = pa.array([DATE, NEXT, DATE, NEXT, DATE, DATE], pa.date32())


def accepted(settings: Settings, date: dt.date) -> list[dict[str, Any]]:
    return [row for row in scanned(settings).to_pylist() if row["trading_date"] == date]


def query(settings: Settings, date: dt.date = DATE) -> str | None:
    return tick_query("option", accepted(settings, date), settings.raw, settings, date)


HARD = ticks(
    6,
    trading_date=DATES,
    last_price=[1.0, None, float("nan"), -0.0, float("inf"), 2.5],
    bid_px_00=[None, -0.0, 1.0, float("-inf"), 3.0, 0.1],
    event_type=[None, None, None, "quote", "trade", None],
    instrument_type=["option", "underlying", None, "underlying", "underlying", "underlying"],
    option_type=["C", None, "P", None, None, "C"],
    flags=pa.array([None, 1, 2, 3, 4, 5], pa.int64()),
    venue=["KRX", None, "X", "Y", "Z", "'quoted'"],
    ts_event_ns=pa.array([1, None, 3, 4, 5, 6], pa.int64()),
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("date", [DATE, NEXT])
def test_the_query_gives_the_rows_of_the_stream(tmp_path: Path, kind: Any, date: dt.date) -> None:
    settings = settings_of(tmp_path)
    land(settings.raw, "simulated/hard 'quoted'.parquet", HARD)
    land(settings.raw, "simulated/plain.parquet", ticks(6, first=3, trading_date=DATES))
    files = accepted(settings, date)
    text = tick_query(kind, files, settings.raw, settings, date)
    assert text is not None
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found: pa.Table = connection.sql(f"SELECT * FROM ({text}) ORDER BY source_file, source_seq").to_arrow_table()
    streamed = tick_batches(kind, files, settings.raw, settings, date).read_all()
    assert found.cast(streamed.schema).equals(streamed)
    assert [repr(value) for value in found.to_pylist()] == [repr(value) for value in streamed.to_pylist()]  # 0.0, -0.0
    assert streamed.num_rows > 0


STREAMED: dict[str, dict[str, Any]] = {
    "no trading date": ticks(),
    "a row without a trading date": ticks(6, trading_date=pa.array([DATE, None] * 3, pa.date32())),
    "a price that is no double": ticks(6, trading_date=DATES, last_price=pa.array([1] * 6, pa.int32())),
    "another zone": ticks(
        6, trading_date=DATES, timestamp=ticks(6)["timestamp"].cast(pa.timestamp("us", "Asia/Seoul"))
    ),
}


@pytest.mark.parametrize("case", STREAMED)
def test_a_file_that_needs_more_than_a_cast_is_streamed(tmp_path: Path, case: str) -> None:
    settings = settings_of(tmp_path)
    land(settings.raw, "simulated/a.parquet", STREAMED[case])
    land(settings.raw, "simulated/b.parquet", ticks(6, first=3, trading_date=DATES))
    assert accepted(settings, DATE)
    assert query(settings) is None


def test_spark_s_old_instants_and_names_that_are_globs_are_streamed(tmp_path: Path) -> None:
    for name, options in (("int96", {"use_deprecated_int96_timestamps": True}), ("all[1]*", {})):
        settings = settings_of(tmp_path / name[:3])
        land(settings.raw, f"simulated/{name}.parquet", ticks(6, trading_date=DATES), **options)
        assert accepted(settings, DATE)
        assert query(settings) is None


def test_no_ticks_of_the_kind_are_no_query(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    land(settings.raw, "simulated/a.parquet", ticks(6, trading_date=DATES))
    assert tick_query("underlying", accepted(settings, DATE), settings.raw, settings, DATE) is None


def test_a_file_that_changed_since_the_scan_is_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    land(settings.raw, "simulated/a.parquet", ticks(6, trading_date=DATES))
    files = accepted(settings, DATE)
    land(settings.raw, "simulated/a.parquet", ticks(6, first=1, trading_date=DATES))
    with pytest.raises(FileRefused, match="CHANGED"):
        tick_query("option", files, settings.raw, settings, DATE)


def test_the_settings_of_the_source_fill_what_the_file_does_not_say(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, simulated=PARQUET.model_copy(update={"contract_multiplier": 250_000.0}))
    land(settings.raw, "simulated/a.parquet", ticks(6, trading_date=DATES))
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT DISTINCT venue, currency, contract_multiplier FROM ({query(settings)})")
        assert found.fetchall() == [("KRX", "KRW", 250_000.0)]
