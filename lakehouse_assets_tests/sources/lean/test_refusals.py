"""What is not Lean's, is damaged or lies about itself is refused as a whole, with a reason in words."""

import io
import zipfile
from pathlib import Path

import pytest

from lakehouse_assets.sources.lean import read
from lakehouse_assets.sources.lean.naming import lean_file
from lakehouse_assets.sources.samples import LEAN_SAMPLE
from lakehouse_assets_tests.sources.landed import LEAN, landed, refusal, ticks

QUOTES = "option/usa/minute/twx/20140605_quote_american.zip"
TRADES = "option/usa/minute/twx/20140605_trade_american.zip"
ENTRY = "20140605_twx_minute_quote_american_call_600000_20140621.csv"
LINE = "34200000,1900,4900,1900,4900,44,9200,22700,9200,9400,49\n"


def reason(tmp_path: Path, entries: dict[str, bytes | str], name: str = QUOTES) -> tuple[str, str]:
    """Code and message for a zip with these entries."""
    path = tmp_path / Path(name).name
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in entries.items():
            archive.writestr(entry, text)
    error = refusal(read, landed(path, f"lean/{name}", LEAN))
    return error.reason, str(error)


def test_the_entry_that_the_others_spoil_is_good(tmp_path: Path) -> None:
    path = tmp_path / "20140605_quote_american.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(ENTRY, LINE)
    assert ticks(read, landed(path, f"lean/{QUOTES}", LEAN)).num_rows == 1


@pytest.mark.parametrize("power", range(18))
def test_a_zip_cut_at_a_power_of_two_is_refused(tmp_path: Path, power: int) -> None:
    whole = (LEAN_SAMPLE / "Data" / QUOTES).read_bytes()
    assert 2**power < len(whole)
    path = tmp_path / "20140605_quote_american.zip"
    path.write_bytes(whole[: 2**power])
    assert refusal(read, landed(path, f"lean/{QUOTES}", LEAN)).reason in {"TRUNCATED", "NOT_WHAT_IT_SAYS"}


@pytest.mark.parametrize("place", [60, 200, 1_000, 3_000])
def test_a_flipped_byte_is_noticed(tmp_path: Path, place: int) -> None:
    data = bytearray((LEAN_SAMPLE / "Data" / TRADES).read_bytes())
    data[place] ^= 0x55
    path = tmp_path / "20140605_trade_american.zip"
    path.write_bytes(bytes(data))
    refusal(read, landed(path, f"lean/{TRADES}", LEAN))


def test_an_archive_without_entries_is_refused(tmp_path: Path) -> None:
    assert reason(tmp_path, {})[0] == "EMPTY"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (LINE.rpartition(",")[0] + "\n", "MISSING_COLUMN"),
        (LINE.strip() + ",5\n", "EXTRA_COLUMN"),
        ("34200000,143000,143000,143000,143000,5\n", "MISSING_COLUMN"),  # a trade bar
        (LINE.replace("1900", "0.19"), "PARSE_ERROR"),
        (LINE.replace("34200000", ""), "PARSE_ERROR"),
        (LINE.replace("34200000", "34200001"), "PARSE_ERROR"),
        (LINE.replace("34200000", "86400000"), "PARSE_ERROR"),
        (LINE.replace("34200000", "-60000"), "PARSE_ERROR"),
        (LINE + "\n", "PARSE_ERROR"),
        ("ms,bid_open,bid_high,bid_low,bid_close,bid_size,o,h,l,c,s\n" + LINE, "PARSE_ERROR"),
        (LINE.replace("1900", "abc"), "PARSE_ERROR"),
    ],
)
def test_a_line_that_is_not_a_quote_bar_is_refused_by_name_and_number(tmp_path: Path, line: str, code: str) -> None:
    found, message = reason(tmp_path, {ENTRY.replace("call", "put"): LINE, ENTRY: LINE + line})
    assert found == code
    assert f"of {ENTRY} in lean/{QUOTES}" in message
    assert any(f"line {number} " in message for number in (2, 3))


def _exchanged(first: int, second: int) -> str:
    cells = LINE.strip().split(",")
    cells[first], cells[second] = cells[second], cells[first]
    return ",".join(cells) + "\n"


@pytest.mark.parametrize(
    ("first", "second"), [(0, 1), (0, 5), (1, 5), (2, 3), (4, 5), (4, 9), (3, 8), (7, 8), (9, 10), (0, 10)]
)
def test_exchanged_columns_are_noticed(tmp_path: Path, first: int, second: int) -> None:
    code, message = reason(tmp_path, {ENTRY: _exchanged(first, second)})
    assert code == "PARSE_ERROR"
    assert "are columns exchanged?" in message


