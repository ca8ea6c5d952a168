"""Features: their values, their time, and that nothing after t changes what was known at t."""

import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from math import log, sqrt
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.transforms import black
from lakehouse_assets.transforms.text import sql_text
from lakehouse_assets_tests.transforms.stories import (
    CALL,
    DAY,
    ISIN_PUT,
    Row,
    assert_honoured,
    at,
    bar,
    bars,
    features,
    nullable,
    of_underlying,
    pair,
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
    rows = without([row for n in range(7) for row in pair(n, 55.0 + n / 10, 50.0)], column)
    assert_honoured(TABLE, features(rows, [underlying_bar(n, 4000.0 + n) for n in range(7)]))


@pytest.mark.parametrize("column", nullable("gold_option_chains"))
def test_a_null_in_any_column_of_the_chains_breaks_no_promise(column: str) -> None:
    stock = [underlying_bar(n, 4000.0 + n) for n in range(7)]
    found = features([bar(6, 55.0)], stock, None, without([chain(5, 4005.0)], column))
    assert_honoured(TABLE, found)
    assert (found[0]["implied_volatility"] is None) == (column == "forward_price")


@pytest.mark.parametrize("column", nullable("gold_underlying_minute_bars"))
def test_a_null_in_any_column_of_the_underlying_breaks_no_promise(column: str) -> None:
    stock = without([underlying_bar(n, 4000.0 + n, mid_price=4000.0) for n in range(7)], column)
    assert_honoured(TABLE, features([bar(6, 55.0)], stock, None, [chain(5, 4005.0)]))


def chain(minute: int, forward: float | None, underlying: float | None = 4005.0, **values: Any) -> Row:
    """A chain that ends at a minute, known then."""
    row: Row = {
        "source": "simulated", "trading_date": DAY, "underlying": "SPX", "expiration": date(2026, 12, 18),
        "chain_time": at(60 * minute), "available_at": at(60 * minute), "underlying_price": underlying,
        "forward_price": forward, "at_the_money_volatility": 0.2, "skew_25_delta": 0.03,
    }  # fmt: skip
    return {**row, **values}


def described(row: Row) -> tuple[Any, ...]:
    return row["forward_price"], row["implied_volatility_reason"], row["at_the_money_volatility"], row["skew_25_delta"]


def test_the_greeks_are_of_the_forward_the_mid_and_the_time_left() -> None:
    (row,) = features([bar(5, 55.0)], [], None, [chain(5, 4010.0, None)])
    years = np.array([(28 * 1440 + 380 - 6) / 525_600])
    terms, call = (np.array([4010.0]), np.array([4000.0]), years), np.array([True])
    volatility = black.implied_volatility(np.array([55.0]), *terms, call)
    assert row["implied_volatility"] == volatility[0]
    assert row["delta"] == black.delta(*terms, volatility, call)[0]
    greeks = {"gamma": black.gamma, "vega": black.vega, "theta": black.theta}
    assert {name: row[name] for name in greeks} == {
        name: greek(*terms, volatility)[0] for name, greek in greeks.items()
    }
    assert row["log_forward_moneyness"] == pytest.approx(log(4000 / 4010), abs=1e-12)
    assert described(row) == (4010.0, None, 0.2, 0.03)


def test_a_chain_serves_ten_minutes_from_when_it_is_known() -> None:
    chains_known = [chain(5, 4010.0, available_at=at(301)), chain(10, 4020.0, available_at=at(601))]
    rows = features([bar(n, 55.0) for n in (4, 5, 9, 10, 14, 19, 20)], [], None, chains_known)
    assert [row["forward_price"] for row in rows] == [None, 4010.0, 4010.0, 4020.0, 4020.0, 4020.0, None]
    assert described(rows[0]) == (None, "NO_FORWARD", None, None)
    late = [chain(5, 4010.0), chain(10, 4020.0, available_at=at(15 * 60))]
    assert [row["forward_price"] for row in features([bar(12, 55.0), bar(14, 55.0)], [], None, late)] == [
        4010.0,
        4020.0,
    ]


def test_a_chain_without_a_forward_leaves_the_one_before_in_its_place() -> None:
    (row,) = features([bar(10, 55.0)], [], None, [chain(5, 4010.0), chain(10, None)])
    assert row["forward_price"] == 4010.0


def test_the_forward_moves_with_the_underlying_since_the_chain() -> None:
    stock = [underlying_bar(4, 4005.0), underlying_bar(6, 4045.05)]
    rows = features([bar(5, 55.0), bar(6, 55.0)], stock, None, [chain(5, 4010.0)])
    assert rows[0]["forward_price"] == 4010.0  # what is known of the underlying is no later than the chain
    assert rows[1]["forward_price"] == pytest.approx(4010 * 1.01, abs=1e-9)


@pytest.mark.parametrize(("values", "reason"), [
    ({"mid_price": 9.0}, "BELOW_INTRINSIC"), ({"mid_price": 4011.0}, "ABOVE_BOUND"), ({"mid_price": 10.0}, "NO_VEGA"),
    ({"mid_price": 4000.0}, "NO_ROOT"), ({"option_type": None}, "NO_TERMS"), ({"strike_price": None}, "NO_TERMS"),
    ({"underlying": None}, "NO_FORWARD"),
])  # fmt: skip
def test_a_missing_volatility_has_its_reason(values: Row, reason: str) -> None:
    (row,) = features([bar(5, 55.0, **values)], [], None, [chain(5, 4010.0)])
    assert row["implied_volatility_reason"] == reason
    assert {row[name] for name in ("implied_volatility", "delta", "gamma", "vega", "theta")} == {None}
    assert_honoured(TABLE, [row])


def test_less_than_a_day_to_go_has_no_volatility() -> None:
    today = date(2026, 11, 20)
    (row,) = features([bar(5, 55.0, expiration=today)], [], None, [chain(5, 4010.0, expiration=today)])
    assert (row["implied_volatility"], row["implied_volatility_reason"]) == (None, "EXPIRES_WITHIN_A_DAY")


def test_the_realised_volatility_of_the_underlying_is_of_a_year_of_sessions() -> None:
    stock = [underlying_bar(n, 4000.0 * (1.001 if n % 2 else 1.0)) for n in range(13) if n != 6]
    rows = features([bar(9, 55.0), bar(12, 55.0)], stock, None, [chain(5, 4010.0)])
    assert rows[0]["underlying_realised_volatility_30m"] is None  # nine minutes tell too little
    steps = 10 * log(1.001) ** 2  # and a gap of two minutes that ends where it began
    assert rows[1]["underlying_realised_volatility_30m"] == pytest.approx(sqrt(steps / 12 * 252 * 390), rel=1e-6)
    assert rows[1]["implied_minus_realised"] == pytest.approx(
        rows[1]["implied_volatility"] - rows[1]["underlying_realised_volatility_30m"], abs=1e-9)  # fmt: skip
    after_a_pause = [underlying_bar(n, 4000.0) for n in range(20)] + [underlying_bar(n, 5000.0) for n in range(31, 45)]
    assert features([bar(44, 55.0)], after_a_pause)[0]["underlying_realised_volatility_30m"] == 0.0


def test_puts_over_calls_count_what_had_arrived() -> None:
    put: Row = {"symbol": ISIN_PUT, "option_type": "P"}
    rows = [
        bar(0, 5.0, volume=4.0, quote_updates=2), bar(0, 6.0, volume=2.0, quote_updates=5, **put),
        bar(1, 5.0, volume=0.0, quote_updates=3), bar(1, 6.0, volume=6.0, quote_updates=5, available_at=at(200), **put),
        bar(5, 5.0, volume=0.0, quote_updates=0), bar(9, 5.0, volume=100.0, quote_updates=100),
    ]  # fmt: skip
    found = [row for row in features(rows) if row["symbol"] == CALL]
    assert [row["put_call_volume_ratio"] for row in found] == [0.5, 0.5, 2.0, 8 / 104]
    assert [row["put_call_quote_ratio"] for row in found] == [2.5, 1.0, 2.0, 10 / 105]
    assert features([bar(0, 5.0, **put)])[0]["put_call_volume_ratio"] is None


def test_flows_of_minutes_without_a_mid_count_too() -> None:
    rows = [bar(0, None, signed_volume=3.0, order_flow_imbalance=7.0), bar(4, 5.0, signed_volume=-1.0), bar(5, 5.0)]
    found = features(rows)
    assert [row["signed_volume_5m"] for row in found] == [2.0, -1.0]
    assert [row["order_flow_imbalance_5m"] for row in found] == [7.0, 0.0]


def test_a_quote_is_described_in_currency_too() -> None:
    (row,) = features([bar(0, 5.0, bid_sz_00=30.0)])
    assert row["spread"] == pytest.approx(0.1)
    assert row["microprice"] == pytest.approx(5.025)


def night_and_day() -> tuple[list[Row], list[Row]]:
    """Forty minutes of quotes, prints and an underlying, some of them late, in a night and a day session.

    A call and a put of one strike, so that there are chains.
    """
    options: list[Row] = []
    for n in range(120):
        start = 20 * n if n >= 60 else 20 * n - 6 * 3600
        wobble = math.sin(n) / 10
        late = timedelta(seconds=1.5 if n % 7 == 0 else 0.05)
        put: Row = {"symbol": ISIN_PUT, "option_type": "P"}
        options.append(quote(start + 1, 4.9 + wobble, 5.1 + wobble, bid_sz_00=float(1 + n % 9), source_seq=6 * n))
        options.append(trade(start + 9, 5.0 + wobble, float(1 + n % 3), source_seq=6 * n + 1))
        options.append(quote(start + 2, 5.1 - wobble, 5.4 - wobble, source_seq=6 * n + 2, **put))
        options.append(trade(start + 11, 5.2 - wobble, float(1 + n % 4), source_seq=6 * n + 3, **put))
        for row in options[-4:]:
            row.update(sequence=row["source_seq"], ts_recv=row["timestamp"] + late)
    stock = [
        of_underlying(trade(20 * n - (6 * 3600 if n < 60 else 0) + 3, 4000.0 + n % 11, source_seq=n))
        for n in range(120)
    ]
    return options, stock


def known(options: list[Row], stock: list[Row], until: object, sql: str | None = None) -> list[Row]:
    rows = features(bars(*options), underlying_bars(*stock), sql)
    return [row for row in rows if row["available_at"] <= until]


def test_the_story_has_a_value_of_every_feature() -> None:
    """Else the tests of time below would hold for want of anything to tell; skew needs more strikes than one."""
    options, stock = night_and_day()
    rows = features(bars(*options), underlying_bars(*stock))
    told = {name for row in rows for name, value in row.items() if value is not None}
    assert set(CONTRACTS[TABLE].features) - told == {"skew_25_delta", "at_the_money_volatility"}


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
    "a chain known at its beginning": ("expiration, available_at AS known_from, forward_price",
                                       "expiration, chain_time - INTERVAL 5 MINUTE AS known_from, forward_price"),
    "the puts and calls of the whole day": (
        "PARTITION BY source, underlying ORDER BY known_from RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
        "PARTITION BY source, underlying"),
    "a bar's start used as known": ("RANGE BETWEEN 25 PRECEDING AND CURRENT ROW) AS known_from",
                                    "RANGE BETWEEN 25 PRECEDING AND CURRENT ROW) - INTERVAL 60 SECOND AS known_from"),
    "a return to the next mid": ("RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING",
                                 "RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING"),
}  # fmt: skip


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_caught(leak: str) -> None:
    honest, leaking = LEAKS[leak]
    text = " ".join(line for line in sql_text(TABLE).splitlines() if not line.startswith("--"))
    text = re.sub(r"\s+", " ", text)
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
