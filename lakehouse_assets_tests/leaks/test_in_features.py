"""Leaks planted in the SQL of features: caught by the point-in-time property, by a pause, by a table without time."""

from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.transforms.text import sql_text, tables_of, transform_names
from lakehouse_assets_tests.leaks.gate import of_the_gate
from lakehouse_assets_tests.leaks.point_in_time import (
    FUTURES,
    MOMENTS,
    as_it_came,
    assert_point_in_time,
    night_and_day,
    under_way,
)
from lakehouse_assets_tests.leaks.transforms import FEATURES, OPTION_BARS, Plant
from lakehouse_assets_tests.transforms.stories import Row, at, bar, run, underlying_bar

CENTRED = Plant(FEATURES, "RANGE BETWEEN 4 PRECEDING AND CURRENT ROW", "RANGE BETWEEN 2 PRECEDING AND 2 FOLLOWING")
FILLED = Plant(
    FEATURES, "RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING", "RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
)
FROM_ITS_START = Plant(OPTION_BARS, "known_after(arrived_by, minute) AS", "minute_time(minute) AS")
BY_EVENT_TIME = Plant(
    FEATURES, "FROM gold_underlying_minute_bars",
    "FROM (SELECT source, trading_date, symbol, bar_start, close_price, mid_price, "
    "bar_start + INTERVAL 60 SECOND AS available_at FROM gold_underlying_minute_bars) AS bars",
)  # fmt: skip
END_OF_DAY = Plant(
    FEATURES, "on_grid(order_flow_imbalance) AS",
    "on_grid((SELECT MAX(o.open_interest) FROM gold_option_daily_summary AS o "
    "WHERE o.symbol = gold_option_minute_bars.symbol)) AS",
)  # fmt: skip
SURVIVORS = Plant(
    FEATURES, "FROM gold_option_minute_bars",
    "FROM (SELECT b.* FROM gold_option_minute_bars AS b WHERE EXISTS (SELECT 1 FROM gold_option_daily_summary AS s "
    "WHERE s.symbol = b.symbol AND s.trade_count >= 60)) AS bars",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("future", FUTURES)
def test_no_feature_known_at_t_depends_on_what_arrives_after_t(future: str) -> None:
    assert_point_in_time(Plant(), future)


def test_the_story_of_the_property_is_late_and_long_enough() -> None:
    ticks, rows = night_and_day(), as_it_came(Plant()).values()
    assert max(row["ts_recv"] - row["timestamp"] for row in ticks.underlyings).total_seconds() == 90
    assert [under_way(ticks, at(moment)) for moment in MOMENTS] == [True, False, True]
    told = {name for row in rows for name in CONTRACTS[FEATURES].features if row[name] is not None}
    needs_more_strikes = {"skew_25_delta", "at_the_money_volatility"}
    assert set(CONTRACTS[FEATURES].features) - told <= needs_more_strikes


def test_a_centred_window_is_caught() -> None:
    with pytest.raises(AssertionError, match="order_flow_imbalance_5m"):
        assert_point_in_time(CENTRED, "changed")


def test_a_bars_start_used_as_known_is_caught(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the future decides"):
        assert_point_in_time(FROM_ITS_START, "changed")
    honest = of_the_gate(as_it_came(Plant()).values(), tmp_path / "honest")
    early = of_the_gate(as_it_came(FROM_ITS_START).values(), tmp_path / "early")
    assert early.gate.name == "feature_option_minutes_honour_their_contract"
    assert not honest.refuses, honest.verdict.words
    assert early.refuses
    assert early.verdict.values["known_after_the_minute"] != 0


def test_an_as_of_join_on_event_time_is_caught() -> None:
    with pytest.raises(AssertionError, match="underlying_price"):
        assert_point_in_time(BY_EVENT_TIME, "changed")


def test_the_open_interest_of_the_days_end_is_caught() -> None:
    with pytest.raises(AssertionError, match="order_flow_imbalance_5m"):
        assert_point_in_time(END_OF_DAY, "changed")
    assert untimed(END_OF_DAY.text(FEATURES)) == {"gold_option_daily_summary"}


def test_contracts_chosen_by_what_they_traded_all_day_are_caught() -> None:
    with pytest.raises(AssertionError, match="the future adds"):
        assert_point_in_time(SURVIVORS, "without")


def test_a_row_that_the_future_removes_is_caught() -> None:
    only_quiet_puts = SURVIVORS.leaking.replace("s.trade_count >= 60", "(b.option_type = 'C' OR s.trade_count < 60)")
    with pytest.raises(AssertionError, match="the future removes"):
        assert_point_in_time(Plant(SURVIVORS.table, SURVIVORS.honest, only_quiet_puts), "without")


@pytest.mark.parametrize("future", FUTURES)
def test_a_leak_is_caught_by_each_future(future: str) -> None:
    with pytest.raises(AssertionError, match="the future decides"):
        assert_point_in_time(CENTRED, future)


def untimed(sql: str) -> set[str]:
    """The tables that a text reads and that do not say from when a row is known."""
    return {name for name in tables_of(sql) if "available_at" not in CONTRACTS[name].by_name}


@pytest.mark.parametrize("table", [name for name in transform_names() if name.startswith("feature_")])
def test_features_read_only_tables_that_say_from_when_a_row_is_known(table: str) -> None:
    assert untimed(sql_text(table)) == set()


def after_the_pause(plant: Plant, before: float) -> list[Row]:
    """Features of the minutes after a pause of an hour; `before` is the level of all mids ahead of it."""
    minutes = [*range(8), *range(70, 80)]
    level = [before if minute < 60 else 1.0 for minute in minutes]
    quiet: dict[str, Any] = {"quote_updates": 0}
    options = [bar(m, 5.0 * scale + m / 100, **quiet) for m, scale in zip(minutes, level, strict=True)]
    stock = [underlying_bar(m, 4000.0 * scale + m) for m, scale in zip(minutes, level, strict=True)]
    inputs = {OPTION_BARS: options, "gold_underlying_minute_bars": stock}
    text = plant.text(FEATURES)
    rows = run(FEATURES, None, text, **{name: inputs.get(name, []) for name in tables_of(text)})
    return [row for row in rows if row["feature_time"] > at(60 * 60)]


def assert_a_pause_is_not_filled(plant: Plant) -> None:
    """What lies before a pause longer than every window changes no feature after it."""
    once, doubled = after_the_pause(plant, 1.0), after_the_pause(plant, 2.0)
    assert len(once) == 10
    filled = {name for one, other in zip(once, doubled, strict=True) for name in one if one[name] != other[name]}
    assert not filled, f"carried over the pause: {sorted(filled)}"


def test_what_lies_before_a_pause_is_not_carried_over_it() -> None:
    assert_a_pause_is_not_filled(Plant())


def test_a_forward_fill_across_a_gap_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"mid_return_1m.*underlying_return_1m"):
        assert_a_pause_is_not_filled(FILLED)
