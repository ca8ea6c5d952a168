"""Lean's zips become ticks: every row, every price, every instant as published."""

import csv
import datetime as dt
import io
import zipfile
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.lean import read
from lakehouse_assets.sources.samples import LEAN_SAMPLE
from lakehouse_assets.sources.symbols import OptionTerms, osi_terms
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.sources.landed import LEAN, landed, ticks

DATA = LEAN_SAMPLE / "Data"
NEW_YORK = ZoneInfo("America/New_York")
QUOTES = "option/usa/minute/twx/20140605_quote_american.zip"
TRADES = "option/usa/minute/twx/20140605_trade_american.zip"
OPEN_INTEREST = "option/usa/minute/twx/20140605_openinterest_american.zip"
SHARE_QUOTES = "equity/usa/minute/twx/20140605_quote.zip"
SHARE_TRADES = "equity/usa/minute/twx/20140605_trade.zip"


def sample(name: str, kind: str = "option", batch_size: int = 100_000) -> pa.Table:
    return ticks(read, landed(DATA / name, f"lean/{name}", LEAN, batch_size), kind)


def made(tmp_path: Path, name: str, **entries: str) -> pa.Table:
    """Ticks of a zip written by the test; `entries` by the end of their names."""
    path = tmp_path / Path(name).name
    stem = Path(name).stem
    date, rest = stem.split("_", 1)
    ticker = Path(name).parent.name
    with zipfile.ZipFile(path, "w") as archive:
        for end, text in entries.items():
            archive.writestr("_".join(filter(None, (date, ticker, "minute", rest, end))) + ".csv", text)
    return ticks(read, landed(path, f"lean/{name}", LEAN), "option" if name.startswith("option") else "underlying")


def published(name: str) -> list[tuple[str, list[str]]]:
    """(entry, cells) of every row, read with the standard library only."""
    with zipfile.ZipFile(DATA / name) as archive:
        return [
            (entry, cells)
            for entry in archive.namelist()
            for cells in csv.reader(io.StringIO(archive.read(entry).decode("ascii")))
        ]


def dollars(cell: str) -> float | None:
    return float(Decimal(cell) / 10_000) if cell else None


def instant(date: str, cell: str) -> dt.datetime:
    midnight = dt.datetime.strptime(date, "%Y%m%d").replace(tzinfo=NEW_YORK)
    return (midnight + dt.timedelta(milliseconds=int(cell))).astimezone(dt.UTC)


def test_every_quote_bar_is_there_as_published_and_in_its_place() -> None:
    rows = sample(QUOTES).to_pylist()
    expected = published(QUOTES)
    assert len(rows) == len(expected) == 30_468
    for seq, (row, (entry, cells)) in enumerate(zip(rows, expected, strict=True)):
        date, ticker, _, _, style, right, strike, expiration = entry.removesuffix(".csv").split("_")
        assert row["source_seq"] == seq
        assert row["timestamp"] == instant(date, cells[0])
        assert (row["bid_px_00"], row["ask_px_00"]) == (dollars(cells[4]), dollars(cells[9]))
        assert row["bid_sz_00"] == (float(cells[5]) if cells[4] else None)
        assert row["ask_sz_00"] == (float(cells[10]) if cells[9] else None)
        assert row["raw_symbol"] == f"{ticker}_{style}_{right}_{strike}_{expiration}"
        assert row["strike_price"] == float(Decimal(strike) / 10_000)
        assert f"{row['expiration']:%Y%m%d}" == expiration
        assert row["option_type"] == right[0].upper()


def test_an_option_bar_has_these_columns_and_no_others() -> None:
    row = sample(QUOTES).slice(0, 1).to_pylist()[0]
    assert {name: value for name, value in row.items() if value is not None} == {
        "source_seq": 0, "event_type": "quote_bar_1m", "symbol": "TWX   160115C00100000",
        "raw_symbol": "twx_american_call_1000000_20160115", "underlying": "TWX",
        "expiration": dt.date(2016, 1, 15), "strike_price": 100.0, "option_type": "C", "currency": "USD",
        "venue": "OPRA", "timestamp": dt.datetime(2014, 6, 5, 13, 30, tzinfo=dt.UTC),
        "trading_date": dt.date(2014, 6, 5), "bid_px_00": 0.49, "bid_sz_00": 44.0, "ask_px_00": 0.94,
        "ask_sz_00": 49.0, "flags": 0,
    }  # fmt: skip