@pytest.mark.parametrize(
    "data",
    [
        LINE.encode("utf-16"), LINE.encode("utf-16-le"), LINE.encode("utf-32"), b"\xef\xbb\xbf" + LINE.encode(),
        LINE.replace("44", "4٤").encode(), LINE.replace("44", "é").encode("latin-1"),
    ],
)  # fmt: skip
def test_another_encoding_is_named(tmp_path: Path, data: bytes) -> None:
    assert reason(tmp_path, {ENTRY: data})[0] == "BAD_ENCODING"


def test_old_line_ends_are_refused(tmp_path: Path) -> None:
    assert reason(tmp_path, {ENTRY: (LINE * 2).replace("\n", "\r")})[0] == "PARSE_ERROR"


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY.replace("20140605_", "20140606_"),
        ENTRY.replace("twx", "aapl"),
        ENTRY.replace("quote", "trade"),
        ENTRY.replace("american", "european"),
        ENTRY.replace("minute", "second"),
        ENTRY.replace("call", "straddle"),
        ENTRY.replace("20140621", "20140631"),
        ENTRY.replace("20140621", "2014062"),
        ENTRY.replace("600000", "6e5"),
        ENTRY.replace("600000", "600001"),  # no OSI symbol has four decimals
        ENTRY.replace(".csv", ".CSV"),
        f"folder/{ENTRY}",
        "call_600000_20140621.csv",
        "readme.md",
    ],
)
def test_an_entry_whose_name_lies_is_refused(tmp_path: Path, entry: str) -> None:
    code, message = reason(tmp_path, {ENTRY.replace("call", "put"): LINE, entry: LINE})
    assert code == "NOT_WHAT_IT_SAYS"
    assert entry in message


def test_a_share_has_one_entry_with_one_name(tmp_path: Path) -> None:
    name = "equity/usa/minute/twx/20140605_quote.zip"
    assert reason(tmp_path, {"20140605_twx_minute_trade.csv": LINE}, name)[0] == "NOT_WHAT_IT_SAYS"


def test_entries_that_point_outside_are_refused(tmp_path: Path) -> None:
    assert reason(tmp_path, {f"../{ENTRY}": LINE})[0] == "UNSAFE_ENTRY"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "20140605_quote_american.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(ENTRY, "1" * 2_000_000)
    error = refusal(read, landed(path, f"lean/{QUOTES}", LEAN))
    assert (error.reason, "a line of more than" in str(error)) == ("PARSE_ERROR", True)


def test_a_text_file_with_the_name_of_a_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "20140605_quote_american.zip"
    path.write_text(LINE)
    assert refusal(read, landed(path, f"lean/{QUOTES}", LEAN)).reason == "NOT_WHAT_IT_SAYS"


@pytest.mark.parametrize(
    "name",
    [
        "lean/futureoption/cme/minute/es/20200320/20200105_quote_american.zip",
        "lean/option/usa/daily/twx_quote_american.zip",
        "lean/option/usa/second/twx/20140605_quote_american.zip",
        "lean/option/india/minute/twx/20140605_quote_american.zip",
        "lean/option/usa/minute/twx/20140605_quote.zip",
        "lean/equity/usa/minute/twx/20140605_quote_american.zip",
        "lean/equity/usa/minute/twx/20140605_openinterest.zip",
        "lean/option/usa/minute/twx/20140631_quote_american.zip",
        "lean/20140605_quote_american.zip",
    ],
)
def test_a_path_that_is_not_lean_s_is_refused_unread(tmp_path: Path, name: str) -> None:
    path = tmp_path / Path(name).name
    path.write_bytes(b"not even a zip")
    assert refusal(read, landed(path, name, LEAN)).reason == "UNEXPECTED_NAME"


def test_futures_options_are_refused_with_the_cause() -> None:
    name = "lean/Data/futureoption/cme/minute/es/20200320/20200105_quote_american.zip"
    path = Path("unread")
    assert "holds futureoption data" in str(refusal(read, landed(path, name, LEAN)))


@pytest.mark.parametrize("prefix", ["lean/", "lean/Data/", "lean/2026/Data/"])
def test_the_layout_is_found_below_any_folder(prefix: str) -> None:
    found = lean_file(f"{prefix}option/usa/minute/brk.b/20140605_quote_american.zip")
    assert (found.ticker, found.tick_type, found.style) == ("brk.b", "quote", "american")


def test_bytes_that_are_no_archive_at_all_leave_no_open_file(tmp_path: Path) -> None:
    path = tmp_path / "20140605_quote_american.zip"
    path.write_bytes(io.BytesIO(b"PK\x03\x04" + bytes(100)).getvalue())
    assert refusal(read, landed(path, f"lean/{QUOTES}", LEAN)).reason == "TRUNCATED"
    path.unlink()
