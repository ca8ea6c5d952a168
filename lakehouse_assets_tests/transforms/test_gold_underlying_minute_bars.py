"""Bars of underlyings."""

import pytest

from lakehouse_assets_tests.transforms.stories import (
    assert_honoured,
    at,
    nullable,
    of_underlying,
    quote,
    run,
    trade,
    underlying_bars,
    without,
)

TABLE = "gold_underlying_minute_bars"


def test_prints_and_quotes_make_a_bar() -> None:
    rows = [trade(1, 400.0, 2.0), trade(2, 402.0, 2.0), quote(3, 400.5, 401.5), quote(4, 400.5, None)]
    (bar,) = underlying_bars(*map(of_underlying, rows))
    found = [bar[name] for name in ("open_price", "close_price", "volume", "vwap_price", "mid_price", "ask_px_00")]
    assert found == [400.0, 402.0, 4.0, 401.0, 401.0, None]
    assert bar["average_spread"] == 1.0


def test_a_late_tick_delays_its_bar() -> None:
    assert underlying_bars(of_underlying(trade(59, 400.0, ts_recv=at(61))))[0]["available_at"] == at(61)


def test_ties_do_not_depend_on_reading() -> None:
    rows = [of_underlying(trade(1, 400.0 + n, sequence=None, source_seq=n)) for n in range(5)]
    assert underlying_bars(*rows) == underlying_bars(*reversed(rows))
    assert underlying_bars(*rows)[0]["close_price"] == 404.0


def test_nothing_in_nothing_out() -> None:
    assert underlying_bars() == []


@pytest.mark.parametrize("column", nullable("silver_underlying_ticks", "timestamp"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    trusted = run(
        "silver_underlying_ticks",
        bronze_underlying_ticks=[of_underlying(trade(1, 400.0)), of_underlying(quote(2, 399.0, 401.0))],
    )
    assert_honoured(TABLE, run(TABLE, silver_underlying_ticks=without(trusted, column)))
