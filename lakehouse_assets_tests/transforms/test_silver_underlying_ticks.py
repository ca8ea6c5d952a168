"""Silver underlyings: the same judgement, without what only options have."""

import pytest

from lakehouse_assets_tests.transforms.stories import (
    Row,
    assert_honoured,
    at,
    nullable,
    of_underlying,
    quote,
    run,
    trade,
    without,
)


def silver(*ticks: Row) -> list[Row]:
    return run("silver_underlying_ticks", bronze_underlying_ticks=ticks)


def test_a_ticker_is_symbol_enough() -> None:
    (row,) = silver(of_underlying(trade(1, 400.0)))
    assert (row["symbol"], row["soft_codes"], row["available_at"]) == ("SPX", None, at(1))


@pytest.mark.parametrize("bad", [{"symbol": None}, {"timestamp": None}, {"last_price": -1.0}, {"last_size": 0.0}])
def test_what_cannot_be_true_is_refused(bad: Row) -> None:
    assert silver({**of_underlying(trade(1, 400.0)), **bad}) == []


def test_condition_codes_of_equity_tapes_cancel_nothing() -> None:
    assert len(silver(of_underlying(trade(1, 400.0, condition="C")))) == 1


def test_quotes_get_mids_and_prints_their_prevailing_mid() -> None:
    rows = silver(of_underlying(quote(1, 399.0, 401.0)), of_underlying(trade(2, 400.0)))
    assert [(row["mid_price"], row["prevailing_mid"]) for row in rows] == [(400.0, None), (None, 400.0)]


@pytest.mark.parametrize("column", nullable("bronze_underlying_ticks"))
def test_a_null_in_any_column_is_no_error(column: str) -> None:
    rows = silver(*without([of_underlying(quote(1, 399.0, 401.0)), of_underlying(trade(2, 400.0))], column))
    assert_honoured("silver_underlying_ticks", rows)


def test_nothing_in_nothing_out() -> None:
    assert silver() == []