def test_a_trade_bar_carries_its_close_and_its_volume() -> None:
    rows = sample(TRADES).to_pylist()
    for row, (_, cells) in zip(rows, published(TRADES), strict=True):
        assert row["event_type"] == "trade_bar_1m"
        assert (row["last_price"], row["last_size"]) == (dollars(cells[4]), float(cells[5]))
        assert row["bid_px_00"] is None
    assert len(rows) == 79


def test_open_interest_is_a_row_of_its_own() -> None:
    rows = sample(OPEN_INTEREST).to_pylist()
    assert [row["open_interest"] for row in rows] == [float(cells[1]) for _, cells in published(OPEN_INTEREST)]
    assert {row["event_type"] for row in rows} == {"open_interest"}
    assert {row["last_price"] for row in rows} == {None}


@pytest.mark.parametrize("name", [SHARE_QUOTES, SHARE_TRADES])
def test_bars_of_the_share_belong_to_the_underlying(name: str) -> None:
    table = sample(name, "underlying")
    assert set(table["symbol"].to_pylist()) == {"TWX"}
    assert "strike_price" not in table.column_names
    assert table["timestamp"].to_pylist() == [instant("20140605", cells[0]) for _, cells in published(name)]
    price = "bid_px_00" if "quote" in name else "last_price"
    assert table[price].to_pylist() == [dollars(cells[4]) for _, cells in published(name)]


def test_every_symbol_is_osi_and_tells_the_same_as_the_columns() -> None:
    for row in sample(OPEN_INTEREST).to_pylist():
        terms = OptionTerms(row["underlying"], row["expiration"], row["option_type"], row["strike_price"])
        assert osi_terms(row["symbol"]) == terms


def test_saturday_expirations_stay_as_listed() -> None:
    expirations = set(sample(QUOTES)["expiration"].to_pylist())
    assert dt.date(2014, 6, 21) in expirations
    assert dt.date(2014, 6, 20) not in expirations


@pytest.mark.slow
def test_the_real_files_hold_what_their_notes_say() -> None:
    root = real_data("lean_us_options/Data")
    rows: Counter[str] = Counter()
    dates: set[dt.date] = set()
    saturdays = 0
    for path in sorted(root.glob("*/usa/minute/*/*.zip")):
        name = path.relative_to(root).as_posix()
        for kind, batch in read(landed(path, f"lean/{name}", LEAN)):
            rows[f"{kind} {batch['event_type'][0]}"] += batch.num_rows
            if kind == "option":
                dates |= set(batch["trading_date"].unique().to_pylist())
            if kind == "option" and "quote" in path.name:
                saturdays += pc.sum(pc.equal(pc.day_of_week(batch["expiration"]), 5)).as_py() or 0
    assert rows == {
        "option quote_bar_1m": 420_817, "option trade_bar_1m": 45_426, "option open_interest": 7_203,
        "underlying quote_bar_1m": 6_086, "underlying trade_bar_1m": 5_492,
    }  # fmt: skip
    assert (min(dates), max(dates)) == (dt.date(2013, 6, 28), dt.date(2015, 12, 24))
    assert round(saturdays / 420_817, 3) == 0.255


def test_a_half_day_ends_before_18_utc() -> None:
    name = "option/usa/minute/goog/20151224_trade_american.zip"
    path = real_data(f"lean_us_options/Data/{name}")
    table = ticks(read, landed(path, f"lean/{name}", LEAN))
    stamps = table["timestamp"].to_pylist()
    assert dt.datetime(2015, 12, 24, 14, 30, tzinfo=dt.UTC) <= min(stamps)
    assert max(stamps) < dt.datetime(2015, 12, 24, 18, 15, tzinfo=dt.UTC)


