"""Features: their values, their time, and that nothing after t changes what was known at t."""

import math
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from math import log, sqrt

import pytest

from lakehouse_assets.transforms.text import sql_text
from lakehouse_assets_tests.transforms.stories import (
    Row,
    assert_honoured,
    at,
    bar,
    bars,
    features,
    nullable,
    of_underlying,
    quote,
    trade,
    underlying_bar,
    underlying_bars,
    without,
)

TABLE = "feature_option_minutes"


def test_one_bar_describes_itself() -> None:
    (row,) = features([bar(0, 5.0, bid_sz_00=30.0, trade_count=2, signed_volume=-3.0)], [underlying_bar(0, 4100.0)])
    assert (row["feature_time"], row["available_at"]) == (at(60), at(60))
    assert (row["is_call"], row["signed_volume"], row["trade_count"]) == (1, -3.0, 2)
    assert row["relative_spread"] == pytest.approx(0.02)
    assert row["queue_imbalance"] == 0.5
    assert row["microprice_offset"] == pytest.approx(0.025 / 5)
    assert row["log_moneyness"] == pytest.approx(log(4000 / 4100), abs=1e-12)
    assert row["minutes_to_expiry"] == 28 * 1440 + 380 - 1  # to 15:20 in Seoul
    assert [row[n] for n in ("mid_return_1m", "mid_return_5m", "realised_volatility_15m")] == [None, None, None]


def test_returns_are_against_the_last_mid_known_then() -> None:
    rows = features([bar(0, 4.0), bar(3, 5.0), bar(5, 8.0), bar(17, 8.0)])
    assert [row["mid_return_1m"] for row in rows] == [None, 0.25, pytest.approx(0.6), None]
    assert [row["mid_return_5m"] for row in rows] == [None, None, 1.0, 0.0]


def test_volatility_and_flow_run_over_their_windows() -> None:
    mids = [5.0, 5.5, 5.0, 5.2]
    rows = features([bar(n, mid, order_flow_imbalance=float(n)) for n, mid in enumerate(mids)])
    squares = [log(b / a) ** 2 for a, b in pairwise(mids)]
    assert rows[-1]["realised_volatility_15m"] == pytest.approx(sqrt(sum(squares)), rel=1e-9)
    assert [row["order_flow_imbalance_5m"] for row in rows] == [0.0, 1.0, 3.0, 6.0]


def test_the_underlying_is_the_latest_known_by_then() -> None:
    stock = [underlying_bar(n, 4000.0 + n) for n in range(6)]
    stock.append(underlying_bar(6, 9999.0, available_at=at(7 * 60 + 1)))  # of the same minute, but known too late
    (row,) = features([bar(6, 5.0)], stock)
    assert row["underlying_price"] == 4005.0
    assert row["underlying_return_1m"] == pytest.approx(4005 / 4004 - 1)
    assert row["underlying_return_5m"] == pytest.approx(4005 / 4000 - 1)


def test_without_bars_of_the_underlying_the_feed_price_serves() -> None:
    (row,) = features([bar(0, 5.0, underlying_price=4000.0)])
    assert (row["underlying_price"], row["log_moneyness"], row["underlying_return_1m"]) == (4000.0, 0.0, None)


def test_a_feature_is_known_when_the_last_of_its_inputs_is() -> None:
    rows = features([bar(0, 5.0, available_at=at(400)), bar(1, 5.1), bar(40, 5.2)])
    assert [row["available_at"] for row in rows] == [at(400), at(400), at(41 * 60)]


def test_a_minute_without_mid_has_no_features() -> None:
    assert features([bar(0, None)]) == []
    assert features([]) == []


@pytest.mark.parametrize("column", nullable("gold_option_minute_bars"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    rows = without([bar(n, 5.0 + n / 10) for n in range(4)], column)
    assert_honoured(TABLE, features(rows, [underlying_bar(0, 4000.0)]))


def night_and_day() -> tuple[list[Row], list[Row]]:
    """Forty minutes of quotes, prints and an underlying, some of them late, in a night and a day session."""
    options: list[Row] = []
    for n in range(120):
        start = 20 * n if n >= 60 else 20 * n - 6 * 3600
        wobble = math.sin(n) / 10
        late = timedelta(seconds=1.5 if n % 7 == 0 else 0.05)
        options.append(quote(start + 1, 4.9 + wobble, 5.1 + wobble, bid_sz_00=float(1 + n % 9), source_seq=4 * n))
        options.append(trade(start + 9, 5.0 + wobble, float(1 + n % 3), source_seq=4 * n + 1))
        for row in options[-2:]:
            row.update(sequence=row["source_seq"], ts_recv=row["timestamp"] + late)
    stock = [
        of_underlying(trade(20 * n - (6 * 3600 if n < 60 else 0) + 3, 4000.0 + n % 11, source_seq=n))
        for n in range(120)
    ]
    return options, stock


def known(options: list[Row], stock: list[Row], until: object, sql: str | None = None) -> list[Row]:
    rows = features(bars(*options), underlying_bars(*stock), sql)
    return [row for row in rows if row["available_at"] <= until]


Change = Callable[[list[Row], object], list[Row]]


def deleted(rows: list[Row], after: object) -> list[Row]:
    return [row for row in rows if row["timestamp"] <= after]


def changed(rows: list[Row], after: object) -> list[Row]:
    return [{**row, **{c: row[c] * 3 for c in ("bid_px_00", "ask_px_00", "last_price") if row.get(c) is not None}}
            if row["timestamp"] > after else row for row in rows]  # fmt: skip


def added(rows: list[Row], after: object) -> list[Row]:
    later = [row for row in rows if row["timestamp"] > after]
    more = [{**row, "source_seq": row["source_seq"] + 10_000, "sequence": row["sequence"] + 10_000,
             "bid_sz_00": 99.0 if row.get("bid_px_00") else None} for row in later]  # fmt: skip
    return rows + more


def assert_point_in_time(change: Change, sql: str | None = None) -> None:
    options, stock = night_and_day()
    for minute in (-6 * 60 + 9, 4, 13):
        t = at(60 * minute + 17)
        before = known(options, stock, t, sql)
        assert before
        assert known(change(options, t), change(stock, t), t, sql) == before


@pytest.mark.parametrize("change", [deleted, changed, added])
def test_what_happens_after_t_changes_no_feature_known_at_t(change: Change) -> None:
    assert_point_in_time(change)


LEAKS = {
    "a centred window": ("RANGE BETWEEN 4 PRECEDING AND CURRENT ROW", "RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING"),
    "an underlying from the future": ("RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                                      "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"),
    "a return to the next mid": ("RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING",
                                 "RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING"),
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_caught(leak: str) -> None:
    honest, leaking = LEAKS[leak]
    text = sql_text(TABLE)
    assert honest in text
    with pytest.raises(AssertionError):
        assert_point_in_time(deleted, text.replace(honest, leaking))


def test_what_arrives_after_t_leaves_what_was_known_at_t() -> None:
    options, stock = night_and_day()
    t = at(60 * 13 + 1)
    before = known(options, stock, t)
    arrived = [row for row in options if row["ts_recv"] <= t]
    assert len(arrived) < len(options)
    after = known(arrived, stock, t)
    assert before
    assert all(row in after for row in before)
