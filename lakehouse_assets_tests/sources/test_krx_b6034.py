"""KRX's B6034 lines become quotes: the best level, both clocks, the terms out of the ISIN."""

import datetime as dt
import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.krx_b6034 import read
from lakehouse_assets.sources.symbols import is_isin
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.sources.landed import KRX, landed, refusal, ticks

NAME = "krx/20110216.txt"
NONE = "0000000@00000"
LINE = (
    "1297814406.147398 09000610 KR4301F32521 "
    "0000001@00118 0000020@00119 0000000@00120 0000001@00121 0000003@00122 "
    "0000020@00127 0000000@00128 0000000@00129 0000000@00130 0000000@00131\n"
)


def made(tmp_path: Path, text: str | bytes, name: str = NAME, batch_size: int = 100_000) -> pa.Table:
    path = tmp_path / Path(name).name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return ticks(read, landed(path, name, KRX, batch_size))


def refused(tmp_path: Path, data: bytes | str, name: str = NAME) -> tuple[str, str]:
    path = tmp_path / Path(name).name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    error = refusal(read, landed(path, name, KRX))
    return error.reason, str(error)


def received_at(text: str) -> str:
    """Epoch seconds with microseconds of a time in Seoul."""
    moment = dt.datetime.fromisoformat(f"{text}+09:00")
    return f"{int(moment.timestamp())}.{moment.microsecond:06d}"


@pytest.fixture(scope="module")
def real() -> pa.Table:
    path = real_data("kospi200/test-small.unsorted")
    return ticks(read, landed(path, "krx/test-small.unsorted", KRX))


def test_a_line_becomes_the_best_quote_with_its_terms(tmp_path: Path) -> None:
    (row,) = made(tmp_path, LINE).to_pylist()
    assert {name: value for name, value in row.items() if value is not None} == {
        "source_seq": 0, "event_type": "quote", "symbol": "KR4301F32521", "raw_symbol": "KR4301F32521",
        "underlying": "KOSPI200", "expiration": dt.date(2011, 3, 10), "strike_price": 252.5, "option_type": "P",
        "currency": "KRW", "venue": "KRX", "timestamp": dt.datetime(2011, 2, 16, 0, 0, 6, 100_000, dt.UTC),
        "ts_recv": dt.datetime(2011, 2, 16, 0, 0, 6, 147_398, dt.UTC), "trading_date": dt.date(2011, 2, 16),
        "bid_px_00": 1.22, "bid_sz_00": 3.0, "ask_px_00": 1.27, "ask_sz_00": 20.0, "flags": 0,
    }  # fmt: skip


def test_the_real_file_holds_what_its_notes_say(real: pa.Table) -> None:
    assert real.num_rows == 16_004
    isins = set(real["symbol"].to_pylist())
    assert len(isins) == 160
    assert all(is_isin(isin) for isin in isins)
    received = np.asarray(real["ts_recv"].cast(pa.int64()))
    assert 29 < (received.max() - received.min()) / 1e6 < 31
    assert real["ts_recv"][0].as_py() == dt.datetime(2011, 2, 16, 0, 0, 0, 6_437, dt.UTC)
    assert set(real["trading_date"].to_pylist()) == {dt.date(2011, 2, 16)}
    assert real["strike_price"].null_count == 0


def test_44_percent_of_the_real_lines_are_late_across_contracts_and_none_within_one(real: pa.Table) -> None:
    stamps = np.asarray(real["timestamp"].cast(pa.int64()))
    behind = np.maximum.accumulate(stamps) - stamps
    assert round(float((behind > 0).mean()), 2) == 0.44
    assert round(behind.max() / 1e6, 2) == 0.73
    latest: dict[str, int] = {}
    for isin, stamp in zip(real["symbol"].to_pylist(), stamps, strict=True):
        assert stamp >= latest.get(isin, stamp)
        latest[isin] = int(stamp)


def test_every_price_and_clock_of_the_real_file_is_as_published(real: pa.Table) -> None:
    lines = real_data("kospi200/test-small.unsorted").read_text().splitlines()
    for row, line in zip(real.to_pylist(), lines, strict=True):
        received, clock, isin, *levels = line.split(" ")
        seconds, micros = received.split(".")
        assert row["ts_recv"] == dt.datetime.fromtimestamp(int(seconds), dt.UTC).replace(microsecond=int(micros))
        local = row["timestamp"] + dt.timedelta(hours=9)
        assert f"{local:%H%M%S}{local.microsecond // 10_000:02d}" == clock
        assert row["symbol"] == isin
        for side, level in (("bid", levels[4]), ("ask", levels[5])):
            size, price = level.split("@")
            expected = (None, None) if level == NONE else (int(price) / 100, float(size))
            assert (row[f"{side}_px_00"], row[f"{side}_sz_00"]) == expected


