"""What arrives late: no feature that was known before may rest on it, however far back in event time it lies."""

from collections.abc import Mapping

import pytest

from lakehouse_assets.transforms.text import sql_text
from lakehouse_assets_tests.transforms.stories import (
    CALL,
    ISIN_CALL,
    Row,
    at,
    bars,
    features,
    of_underlying,
    quote,
    run,
    silver,
    trade,
)

BARS = "gold_option_minute_bars"
LATE = 4000.0
"""Seconds after the open at which the late ticks arrive: after the end of every story."""

CALM = [quote(n, 4.95 + 0.01 * (n % 3), 5.05 + 0.01 * (n % 3)) for n in range(30)]
STRAY = [quote(40 + n, 49.5, 50.5, ts_recv=at(LATE)) for n in range(15)]
AFTER = [quote(61, 4.95, 5.05), quote(62, 49.5, 50.5), quote(125, 4.95, 5.05)]

STORIES: Mapping[str, list[Row]] = {
    "a one-sided quote in the minute before, which has no mid": [
        quote(1, 4.9, 5.1), quote(90, None, 5.1, ts_recv=at(LATE)), quote(121, 4.9, 5.1, bid_sz_00=15.0),
    ],
    "a one-sided quote half an hour before": [
        quote(1, 4.9, 5.1), quote(50, 4.8, None, ts_recv=at(LATE)), quote(1801, 4.9, 5.1, bid_sz_00=15.0),
    ],
    "the quote that prevails at a print half an hour later": [
        quote(1, 4.9, 5.1), quote(50, None, 5.1, ts_recv=at(LATE)), trade(1801, 5.1, 3.0), quote(1802, 4.9, 5.1),
    ],
    "the print before a print on the mid": [
        quote(1, 4.9, 5.1), trade(2, 4.9), trade(50, 5.2, ts_recv=at(LATE)), trade(1801, 5.0, 3.0),
        quote(1802, 4.9, 5.1),
    ],
    "stray mids that make a later stray one look usual": [
        *CALM, *STRAY, quote(1801, 4.95, 5.05), quote(1802, 49.5, 50.5), quote(1865, 4.95, 5.05),
    ],
}  # fmt: skip
"""Option ticks; those without a receipt are known when they happen."""


def arrived_by(ticks: list[Row], seconds: float) -> list[Row]:
    return [row for row in ticks if (row.get("ts_recv") or row["timestamp"]) <= at(seconds)]


def known(options: list[Row], until: float, sql: str | None = None) -> list[Row]:
    found = features(run(BARS, None, sql, silver_option_ticks=silver(*options)))
    return [row for row in found if row["available_at"] <= at(until)]


def assert_known_stays_known(ticks: list[Row], sql: str | None = None) -> None:
    """What is known before the late ones arrive, told with hindsight, is what the ticks that had arrived tell."""
    t = LATE - 1
    then = known(arrived_by(ticks, t), t, sql)
    assert all(row in then for row in known(ticks, t, sql))


@pytest.mark.parametrize("story", STORIES)
def test_a_late_tick_changes_no_feature_that_was_known(story: str) -> None:
    assert_known_stays_known(STORIES[story])


@pytest.mark.parametrize("story", [name for name in STORIES if "minute before" not in name])
def test_bars_known_when_their_own_ticks_are_would_be_caught(story: str) -> None:
    """But for the quote of the minute before: the features look at the arrivals of half an hour themselves."""
    text = sql_text(BARS)
    assert "known_after(arrived_by, minute)" in text
    with pytest.raises(AssertionError):
        assert_known_stays_known(STORIES[story], text.replace("known_after(arrived_by,", "known_after(last_arrival,"))


@pytest.mark.parametrize("story", STORIES)
def test_every_feature_is_known_once_all_has_arrived(story: str) -> None:
    ticks = STORIES[story]
    whole = features(bars(*ticks))
    assert whole
    assert known(ticks, LATE) == whole
    assert whole[-1]["available_at"] == at(LATE)


def test_a_late_tick_of_another_contract_delays_nothing() -> None:
    late = quote(50, 4.9, 5.1, symbol=ISIN_CALL, ts_recv=at(LATE), source_file="simulated/other.parquet")
    found = bars(quote(1, 4.9, 5.1), late, quote(61, 4.9, 5.1))
    assert [row["available_at"] for row in found if row["symbol"] == CALL] == [at(60), at(120)]


def test_a_late_tick_delays_no_minute_before_it_and_none_after_its_arrival() -> None:
    found = bars(quote(1, 4.9, 5.1), quote(61, 4.9, 5.1, ts_recv=at(200)), quote(125, 4.9, 5.1), quote(190, 4.9, 5.1))
    assert [row["available_at"] for row in found] == [at(60), at(200), at(200), at(240)]


def of_stock(ticks: list[Row], sql: str | None = None) -> list[Row]:
    trusted = run("silver_underlying_ticks", bronze_underlying_ticks=[of_underlying(row) for row in ticks])
    return run("gold_underlying_minute_bars", None, sql, silver_underlying_ticks=trusted)


def priced(stock: list[Row]) -> list[tuple[object, object]]:
    options = bars(*(quote(61 * n, 4.9, 5.1) for n in range(1, 6)))
    return [(row["feature_time"], row["underlying_price"]) for row in features(options, stock)]


def test_late_mids_of_the_underlying_change_no_price_that_was_known() -> None:
    ticks = [*CALM, *STRAY, *AFTER]
    assert [row["mid_price"] for row in of_stock(ticks)][1] == 50.0
    assert [row["mid_price"] for row in of_stock(arrived_by(ticks, 300))][1] == 5.0
    assert all(price is None for _, price in priced(of_stock(ticks)))
    assert 50.0 not in {price for _, price in priced(of_stock(arrived_by(ticks, 300)))}


def test_a_bar_of_the_underlying_known_when_its_own_ticks_are_would_be_caught() -> None:
    text = sql_text("gold_underlying_minute_bars")
    assert "known_after(arrived_by, minute)" in text
    leaking = text.replace("known_after(arrived_by,", "known_after(last_arrival,")
    assert any(price == 50.0 for _, price in priced(of_stock([*CALM, *STRAY, *AFTER], leaking)))
