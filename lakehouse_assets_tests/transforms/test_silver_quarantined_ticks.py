"""The quarantine: each hard rule, what it spares, and that every bronze row is in exactly one table."""

from datetime import date

import pytest

from lakehouse_assets.contracts.silver import HARD_CODES, RULE_VERSION
from lakehouse_assets.settings import SilverSettings
from lakehouse_assets_tests.transforms.stories import (
    ISIN_CALL,
    OSI_CALL,
    OSI_PUT,
    Row,
    assert_honoured,
    of_underlying,
    quarantined,
    quote,
    run,
    silver,
    tick,
    trade,
)

SATURDAY = {"venue": "OPRA", "expiration": date(2013, 7, 20), "symbol": "AAPL  130720C00400000", "strike_price": 400.0}
VENUES = ("OPRA", "XNYS", "KRX", "XEUR", None)
FREE = {"expiration": None, "strike_price": None, "option_type": None}


def listed(venue: str | None, symbol: str, **terms: object) -> Row:
    return quote(1, 4.9, 5.1, venue=venue, symbol=symbol, **terms)


def codes(*rows: Row) -> list[str]:
    return [row["reason_codes"] for row in quarantined(*rows)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (quote(1, 4.9, 5.1, timestamp=None), "PARSE_ERROR"),
        (quote(1, 4.9, 5.1, event_type="rumour"), "SCHEMA_DRIFT"),
        (quote(1, 4.9, 5.1, option_type="X"), "SCHEMA_DRIFT,BAD_SYMBOL"),
        (quote(1, 4.9, 5.1, symbol=None), "BAD_SYMBOL"),
        (quote(1, 4.9, 5.1, symbol=""), "BAD_SYMBOL"),
        (quote(1, 4.9, 5.1, symbol="SPX"), "BAD_SYMBOL"),
        (quote(1, 4.9, 5.1, symbol="KR4201F32605"), "BAD_SYMBOL"),
        (quote(1, 4.9, 5.1, symbol="kr4201f32606"), "BAD_SYMBOL"),
        (quote(1, 4.9, 5.1, symbol=ISIN_CALL, option_type="P"), "BAD_SYMBOL"),
        (listed("OPRA", OSI_CALL.replace("1218", "1119"), expiration=date(2026, 11, 19)), "EXPIRED"),
        (quote(1, 4.9, 5.1, trading_date=date(2013, 7, 20), **SATURDAY), "EXPIRED"),
        (quote(1, -4.9, 5.1), "NEG_PRICE"),
        (quote(1, None, -5.1), "NEG_PRICE"),
        (trade(1, -5.0), "NEG_PRICE"),
        (quote(1, 4.9, 5.1, ask_sz_00=-1.0), "NEG_SIZE"),
        (trade(1, 5.0, -1.0), "NEG_SIZE"),
        (quote(1, 5.1, 4.9), "CROSSED"),
        (trade(1, 0.0), "ZERO_TRADE"),
        (trade(1, None), "ZERO_TRADE"),
        (trade(1, 5.0, 0.0), "ZERO_TRADE"),
        (tick(1, event_type="trade_bar_1m", last_price=0.0, last_size=1.0), "ZERO_TRADE"),
        (trade(1, 5.0, condition="A"), "CANCELLED"),
        (trade(1, -5.0, -1.0), "NEG_PRICE,NEG_SIZE"),
    ],
)
def test_each_rule_refuses_its_tick(row: Row, code: str) -> None:
    assert codes(row) == [code]
    assert silver(row) == []