def test_the_canonical_levels_are_the_best_of_the_five(real: pa.Table) -> None:
    rows = real.select(["bid_px_00", "ask_px_00"]).to_pylist()
    assert not [row for row in rows if None not in row.values() and row["bid_px_00"] >= row["ask_px_00"]]
    lines = real_data("kospi200/test-small.unsorted").read_text().splitlines()
    for row, line in zip(rows, lines, strict=True):
        prices = [int(level.split("@")[1]) / 100 for level in line.split(" ")[3:]]
        assert (row["bid_px_00"] or 0.0) == max(prices[:5])
        assert (row["ask_px_00"] or 0.0) == min((price for price in prices[5:] if price), default=0.0)


def test_zero_at_zero_is_no_quote_and_any_other_zero_is_a_number(tmp_path: Path) -> None:
    text = (
        LINE.replace("0000003@00122", NONE)
        + LINE.replace("0000020@00127", NONE)
        + LINE.replace("0000003@00122", "0000000@00122")
        + LINE.replace("0000003@00122", "0000003@00000")
    )
    table = made(tmp_path, text)
    assert table["bid_px_00"].to_pylist() == [None, 1.22, 1.22, 0.0]
    assert table["bid_sz_00"].to_pylist() == [None, 3.0, 0.0, 3.0]
    assert table["ask_px_00"].to_pylist() == [1.27, None, 1.27, 1.27]
    assert table["ask_sz_00"].to_pylist() == [20.0, None, 20.0, 20.0]


@pytest.mark.parametrize(
    ("received", "clock", "event", "trading_date"),
    [
        ("2026-09-12T00:00:00.100000", "23595990", "2026-09-11T23:59:59.900000", "2026-09-14"),
        ("2026-09-11T23:59:59.900000", "00000001", "2026-09-12T00:00:00.010000", "2026-09-14"),
        ("2026-09-12T02:00:00.000001", "01595999", "2026-09-12T01:59:59.990000", "2026-09-14"),
        ("2026-09-11T17:59:59.999999", "18000000", "2026-09-11T18:00:00.000000", "2026-09-14"),
        ("2026-09-11T15:45:00.500000", "15450000", "2026-09-11T15:45:00.000000", "2026-09-11"),
        ("2011-01-01T00:00:00.100000", "23595999", "2010-12-31T23:59:59.990000", "2011-01-03"),
    ],
)
def test_the_exchange_clock_takes_the_date_nearest_to_the_receive_clock(
    tmp_path: Path, received: str, clock: str, event: str, trading_date: str
) -> None:
    line = LINE.replace("1297814406.147398", received_at(received)).replace("09000610", clock)
    (row,) = made(tmp_path, line).to_pylist()
    assert row["timestamp"] == dt.datetime.fromisoformat(f"{event}+09:00")
    assert row["ts_recv"] == dt.datetime.fromisoformat(f"{received}+09:00")
    assert row["trading_date"] == dt.date.fromisoformat(trading_date)


@pytest.mark.parametrize("isin", ["KR4301F32520", "KR4309F32521", "KR7005930003", "ZZ4301F32521"])
def test_a_wrong_isin_is_kept_for_silver_to_judge(tmp_path: Path, isin: str) -> None:
    (row,) = made(tmp_path, LINE.replace("KR4301F32521", isin)).to_pylist()
    assert row["symbol"] == isin
    assert (row["strike_price"] is None) == (isin != "KR4301F32520")  # only the check digit is wrong there


def test_gzip_and_text_give_the_same_ticks(tmp_path: Path) -> None:
    text = LINE + LINE.replace("09000610", "09000700")
    assert made(tmp_path, gzip.compress(text.encode()), "krx/day.txt.gz").equals(made(tmp_path, text))


def test_the_batch_size_changes_nothing_but_the_batches(tmp_path: Path) -> None:
    text = "".join(LINE.replace("0000003@", f"{size:07d}@") for size in range(1, 3_502))
    small = made(tmp_path, text, batch_size=1_000)
    assert small.equals(made(tmp_path, text))
    assert np.array_equal(small["source_seq"].to_numpy(), np.arange(3_501))


@pytest.mark.parametrize(
    ("old", "other"),
    [("\n", "\r\n"), ("1297814406.", "946684800.")],  # lines of 181 and of 179 bytes: blocks end inside a line
)
def test_lines_of_another_length_are_neither_cut_nor_renumbered(tmp_path: Path, old: str, other: str) -> None:
    table = made(tmp_path, "".join(LINE.replace(old, other) for _ in range(5_000)), batch_size=1_000)
    assert np.array_equal(table["source_seq"].to_numpy(), np.arange(5_000))


