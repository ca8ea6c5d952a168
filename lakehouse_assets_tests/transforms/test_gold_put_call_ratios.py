"""Puts against calls."""

import pytest

from lakehouse_assets_tests.transforms.stories import (
    ISIN_PUT,
    Row,
    assert_honoured,
    nullable,
    quote,
    run,
    silver,
    tick,
    trade,
    without,
)

TABLE = "gold_put_call_ratios"
PUT = {"symbol": ISIN_PUT, "option_type": "P"}


def ratios(*ticks: Row) -> list[Row]:
    return run(TABLE, gold_option_daily_summary=run("gold_option_daily_summary", silver_option_ticks=silver(*ticks)))


def test_ratios_are_puts_over_calls() -> None:
    (row,) = ratios(
        trade(1, 5.0, 4.0), trade(2, 3.0, 6.0, **PUT), quote(3, 4.9, 5.1), quote(4, 4.9, 5.1),
        quote(5, 2.9, 3.1, **PUT), tick(6, event_type="open_interest", open_interest=50.0),
        tick(7, event_type="open_interest", open_interest=25.0, **PUT),
    )  # fmt: skip
    names = ("put_call_volume_ratio", "put_call_open_interest_ratio", "put_call_quote_ratio")
    assert [row[name] for name in names] == [1.5, 0.5, 0.5]


def test_without_calls_there_is_no_ratio() -> None:
    (row,) = ratios(trade(2, 3.0, 6.0, **PUT))
    assert (row["put_volume"], row["call_volume"], row["put_call_volume_ratio"]) == (6.0, 0.0, None)
    assert row["put_open_interest"] is None


def test_contracts_of_unknown_terms_are_left_out() -> None:
    assert ratios(trade(1, 5.0, underlying=None)) == []
    assert ratios() == []


@pytest.mark.parametrize("column", nullable("gold_option_daily_summary"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    daily = run("gold_option_daily_summary", silver_option_ticks=silver(trade(1, 5.0), quote(2, 2.9, 3.1, **PUT)))
    assert_honoured(TABLE, run(TABLE, gold_option_daily_summary=without(daily, column)))
