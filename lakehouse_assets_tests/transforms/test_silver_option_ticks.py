"""Silver options: what is trusted, what is flagged, and that flags look only backward."""

from datetime import date, timedelta

import pytest

from lakehouse_assets_tests.transforms.stories import (
    ISIN_CALL,
    OPEN,
    OSI_CALL,
    Row,
    assert_honoured,
    at,
    nullable,
    quarantined,
    quote,
    run,
    silver,
    tick,
    trade,
    without,
)


def flags(row: Row) -> set[str]:
    return set((row["soft_codes"] or "").split(",")) - {""}


def calm(count: int = 30, **values: object) -> list[Row]:
    """Quotes 0.1 around 5.0 that wander by a cent, a second apart."""
    return [quote(n, 4.95 + 0.01 * (n % 3), 5.05 + 0.01 * (n % 3), **values) for n in range(count)]


def test_a_clean_quote_passes_with_its_mid_and_no_flag() -> None:
    (row,) = silver(quote(1, 4.9, 5.1))
    assert (row["mid_price"], row["soft_codes"], row["available_at"]) == (5.0, None, at(1))


def test_every_column_of_bronze_passes_unchanged() -> None:
    given = quote(1, 4.9, 5.1, raw_symbol="raw", ts_event_ns=7, volume=3.0, mark_iv=0.2, open_interest=9.0, flags=4)
    (row,) = silver(given)
    assert {name: row[name] for name in given} == given


def test_nothing_in_nothing_out() -> None:
    assert silver() == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (quote(1, None, None), "EMPTY_BOOK"),
        (quote(1, 4.9, None), "ONE_SIDED"),
        (quote(1, None, 5.1), "ONE_SIDED"),
        (quote(1, None, 5.1), "ZERO_BID"),
        (quote(1, 0.0, 5.1), "ZERO_BID"),
        (quote(1, 5.0, 5.0), "LOCKED"),
        (quote(1, 1.0, 3.5), "WIDE_SPREAD"),
        (quote(1, 4.9, 5.1, ts_recv=at(1.101)), "LATE_ARRIVAL"),
        (quote(1, 4.9, 5.1, ts_recv=at(-0.001)), "CLOCK_SKEW"),
        (trade(1, 5.0, condition="B"), "BAD_CONDITION"),
        (quote(7 * 3600, 4.9, 5.1), "OUT_OF_SESSION"),
    ],
)
def test_a_single_tick_is_flagged_for_what_it_is(row: Row, code: str) -> None:
    (found,) = silver(row)
    assert code in flags(found)
    assert quarantined(row) == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (quote(1, 4.9, 5.1, ts_recv=at(1.1)), "LATE_ARRIVAL"),
        (quote(1, 4.9, 5.1, ts_recv=at(0)), "CLOCK_SKEW"),
        (quote(1, 1.0, 3.0), "WIDE_SPREAD"),
        (trade(1, 5.0, condition="I"), "BAD_CONDITION"),
        (trade(1, 5.0), "EMPTY_BOOK"),
        (tick(1, event_type="open_interest", open_interest=5.0), "EMPTY_BOOK"),
        (quote(0, 4.9, 5.1), "SAME_TS"),
    ],
)
def test_the_limit_itself_is_not_beyond_the_limit(row: Row, code: str) -> None:
    (found,) = silver(row)
    assert code not in flags(found)


@pytest.mark.parametrize(
    ("venue", "hours", "flagged"),
    [
        ("KRX", 6.75, False),  # 15:45 in Seoul, the closing instant
        ("KRX", 6.7501, True),
        ("KRX", 9.0, False),  # 18:00, the night opens
        ("KRX", -3.0, False),  # 06:00, it closes
        ("KRX", -2.9, True),
        ("OPRA", 14.5, False),  # 09:30 in New York, winter
        ("OPRA", 14.49, True),
        ("OPRA", 21.25, False),  # 16:15
        ("OPRA", 21.26, True),
        ("ELSEWHERE", 3.0, False),
    ],
)
def test_hours_are_those_of_the_venue(venue: str, hours: float, flagged: bool) -> None:
    terms = {"symbol": OSI_CALL} if venue == "OPRA" else {}
    (row,) = silver(quote(hours * 3600, 4.9, 5.1, venue=venue, source_seq=1, **terms))
    assert ("OUT_OF_SESSION" in flags(row)) is flagged


@pytest.mark.parametrize(
    ("day", "opens_at_utc"),
    [
        (date(2026, 3, 6), 14.5),
        (date(2026, 3, 9), 13.5),  # after the second Sunday of March, the 8th
        (date(2026, 10, 30), 13.5),
        (date(2026, 11, 2), 14.5),  # after the first Sunday of November, the 1st
        (date(2015, 3, 6), 14.5),
        (date(2015, 3, 9), 13.5),
        (date(2020, 10, 30), 13.5),
        (date(2015, 12, 24), 14.5),  # a half day: its early close is not known here
    ],
)
def test_new_york_moves_its_clock(day: date, opens_at_utc: float) -> None:
    opened = OPEN.replace(year=day.year, month=day.month, day=day.day) + timedelta(hours=opens_at_utc)
    terms = {"venue": "OPRA", "symbol": OSI_CALL, "trading_date": day, "expiration": None, "sequence": None}
    rows = silver(
        quote(1, 4.9, 5.1, timestamp=opened - timedelta(microseconds=1), **terms),
        quote(2, 4.9, 5.1, timestamp=opened, **terms),
    )
    assert [("OUT_OF_SESSION" in flags(row)) for row in rows] == [True, False]