def test_an_empty_cell_is_no_quote_and_its_size_is_null(tmp_path: Path) -> None:
    rows = made(
        tmp_path, QUOTES, call_600000_20140621="34200000,,,,,0,100,200,100,200,7\n34260000,,,,,0,,,,,0\n"
    ).to_pylist()
    quotes = [tuple(row[c] for c in ("bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00")) for row in rows]
    assert quotes == [(None, None, 0.02, 7.0), (None, None, None, None)]


def test_a_zero_is_no_change_in_quotes_of_shares_and_a_price_in_those_of_options(tmp_path: Path) -> None:
    line = "34200000,0,0,0,0,0,707100,707100,707100,707100,3\n"
    (share,) = made(tmp_path, SHARE_QUOTES, **{"": line}).to_pylist()
    assert (share["bid_px_00"], share["bid_sz_00"], share["ask_px_00"]) == (None, None, 70.71)
    (option,) = made(tmp_path, QUOTES, call_600000_20140621=line).to_pylist()
    assert (option["bid_px_00"], option["bid_sz_00"], option["ask_px_00"]) == (0.0, 0.0, 70.71)


def test_the_wall_clock_counts_on_days_of_23_and_25_hours(tmp_path: Path) -> None:
    noon, seven = 12 * 3_600_000, 7 * 3_600_000
    for date, hour in (("20140309", 16), ("20141102", 17)):  # noon in summer time, noon in winter time
        name = f"equity/usa/minute/twx/{date}_trade.zip"
        rows = made(tmp_path, name, **{"": f"{seven},1,1,1,1,1\n{noon},1,1,1,1,1\n"})["timestamp"].to_pylist()
        assert [(stamp.hour, stamp.day) for stamp in rows] == [(hour - 5, int(date[6:])), (hour, int(date[6:]))]


def test_bars_before_the_opening_and_on_a_day_off_have_a_trading_date(tmp_path: Path) -> None:
    name = "equity/usa/minute/twx/20140607_trade.zip"  # a Saturday
    assert made(tmp_path, name, **{"": "14400000,1,1,1,1,1\n"})["trading_date"].to_pylist() == [dt.date(2014, 6, 9)]


@pytest.mark.parametrize("batch_size", [1_000, 7_001, 30_468])
def test_the_batch_size_changes_nothing_but_the_batches(batch_size: int) -> None:
    assert sample(QUOTES, batch_size=batch_size).equals(sample(QUOTES))


def test_an_entry_longer_than_a_batch_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "20140605_trade.zip"
    rows = 60_000
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("20140605_twx_minute_trade.csv", "34200000,10000,10000,10000,10000,1\n" * rows)
    table = ticks(read, landed(path, "lean/equity/usa/minute/twx/20140605_trade.zip", LEAN, 1_000), "underlying")
    assert np.array_equal(table["source_seq"].to_numpy(), np.arange(rows))


def test_the_first_batch_comes_before_the_last_entry_is_read(tmp_path: Path) -> None:
    path = tmp_path / "20140605_trade_american.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for strike, text in (("600000", "34200000,1,1,1,1,1\n" * 1_000), ("610000", "not a bar\n")):
            archive.writestr(f"20140605_twx_minute_trade_american_call_{strike}_20140621.csv", text)
    batches = read(landed(path, f"lean/{TRADES}", LEAN, 1_000))
    assert next(batches).batch.num_rows == 1_000
    with pytest.raises(FileRefused, match="call_610000"):
        next(batches)


def test_entries_without_a_last_newline_or_with_windows_line_ends_are_whole(tmp_path: Path) -> None:
    texts: dict[str, Any] = {"call_600000_20140621": "23520000,21", "put_600000_20140621": "23520000,22\r\n"}
    assert made(tmp_path, OPEN_INTEREST, **texts)["open_interest"].to_pylist() == [21.0, 22.0]
