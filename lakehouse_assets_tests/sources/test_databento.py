"""The Databento feed: each schema of the real samples as ticks, and files that are not what they say."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.settings import SourceSettings
from lakehouse_assets.sources import dbn_records as dbn
from lakehouse_assets.sources.adapter import LandedFile
from lakehouse_assets.sources.databento import read
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.sources.landed import landed, refusal, ticks

OPRA = SourceSettings(adapter="databento", venue="OPRA", currency="USD", files="**/*", contract_multiplier=100.0)
SYMBOL = "AAPL  250221C00250000"
DAY = dt.date(2025, 2, 20)


def sample(schema: str, batch_size: int = 1_000) -> LandedFile:
    name = f"test_data.{schema}.dbn.zst"
    return landed(real_data(f"opra_dbn/{name}"), f"opra/{name}", OPRA, batch_size)


def expanded(schema: str) -> bytes:
    return bytes(pa.input_stream(sample(schema).path, compression="zstd").read())


def made(tmp_path: Path, data: bytes, name: str = "made.dbn") -> LandedFile:
    (tmp_path / name).write_bytes(data)
    return landed(tmp_path / name, f"opra/{name}", OPRA)


def column(file: LandedFile, name: str) -> list[Any]:
    return list(ticks(read, file).column(name).to_pylist())


TICKS = ["trades", "tbbo", "mbp-1", "cbbo-1s", "cbbo-1m", "ohlcv-1m", "statistics"]


@pytest.mark.parametrize("schema", TICKS)
def test_every_schema_with_ticks_gives_the_contract_and_its_trading_date(schema: str) -> None:
    rows = ticks(read, sample(schema)).to_pylist()
    assert [row["source_seq"] for row in rows] == [0, 1, 2, 3]
    for row in rows:
        assert (row["symbol"], row["raw_symbol"], row["underlying"]) == (SYMBOL, SYMBOL, "AAPL")
        assert (row["option_type"], row["strike_price"], row["expiration"]) == ("C", 250.0, dt.date(2025, 2, 21))
        assert (row["trading_date"], row["venue"], row["currency"], row["contract_multiplier"]) == (
            DAY,
            "OPRA",
            "USD",
            100,
        )


def test_trades_are_scaled_to_the_currency_and_keep_their_nanoseconds() -> None:
    rows = ticks(read, sample("trades")).to_pylist()
    assert [row["last_price"] for row in rows] == [0.24, 0.2, 0.19, 0.19]
    assert [row["last_size"] for row in rows] == [1.0, 2.0, 1.0, 4.0]
    assert rows[0]["ts_event_ns"] == 1740061800817657088
    assert rows[0]["timestamp"] == dt.datetime(2025, 2, 20, 14, 30, 0, 817657, tzinfo=dt.UTC)
    assert rows[0]["ts_recv"] == dt.datetime(2025, 2, 20, 14, 30, 0, 817866, tzinfo=dt.UTC)
    assert (rows[0]["sequence"], rows[0]["flags"], rows[0]["event_type"]) == (713382, 194, "trade")
    assert rows[0]["bid_px_00"] is None


def test_a_trade_of_tbbo_carries_the_quotes_before_it() -> None:
    row = ticks(read, sample("tbbo")).to_pylist()[0]
    assert (row["event_type"], row["last_price"]) == ("trade", 0.24)
    assert (row["bid_px_00"], row["bid_sz_00"], row["ask_px_00"], row["ask_sz_00"]) == (0.24, 1.0, 0.25, 4.0)


def test_an_undefined_price_is_null_and_so_is_its_size() -> None:
    rows = ticks(read, sample("mbp-1")).to_pylist()
    assert {row["event_type"] for row in rows} == {"quote"}
    assert {row[name] for row in rows for name in ("bid_px_00", "bid_sz_00", "ask_px_00", "last_price")} == {None}


@pytest.mark.parametrize(("schema", "second"), [("cbbo-1s", dt.time(14, 30, 1)), ("cbbo-1m", dt.time(14, 31))])
def test_a_sample_of_the_book_is_stamped_at_its_end_not_at_the_last_trade(schema: str, second: dt.time) -> None:
    first, traded, *_ = ticks(read, sample(schema)).to_pylist()
    assert traded["timestamp"] == dt.datetime.combine(DAY, second, dt.UTC)
    assert (traded["event_type"], traded["last_price"]) == ("quote", None)
    assert first["timestamp"] is not None  # before any trade the last trade's time is undefined, the sample's is not
    assert first["bid_px_00"] is None


def test_the_book_of_a_sample_is_read_as_it_stands() -> None:
    row = ticks(read, sample("cbbo-1m")).to_pylist()[1]
    assert (row["bid_px_00"], row["bid_sz_00"], row["ask_px_00"], row["ask_sz_00"]) == (0.32, 104.0, 0.34, 132.0)


def test_a_minute_bar_carries_its_start_its_close_and_its_volume() -> None:
    row = ticks(read, sample("ohlcv-1m")).to_pylist()[0]
    assert (row["event_type"], row["last_price"], row["last_size"]) == ("trade_bar_1m", 0.33, 70.0)
    assert row["timestamp"] == dt.datetime(2025, 2, 20, 14, 30, tzinfo=dt.UTC)


def test_open_interest_is_read_from_statistics() -> None:
    rows = ticks(read, sample("statistics")).to_pylist()
    assert {(row["event_type"], row["open_interest"]) for row in rows} == {("open_interest", 57924.0)}


@pytest.mark.parametrize("schema", ["definition", "ohlcv-1s", "ohlcv-1h", "ohlcv-1d"])
def test_a_schema_without_ticks_is_refused(schema: str) -> None:
    assert refusal(read, sample(schema)).reason == "NO_TICKS"


@pytest.mark.parametrize("schema", TICKS)
def test_the_layouts_are_those_of_the_library(schema: str) -> None:
    import databento_dbn as library

    theirs = {
        "trades": library.TradeMsg, "tbbo": library.MBP1Msg, "mbp-1": library.MBP1Msg, "cbbo-1s": library.CBBOMsg,
        "cbbo-1m": library.CBBOMsg, "ohlcv-1m": library.OHLCVMsg, "statistics": library.StatMsg,
    }  # fmt: skip
    decoder = library.DBNDecoder()
    decoder.write(expanded(schema))
    messages: list[Any] = [message for message in decoder.decode() if isinstance(message, theirs[schema])]
    known = dbn.record_of(schema, 3, False)
    assert known is not None
    records = np.frombuffer(expanded(schema)[-len(messages) * known[1].itemsize :], known[1])
    assert len(messages) == 4
    for name in set(records.dtype.names or ()) - {"length", "rtype", "action", "side", "counts", "reserved", "depth"}:
        if "px_00" in name or "sz_00" in name:
            found = [getattr(message.levels[0], name.replace("_00", "")) for message in messages]
        else:
            found = [getattr(message, name) for message in messages]
        assert [int(value) for value in found] == records[name].tolist(), name


def test_batches_do_not_change_what_is_read() -> None:
    whole = ticks(read, sample("trades"))
    assert ticks(read, sample("trades", batch_size=3)).combine_chunks().equals(whole.combine_chunks())


def test_a_plain_file_reads_as_its_compressed_one_and_sending_times_are_passed_over(tmp_path: Path) -> None:
    assert ticks(read, made(tmp_path, expanded("tbbo"))).equals(ticks(read, sample("tbbo")))
    data = expanded("trades")
    start = 8 + int.from_bytes(data[4:8], "little")
    records = [data[place : place + 48] for place in range(start, len(data), 48)]
    head = bytearray(data[:start])
    head[8 + 16 + 2 + 8 + 8 + 8 + 1 + 1] = 1  # the flag ts_out of the metadata
    longer = b"".join(bytes([14]) + record[1:] + bytes(8) for record in records)
    assert column(made(tmp_path, bytes(head) + longer), "last_price") == [0.24, 0.2, 0.19, 0.19]


def test_an_instrument_without_a_mapping_on_its_day_has_no_symbol(tmp_path: Path) -> None:
    data = bytearray(expanded("trades"))
    start = 8 + int.from_bytes(data[4:8], "little")
    data[start + 4 : start + 8] = (7).to_bytes(4, "little")
    day_later = (1740061800817866523 + 86_400 * 10**9).to_bytes(8, "little")
    data[start + 48 + 32 : start + 48 + 40] = day_later
    file = made(tmp_path, bytes(data))
    assert column(file, "symbol") == [None, None, SYMBOL, SYMBOL]
    assert column(file, "raw_symbol") == ["7", "16783963", SYMBOL, SYMBOL]


def compressed(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def mixed(data: bytes) -> bytes:
    return data[:-47] + b"\x17" + data[-46:]


def of_another_dataset(data: bytes) -> bytes:
    return data.replace(b"OPRA.PILLAR", b"GLBX.MDP3\0\0")


DAMAGED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut within a record": (lambda data: data[:-5], "TRUNCATED"),
    "cut within its metadata": (lambda data: data[:100], "TRUNCATED"),
    "cut within its first bytes": (lambda data: data[:5], "TRUNCATED"),
    "of mixed records": (mixed, "PARSE_ERROR"),
    "of another dataset": (of_another_dataset, "NOT_WHAT_IT_SAYS"),
    "text": (lambda _: b"symbol,price\n", "NOT_WHAT_IT_SAYS"),
    "compressed text": (lambda _: compressed(b"symbol,price\n"), "NOT_WHAT_IT_SAYS"),
    "compressed and cut": (lambda data: compressed(data)[:-20], "TRUNCATED"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    damage, reason = DAMAGED[case]
    assert refusal(read, made(tmp_path, damage(expanded("trades")))).reason == reason


@pytest.mark.parametrize("schema", ["trades", "cbbo-1m"])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, schema: str) -> None:
    whole = sample(schema).path.read_bytes()
    for size in range(1, len(whole)):
        reason = refusal(read, made(tmp_path, whole[:size])).reason
        assert reason in ("TRUNCATED", "NOT_WHAT_IT_SAYS"), size