def test_the_first_batch_comes_before_the_last_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / "20110216.txt"
    path.write_text(LINE * 3_000 + "not a line\n")
    batches = read(landed(path, NAME, KRX, 1_000))
    assert next(batches).batch.num_rows == 1_000
    with pytest.raises(FileRefused, match="line 3001 of krx"):
        list(batches)


def test_a_last_line_without_newline_and_windows_line_ends_are_whole(tmp_path: Path) -> None:
    assert made(tmp_path, (LINE + LINE).rstrip("\n")).num_rows == 2
    assert made(tmp_path, LINE.replace("\n", "\r\n")).num_rows == 1


@pytest.mark.parametrize("power", range(20))
def test_a_text_cut_at_a_power_of_two_is_refused(tmp_path: Path, power: int) -> None:
    data = (LINE * 3_000)[: 2**power]
    assert len(data) == 2**power
    assert len(data) % len(LINE)  # a cut between two lines leaves a whole file
    code, message = refused(tmp_path, data)
    assert code in {"MISSING_COLUMN", "PARSE_ERROR"}
    assert f"line {len(data) // len(LINE) + 1} of " in message


@pytest.mark.parametrize("power", range(14))
def test_a_gzip_cut_at_a_power_of_two_is_refused(tmp_path: Path, power: int) -> None:
    lines = "".join(LINE.replace("0000003@", f"{size:07d}@") for size in range(5_000))
    data = gzip.compress(lines.encode(), compresslevel=1)[: 2**power]
    assert len(data) == 2**power
    assert refused(tmp_path, data, "krx/day.txt.gz")[0] in {"TRUNCATED", "NOT_WHAT_IT_SAYS"}


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 2), (2, 3), (0, 7), (2, 12), (1, 8)])
def test_exchanged_fields_are_noticed(tmp_path: Path, first: int, second: int) -> None:
    fields = LINE.strip().split(" ")
    fields[first], fields[second] = fields[second], fields[first]
    code, message = refused(tmp_path, LINE + " ".join(fields) + "\n")
    assert code == "PARSE_ERROR"
    assert "line 2 of" in message
    assert "are fields exchanged?" in message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (LINE.strip() + " 0000000@00000\n", "EXTRA_COLUMN"),
        (LINE.rpartition(" ")[0] + "\n", "MISSING_COLUMN"),
        (LINE.replace("147398", "1473980"), "PARSE_ERROR"),
        (LINE.replace(".147398", ""), "PARSE_ERROR"),
        (LINE.replace("09000610", "24000610"), "PARSE_ERROR"),
        (LINE.replace("09000610", "09600610"), "PARSE_ERROR"),
        (LINE.replace("09000610", "09006010"), "PARSE_ERROR"),
        (LINE.replace("@00122", "@-0122"), "PARSE_ERROR"),
        (LINE.replace("@00122", "@1.220"), "PARSE_ERROR"),
        ("\n", "PARSE_ERROR"),
        (LINE.replace(" ", "\t"), "MISSING_COLUMN"),
        (LINE.replace(" ", "  "), "EXTRA_COLUMN"),
    ],
)
def test_a_line_that_is_not_b6034_is_refused_by_number(tmp_path: Path, line: str, code: str) -> None:
    found, message = refused(tmp_path, LINE + line + LINE)
    assert found == code
    assert "line 2 of krx/20110216.txt" in message


@pytest.mark.parametrize(
    "data",
    [LINE.encode("utf-16"), LINE.encode("utf-16-le"), b"\xef\xbb\xbf" + LINE.encode(),
     LINE.replace("KR", "ＫＲ").encode("cp949"), LINE.replace("3@", "٣@").encode()],
)  # fmt: skip
def test_another_encoding_is_named(tmp_path: Path, data: bytes) -> None:
    assert refused(tmp_path, data)[0] == "BAD_ENCODING"


def test_a_name_that_lies_about_compression_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, gzip.compress(LINE.encode()))[0] == "NOT_WHAT_IT_SAYS"
    assert refused(tmp_path, LINE, "krx/day.txt.gz")[0] == "NOT_WHAT_IT_SAYS"


@pytest.mark.parametrize(("data", "name"), [(b"", NAME), (gzip.compress(b"", mtime=0), "krx/day.txt.gz")])
def test_a_file_without_a_line_is_refused(tmp_path: Path, data: bytes, name: str) -> None:
    assert refused(tmp_path, data, name)[0] == "EMPTY"


def test_a_gzip_that_expands_too_far_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, gzip.compress(b"0" * 40_000_000), "krx/day.txt.gz")[0] in {"TOO_LARGE", "NOT_WHAT_IT_SAYS"}
