"""Option bars: prices by order and not by reading, flows against the tick before, known when the last tick is."""

import pytest

from lakehouse_assets_tests.transforms.stories import (
    assert_honoured,
    at,
    bars,
    nullable,
    quote,
    run,
    silver,
    tick,
    trade,
    without,
)

TABLE = "gold_option_minute_bars"


def test_prints_make_a_bar() -> None:
    (bar,) = bars(trade(1, 5.0, 2.0), trade(20, 6.0, 1.0), trade(30, 4.0, 1.0), trade(59.999, 5.5, 4.0))
    found = [bar[name] for name in ("open_price", "high_price", "low_price", "close_price", "volume", "trade_count")]
    assert found == [5.0, 6.0, 4.0, 5.5, 8.0, 4]
    assert bar["vwap_price"] == (10 + 6 + 4 + 22) / 8
    assert (bar["bar_start"], bar["available_at"]) == (at(0), at(60))


def test_the_next_minute_is_another_bar() -> None:
    assert [bar["bar_start"] for bar in bars(trade(59.999, 5.0), trade(60, 5.0))] == [at(0), at(60)]


def test_a_bar_is_known_when_its_last_tick_arrived() -> None:
    (bar,) = bars(quote(59, 4.9, 5.1, ts_recv=at(60.7)), quote(30, 4.9, 5.1, ts_recv=at(30.1)))
    assert bar["available_at"] == at(60.7)


def test_ties_are_ordered_by_sequence() -> None:
    rows = [trade(1, 5.0 + n / 10, sequence=n, source_seq=n) for n in range(5)]
    for order in (rows, rows[::-1], rows[2:] + rows[:2]):
        (bar,) = bars(*order)
        assert (bar["open_price"], bar["close_price"]) == (5.0, 5.4)


def test_the_last_quote_is_shown_as_it_was_and_the_mid_is_the_last_there_was() -> None:
    (bar,) = bars(quote(1, 4.9, 5.1), quote(2, None, 5.3))
    shown = [bar[name] for name in ("bid_px_00", "bid_sz_00", "ask_px_00", "ask_sz_00", "mid_price", "quote_updates")]
    assert shown == [None, None, 5.3, 10.0, 5.0, 2]
    assert bar["average_spread"] == 0.2


def test_an_outlier_gives_no_mid_and_a_late_report_no_price() -> None:
    rows = silver(quote(1, 4.9, 5.1), quote(2, 49.0, 51.0), trade(3, 9.0, 2.0, condition="B"))
    rows[1]["soft_codes"] = "SAME_TS,MID_OUTLIER"
    (bar,) = run(TABLE, silver_option_ticks=rows)
    assert (bar["mid_price"], bar["close_price"], bar["volume"], bar["vwap_price"]) == (5.0, None, 2.0, 9.0)


def test_order_flow_counts_what_each_quote_adds() -> None:
    rows = [
        quote(1, 4.9, 5.1),
        quote(2, 5.0, 5.1, bid_sz_00=7.0),  # a better bid: + 7, ask unchanged: 0
        quote(3, 5.0, 5.1, bid_sz_00=9.0, ask_sz_00=4.0),  # bid + 2, ask 6 fewer: + 6
        quote(4, 4.9, 5.0, ask_sz_00=3.0),  # the bid of 9 is gone: - 9, a better ask of 3: - 3
    ]
    (bar,) = bars(*rows)
    assert bar["order_flow_imbalance"] == 7 + 8 - 12
    assert bars(rows[0])[0]["order_flow_imbalance"] is None


def test_order_flow_runs_over_the_minute() -> None:
    assert bars(quote(59, 4.9, 5.1), quote(61, 4.9, 5.1, bid_sz_00=15.0))[1]["order_flow_imbalance"] == 5.0


def test_prints_are_signed_by_the_mid_then_by_the_print_before() -> None:
    (bar,) = bars(quote(1, 4.9, 5.1), trade(2, 5.1, 3.0), trade(3, 4.9, 1.0), trade(4, 5.0, 7.0))
    assert bar["signed_volume"] == 3 - 1 + 7


def test_delivered_bars_are_bars() -> None:
    rows = [
        tick(60, event_type="trade_bar_1m", last_price=5.0, last_size=12.0),
        tick(60, event_type="quote_bar_1m", bid_px_00=4.9, ask_px_00=5.1, source_seq=1, sequence=None),
    ]
    (bar,) = bars(*rows)
    assert (bar["bar_start"], bar["available_at"]) == (at(60), at(120))
    assert (bar["open_price"], bar["close_price"], bar["volume"], bar["mid_price"]) == (5.0, 5.0, 12.0, 5.0)


def test_the_night_has_bars_of_the_same_trading_date() -> None:
    night, day = bars(quote(-6 * 3600, 4.9, 5.1, source_seq=1), quote(10, 4.9, 5.1))
    assert night["trading_date"] == day["trading_date"]
    assert night["bar_start"] == at(-6 * 3600)


def test_nothing_in_nothing_out_and_one_row_is_a_bar() -> None:
    assert bars() == []
    assert_honoured(TABLE, bars(tick(1, event_type="open_interest", open_interest=4.0)))


@pytest.mark.parametrize("column", nullable("silver_option_ticks", "timestamp"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    rows = without(silver(quote(1, 4.9, 5.1), trade(2, 5.1), quote(61, 4.8, 5.1)), column)
    found = run(TABLE, silver_option_ticks=rows)
    assert_honoured(TABLE, found)
    assert len(found) == (0 if column == "symbol" else 2)