@pytest.mark.parametrize(
    "row",
    [
        quote(1, 4.9, 4.9),
        quote(1, 0.0, 5.1),
        quote(1, None, None),
        trade(1, 5.0, None),
        trade(1, 5.0, condition="I"),
        quote(1, 4.9, 5.1, condition="A"),
        quote(1, 4.9, 5.1, symbol=ISIN_CALL),
        quote(1, 4.9, 5.1, symbol="US0378331005"),
        quote(1, 4.9, 5.1, expiration=None, strike_price=None, option_type=None),
        quote(1, 4.9, 5.1, trading_date=date(2026, 12, 18)),
        quote(1, 4.9, 5.1, trading_date=date(2013, 7, 19), **SATURDAY),
    ],
)
def test_what_is_odd_but_true_is_spared(row: Row) -> None:
    assert codes(row) == []
    assert len(silver(row)) == 1


NOT_OSI = [ISIN_CALL, OSI_CALL[:-1], OSI_CALL.lower(), OSI_CALL.replace("261218", "261318"), "O:SPX261218C04000000"]
NOT_ISIN = [OSI_CALL, "KR4201F32605", "kr4201f32606", "201FC400"]


@pytest.mark.parametrize(
    "row",
    [
        *(listed("OPRA", symbol) for symbol in NOT_OSI),
        *(listed("XNYS", symbol) for symbol in NOT_OSI),
        *(listed("KRX", symbol) for symbol in NOT_ISIN),
        *(listed(venue, "", **FREE) for venue in VENUES),
        *(listed(venue, OSI_PUT) for venue in VENUES),
        *(listed(venue, OSI_CALL, strike_price=4000.5) for venue in VENUES),
        *(listed(venue, OSI_CALL, expiration=date(2026, 12, 17)) for venue in VENUES),
        *(listed(venue, ISIN_CALL, option_type="P") for venue in VENUES),
        *(listed(venue, "KR4201F32605") for venue in (None, "XEUR", "")),
        *(listed(venue, OSI_CALL.replace("261218", "261318"), **FREE) for venue in (None, "XEUR", "")),
    ],
)
def test_what_is_no_symbol_of_its_venue_or_contradicts_its_terms_is_refused(row: Row) -> None:
    assert codes(row) == ["BAD_SYMBOL"]


@pytest.mark.parametrize(
    "row",
    [
        listed("OPRA", OSI_CALL),
        listed("XNYS", OSI_PUT, option_type="P"),
        listed("KRX", ISIN_CALL),
        *(listed(venue, symbol) for venue in (None, "XEUR", "DERIBIT") for symbol in (OSI_CALL, ISIN_CALL)),
        *(
            listed(venue, symbol)
            for venue in (None, "DERIBIT")
            for symbol in ("BTC-18DEC26-4000-C", "O:SPX", "KR42", "7")
        ),
        listed(None, "KR4301", option_type="C"),  # starts as KRX's puts do, but is no ISIN
    ],
)
def test_another_venues_own_id_is_taken_as_it_is(row: Row) -> None:
    assert codes(row) == []


def test_symbol_price_and_time_are_enough() -> None:
    given = {"source", "source_file", "source_seq", "ingest_id", "ingested_at", "trading_date", "event_type", "symbol",
             "last_price", "timestamp"}  # fmt: skip
    row = {name: value for name, value in trade(1, 5.0, symbol="ACME-C-100").items() if name in given}
    assert codes(row) == []
    assert [(row["symbol"], row["last_price"]) for row in silver(row)] == [("ACME-C-100", 5.0)]


@pytest.mark.parametrize("digit", range(10))
def test_only_one_check_digit_is_right(digit: int) -> None:
    assert (codes(quote(1, 4.9, 5.1, symbol=f"US037833100{digit}")) == []) is (digit == 5)


def test_a_repeated_source_key_keeps_its_first_delivery() -> None:
    first = quote(1, 4.9, 5.1, source_file="simulated/a.parquet", sequence=7)
    again = quote(1, 4.9, 5.1, source_file="simulated/b.parquet", sequence=7)
    (refused,) = quarantined(again, first)
    assert (refused["source_file"], refused["reason_codes"]) == ("simulated/b.parquet", "DUP_SOURCE_KEY")


