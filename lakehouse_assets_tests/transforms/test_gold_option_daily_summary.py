"""The daily line of a contract."""

import pytest

from lakehouse_assets_tests.transforms.stories import (
    Row,
    assert_honoured,
    at,
    nullable,
    quote,
    run,
    silver,
    tick,
    trade,
    without,
)

TABLE = "gold_option_daily_summary"


def summary(*ticks: Row) -> list[Row]:
    return run(TABLE, silver_option_ticks=silver(*ticks))


def test_the_average_is_over_the_rows_that_have_a_price() -> None:
    (row,) = summary(trade(1, 5.0, 9.0), quote(2, 4.9, 5.1), trade(3, 6.0, 1.0), trade(4, 8.5, 1.0))
    assert row["average_price"] == 6.5
    assert [row[n] for n in ("tick_count", "trade_count", "quote_updates", "volume")] == [4, 3, 1, 11.0]
    assert [row[n] for n in ("open_price", "high_price", "low_price", "close_price")] == [5.0, 8.5, 5.0, 8.5]
    assert (row["first_tick_at"], row["last_tick_at"]) == (at(1), at(4))


def test_the_last_open_interest_counts() -> None:
    rows = [tick(n, event_type="open_interest", open_interest=float(10 - n)) for n in range(3)]
    assert summary(*reversed(rows))[0]["open_interest"] == 8.0


def test_quotes_alone_have_no_price() -> None:
    (row,) = summary(quote(1, 4.9, 5.1))
    assert (row["average_price"], row["close_price"], row["volume"]) == (None, None, 0.0)


def test_nothing_in_nothing_out() -> None:
    assert summary() == []


@pytest.mark.parametrize("column", nullable("silver_option_ticks", "timestamp"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    rows = without(silver(quote(1, 4.9, 5.1), trade(2, 5.0, open_interest=3.0)), column)
    assert_honoured(TABLE, run(TABLE, silver_option_ticks=rows))