def test_a_night_tick_keeps_the_trading_date_of_the_next_day() -> None:
    (row,) = silver(quote(-6 * 3600, 4.9, 5.1, source_seq=1))
    assert (row["trading_date"].isoformat(), row["soft_codes"]) == ("2026-11-20", None)


def test_a_bar_is_known_a_minute_after_its_start_and_nothing_before_it_happened() -> None:
    rows = silver(
        tick(0, event_type="quote_bar_1m", bid_px_00=1.0, ask_px_00=1.1),
        quote(1, 1.0, 1.1, ts_recv=at(1.05)),
        quote(2, 1.0, 1.1, ts_recv=at(0.5)),
    )
    assert [row["available_at"] for row in rows] == [at(60), at(1.05), at(2)]


def test_equal_time_and_equal_content_are_flagged_on_the_later_row_and_never_dropped() -> None:
    rows = silver(
        quote(1, 4.9, 5.1, sequence=1, source_seq=1),
        quote(1, 4.9, 5.1, sequence=2, source_seq=2),
        quote(1, 4.9, 5.2, sequence=3, source_seq=3),
        quote(2, 4.9, 5.2, sequence=4, source_seq=4),
    )
    assert [flags(row) for row in rows] == [set(), {"SAME_TS", "DUP_CONTENT"}, {"SAME_TS"}, set()]


def test_ties_without_sequence_are_ordered_by_file_and_row() -> None:
    rows = [quote(1, 4.9, 5.1 + n / 10, sequence=None, source_seq=n) for n in range(4)]
    assert silver(*rows) == silver(*reversed(rows))


def test_a_fat_finger_stands_out_from_the_mids_before_it() -> None:
    rows = silver(*calm(), quote(40, 49.5, 50.5))
    assert [flags(row) & {"MID_OUTLIER"} for row in rows][-1] == {"MID_OUTLIER"}
    assert all("MID_OUTLIER" not in flags(row) for row in rows[:-1])


def test_a_quote_is_wide_against_the_ones_before_it() -> None:
    assert "WIDE_SPREAD" in flags(silver(*calm(), quote(40, 4.0, 6.0))[-1])
    assert "WIDE_SPREAD" not in flags(silver(*calm(), quote(40, 4.6, 5.4))[-1])


def test_too_few_quotes_make_nothing_unusual() -> None:
    assert flags(silver(*calm(5), quote(40, 49.5, 50.5))[-1]) == set()


def test_a_print_is_held_against_the_latest_quote_before_it() -> None:
    rows = silver(quote(1, 4.9, 5.1), trade(2, 5.0), trade(3, 5.2), quote(4, 5.1, 5.3), trade(5, 5.2), trade(6, 5.0))
    assert ["OUTSIDE_QUOTE" in flags(row) for row in rows] == [False, False, True, False, False, True]
    assert [row["prevailing_mid"] for row in rows] == [None, 5.0, 5.0, None, 5.2, 5.2]


def test_a_print_after_a_one_sided_quote_has_no_prevailing_mid_and_one_side_to_pass() -> None:
    rows = silver(quote(1, 4.9, 5.1), quote(2, None, 5.1), trade(3, 9.0), trade(4, 0.1))
    assert [row["prevailing_mid"] for row in rows[2:]] == [None, None]
    assert [flags(row) for row in rows[2:]] == [{"OUTSIDE_QUOTE"}, set()]


def test_a_fast_market_is_no_outlier() -> None:
    assert "MID_OUTLIER" not in flags(silver(*calm(), quote(40, 6.9, 7.1))[-1])


def test_flags_never_look_ahead() -> None:
    rows = [*calm(), quote(40, 49.5, 50.5), trade(41, 5.0), *(quote(50 + n, 4.9, 5.2) for n in range(20))]
    whole = silver(*rows)
    for cut in range(1, len(rows), 7):
        assert silver(*rows[:cut]) == [row for row in whole if row["timestamp"] <= rows[cut - 1]["timestamp"]]


def test_other_contracts_do_not_matter() -> None:
    others = calm(symbol=ISIN_CALL, source_file="simulated/other.parquet")
    alone = silver(*calm())
    assert [row for row in silver(*calm(), *others) if row["symbol"] != ISIN_CALL] == alone


def test_a_waived_rule_flags_instead_of_quarantining() -> None:
    crossed = quote(1, 5.1, 4.9)
    (row,) = silver(crossed, validation_rules="EXPIRED,NEG_PRICE")
    assert (flags(row), row["mid_price"]) == ({"CROSSED"}, None)
    assert quarantined(crossed, validation_rules="EXPIRED,NEG_PRICE") == []


@pytest.mark.parametrize("column", nullable("bronze_option_ticks"))
def test_a_null_in_any_column_loses_no_row(column: str) -> None:
    rows = without([*calm(12), trade(20, 5.0)], column)
    trusted, refused = silver(*rows), quarantined(*rows)
    assert len(trusted) + len(refused) == 13
    assert_honoured("silver_option_ticks", trusted)
    assert_honoured("silver_quarantined_ticks", refused)


def test_a_null_symbol_never_reaches_silver() -> None:
    assert silver(quote(1, 4.9, 5.1, symbol=None)) == []


def test_thresholds_come_from_the_settings() -> None:
    row = quote(1, 4.0, 5.0)
    assert flags(run("silver_option_ticks", {"max_relative_spread": 0.2}, bronze_option_ticks=[row])[0]) == {
        "WIDE_SPREAD"
    }
    late = quote(1, 4.9, 5.1, ts_recv=at(1.02))
    assert flags(silver(late, late_arrival_ms=10.0)[0]) == {"LATE_ARRIVAL"}