@pytest.mark.parametrize("change", [{"sequence": 8}, {"source": "other"}, {"symbol": ISIN_CALL}, {"sequence": None}])
def test_another_source_symbol_or_number_is_no_repetition(change: Row) -> None:
    first = quote(1, 4.9, 5.1, sequence=7)
    assert codes(first, {**first, "source_seq": 2, **change}) == []


def test_equal_content_without_a_source_key_is_never_a_repetition() -> None:
    assert codes(*(quote(1, 4.9, 5.1, sequence=None, source_seq=n) for n in range(3))) == []


def test_a_cancel_takes_its_print_with_it_and_nothing_else() -> None:
    rows = [
        trade(1, 5.0, 2.0, sequence=1, source_seq=1),
        trade(1, 5.1, 2.0, sequence=2, source_seq=2),
        trade(1, 5.0, 2.0, sequence=3, source_seq=3, condition="C"),
        trade(1, 5.0, 2.0, sequence=4, source_seq=4),
        trade(1, 5.0, 2.0, sequence=5, source_seq=5, symbol=ISIN_CALL),
    ]
    assert [row["sequence"] for row in quarantined(*rows)] == [1, 3]


def test_an_underlying_is_judged_too_and_keeps_its_columns() -> None:
    rows = [of_underlying(trade(n, price)) for n, price in ((1, 100.0), (2, -1.0))]
    rows += [of_underlying(trade(3, 100.0), symbol=None), of_underlying(trade(4, 100.0), symbol="")]
    refused = quarantined(quote(2, 5.1, 4.9), underlyings=rows)
    assert [(r["instrument_type"], r["reason_codes"], r["last_price"]) for r in refused] == [
        ("option", "CROSSED", None),
        ("underlying", "NEG_PRICE", -1.0),
        ("underlying", "BAD_SYMBOL", 100.0),
        ("underlying", "BAD_SYMBOL", 100.0),
    ]
    assert all(r["strike_price"] is None for r in refused if r["instrument_type"] == "underlying")


def test_a_refused_row_keeps_every_column_and_names_the_rules_version() -> None:
    given = quote(1, 5.1, 4.9, raw_symbol="raw", mark_iv=0.3, condition="x", ts_event_ns=5)
    (row,) = quarantined(given)
    assert {name: row[name] for name in given} == given
    assert row["rule_version"] == RULE_VERSION
    assert_honoured("silver_quarantined_ticks", [row])


def test_every_row_is_in_exactly_one_table() -> None:
    options = [quote(n, 5.0 + (n % 3) / 10 - 0.1, 5.0, sequence=n // 2) for n in range(20)]
    options += [trade(30 + n, float(n - 1), condition="ACI"[n]) for n in range(3)]
    stocks = [of_underlying(trade(n, float(n % 4 - 1))) for n in range(9)]
    refused = quarantined(*options, underlyings=stocks)
    trusted = run("silver_underlying_ticks", bronze_underlying_ticks=stocks)
    places = [(r["instrument_type"], r["source_seq"]) for r in refused]
    places += [("option", r["source_seq"]) for r in silver(*options)]
    places += [("underlying", r["source_seq"]) for r in trusted]
    assert len(places) == len(set(places)) == len(options) + len(stocks)
    assert refused


def test_no_rule_but_the_missing_time_works_when_all_are_waived() -> None:
    rows = [quote(1, 5.1, 4.9, symbol=None), quote(2, 4.9, 5.1, timestamp=None)]
    assert [row["reason_codes"] for row in quarantined(*rows, validation_rules="")] == ["PARSE_ERROR"]
    (row,) = silver(*rows, validation_rules="")
    assert row["soft_codes"] == "BAD_SYMBOL,CROSSED"


def test_nothing_in_nothing_out() -> None:
    assert quarantined() == []


def test_the_settings_know_every_hard_code() -> None:
    assert SilverSettings().model_dump()["validation_rules"].split(",") == [c for c in HARD_CODES if c != "PARSE_ERROR"]
