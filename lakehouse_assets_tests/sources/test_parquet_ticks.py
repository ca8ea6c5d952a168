"""The Parquet feed: what it takes, what it makes of it, and what it refuses."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_assets.sources.adapter import FileRefused, LandedFile
from lakehouse_assets.sources.parquet_ticks import read
from lakehouse_assets_tests.sources.landed import landed, refusal
from lakehouse_assets_tests.sources.zone import OPENING, PARQUET, land, ticks

DATE = dt.date(2026, 11, 18)


def written(tmp_path: Path, columns: dict[str, Any], batch_size: int = 1_000, **options: Any) -> LandedFile:
    return landed(land(tmp_path, "simulated/a.parquet", columns, **options), "simulated/a.parquet", PARQUET, batch_size)


def rows_of(file: LandedFile, kind: str = "option") -> list[dict[str, Any]]:
    return [row for found, batch in read(file) if found == kind for row in batch.to_pylist()]


def test_three_columns_are_enough(tmp_path: Path) -> None:
    rows = rows_of(written(tmp_path, ticks(3)))
    assert [row["last_price"] for row in rows] == [1.0, 2.0, 3.0]
    assert [row["source_seq"] for row in rows] == [0, 1, 2]
    assert rows[0]["timestamp"] == OPENING
    assert {row["event_type"] for row in rows} == {"trade"}
    assert {row["trading_date"] for row in rows} == {DATE}
    assert {(row["venue"], row["currency"], row["flags"], row["bid_px_00"]) for row in rows} == {
        ("KRX", "KRW", 0, None)
    }


def test_rows_are_numbered_across_batches_and_row_groups(tmp_path: Path) -> None:
    file = written(tmp_path, ticks(25), batch_size=4, row_group_size=7)
    batches = [batch for _, batch in read(file)]
    assert max(batch.num_rows for batch in batches) <= 4
    assert [row["source_seq"] for batch in batches for row in batch.to_pylist()] == list(range(25))


def test_a_row_without_a_price_is_a_quote_unless_it_says_otherwise(tmp_path: Path) -> None:
    columns = ticks(4, last_price=[1.0, None, None, 2.0], event_type=[None, None, "open_interest", "trade_bar_1m"])
    found = [row["event_type"] for row in rows_of(written(tmp_path, columns))]
    assert found == ["trade", "quote", "open_interest", "trade_bar_1m"]


def test_a_trading_date_in_the_file_stands_and_a_missing_one_comes_from_the_session(tmp_path: Path) -> None:
    evening = dt.datetime(2026, 11, 18, 10, 0, tzinfo=dt.UTC)  # 19:00 in Seoul: the night session of the 19th
    named = pa.array([dt.date(2026, 11, 17), None], pa.date32())
    rows = rows_of(written(tmp_path, ticks(2, start=evening, trading_date=named)))
    assert [row["trading_date"] for row in rows] == [dt.date(2026, 11, 17), dt.date(2026, 11, 19)]


def test_numbers_of_any_type_become_doubles_and_what_is_no_number_becomes_null(tmp_path: Path) -> None:
    columns = ticks(
        4,
        last_price=[float("nan"), float("inf"), -0.0, 1.5],
        bid_px_00=pa.array([1, 2, 3, None], pa.int32()),
        ask_px_00=pa.array([Decimal("1.25")] * 4, pa.decimal128(9, 2)),
    )
    rows = rows_of(written(tmp_path, columns))
    assert [str(row["last_price"]) for row in rows] == ["None", "None", "0.0", "1.5"]
    assert [row["bid_px_00"] for row in rows] == [1.0, 2.0, 3.0, None]
    assert rows[0]["ask_px_00"] == 1.25


@pytest.mark.parametrize("options", [{"use_deprecated_int96_timestamps": True}, {}])
def test_instants_of_spark_and_of_other_zones_are_the_same_instants(tmp_path: Path, options: dict[str, Any]) -> None:
    stamps = ticks(2)["timestamp"].cast(pa.timestamp("us", "Asia/Seoul"))
    assert rows_of(written(tmp_path, ticks(2, timestamp=stamps), **options))[0]["timestamp"] == OPENING


def test_nanoseconds_are_kept_beside_the_microseconds(tmp_path: Path) -> None:
    nanoseconds = int(OPENING.timestamp()) * 10**9 + 1_999
    columns = ticks(1, timestamp=pa.array([nanoseconds], pa.timestamp("ns", "UTC")))
    row = rows_of(written(tmp_path, columns))[0]
    assert row["timestamp"] == OPENING + dt.timedelta(microseconds=1)
    assert row["ts_event_ns"] == nanoseconds


def test_a_column_without_any_value_is_no_column(tmp_path: Path) -> None:
    nothing = pa.nulls(3)
    names = ("ts_recv", "event_type", "trading_date", "instrument_type", "strike_price", "flags")
    plain = rows_of(written(tmp_path, ticks(3)))
    assert rows_of(written(tmp_path, ticks(3, **dict.fromkeys(names, nothing)))) == plain


def test_rows_of_underlyings_are_told_apart_and_keep_their_numbers(tmp_path: Path) -> None:
    columns = ticks(
        4,
        instrument_type=["option", "underlying", None, "underlying"],
        option_type=["C", None, "P", "C"],
        volume=[None, 7.0, None, None],
    )
    file = written(tmp_path, columns)
    assert [row["source_seq"] for row in rows_of(file)] == [0, 2, 3]  # 3 has option terms, whatever it calls itself
    underlying = rows_of(file, "underlying")
    assert [(row["source_seq"], row["volume"]) for row in underlying] == [(1, 7.0)]


def test_a_file_of_underlyings_alone_has_no_option_ticks(tmp_path: Path) -> None:
    file = written(tmp_path, ticks(3, instrument_type=["underlying"] * 3))
    assert rows_of(file) == []
    assert len(rows_of(file, "underlying")) == 3


BAD: dict[str, tuple[Callable[[], dict[str, Any]], str, str]] = {
    "a missing column": (
        lambda: {k: v for k, v in ticks().items() if k != "last_price"},
        "MISSING_COLUMN",
        "last_price",
    ),
    "an extra column": (lambda: ticks(colour=["red"] * 5), "EXTRA_COLUMN", "colour"),
    "lineage of its own": (lambda: ticks(source_seq=list(range(5))), "EXTRA_COLUMN", "source_seq"),
    "a price of text": (lambda: ticks(last_price=["1"] * 5), "WRONG_TYPE", "last_price"),
    "a local clock": (lambda: ticks(timestamp=[OPENING.replace(tzinfo=None)] * 5), "WRONG_TYPE", "time zone"),
    "a date of text": (lambda: ticks(expiration=["2026-12-10"] * 5), "WRONG_TYPE", "expiration"),
    "swapped columns": (lambda: ticks() | {"symbol": ticks()["timestamp"]}, "WRONG_TYPE", "symbol"),
    "an unknown event": (lambda: ticks(event_type=["guess"] * 5), "PARSE_ERROR", "guess"),
    "an unknown instrument": (lambda: ticks(instrument_type=["bond"] * 5), "PARSE_ERROR", "bond"),
    "no instant": (lambda: ticks(timestamp=pa.nulls(5, pa.timestamp("us", "UTC"))), "PARSE_ERROR", "timestamp"),
    "a flag beyond 64 bits": (lambda: ticks(flags=pa.array([2**64 - 1] * 5, pa.uint64())), "PARSE_ERROR", "flags"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_a_tick_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    columns, reason, word = BAD[case]
    refused = refusal(read, written(tmp_path, columns()))
    assert refused.reason == reason
    assert word in str(refused)


def test_a_file_that_is_not_parquet_or_was_cut_is_named_so(tmp_path: Path) -> None:
    file = written(tmp_path, ticks(200))
    whole = file.path.read_bytes()
    size = 1
    while size < len(whole):
        file.path.write_bytes(whole[:size])
        assert refusal(read, file).reason == ("TRUNCATED" if size >= 4 else "NOT_WHAT_IT_SAYS"), size
        size *= 2
    file.path.write_bytes(b"symbol,last_price\n")
    assert refusal(read, file).reason == "NOT_WHAT_IT_SAYS"


def test_a_page_header_that_hides_rows_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, ticks(300), compression="zstd")
    held = bytearray(file.path.read_bytes())
    held[5] ^= 2  # the type of the first page: the reader passes it over and finds no row at all
    file.path.write_bytes(bytes(held))
    refused = refusal(read, file)
    assert refused.reason == "UNREADABLE"
    assert "0 of its 300 rows" in str(refused)


def test_a_column_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, ticks(3))
    held = file.path.read_bytes()
    file.path.write_bytes(held.replace(b"symbol", b"\xf3ymbol"))
    assert refusal(read, file).reason == "UNREADABLE"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_is_refused_or_changes_no_tick(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "whole.parquet"
    if not path.exists():
        pq.write_table(pa.table(ticks(300)), path, write_page_checksum=True, compression="zstd")
    whole = path.read_bytes()
    place = data.draw(st.integers(4, len(whole) - 5))
    flipped = tmp_path / "flipped.parquet"
    flipped.write_bytes(whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :])
    try:
        rows = rows_of(landed(flipped, "simulated/flipped.parquet", PARQUET))
    except FileRefused:
        return
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    if place < footer:  # the pages carry checksums; Parquet has none over its footer
        assert rows == rows_of(landed(path, "simulated/flipped.parquet", PARQUET))
