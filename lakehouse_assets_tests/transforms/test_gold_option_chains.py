"""Chains: the forward that parity implies, the smile between its quotes, and every quote accounted for."""

from collections.abc import Iterable
from datetime import date

import numpy as np
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.transforms import black
from lakehouse_assets.transforms.text import sql_text
from lakehouse_assets_tests.transforms.stories import (
    CALL,
    OSI_CALL,
    OSI_PUT,
    Row,
    assert_honoured,
    at,
    bar,
    chains,
    nullable,
    pair,
    underlying_bar,
    without,
)

TABLE = "gold_option_chains"
LEFT_OUT = [column.name for column in CONTRACTS[TABLE].columns if column.name.endswith("_quotes")]
STRIKES = [float(strike) for strike in range(3600, 4401, 50)]


def minutes_left(minute: int, expiry: int = 28 * 1440 + 380) -> float:
    """From the end of a minute after 09:00 in Seoul to 15:20 there, 28 days later."""
    return expiry - minute - 1


def value(forward: float, strike: float, minutes: float, volatility: float, is_call: bool) -> float:
    given = [np.array([x]) for x in (forward, strike, minutes / 525_600, volatility)]
    return float(black.price(given[0], given[1], given[2], given[3], np.array([is_call]))[0])


def smile(strike: float, forward: float) -> float:
    """Steeper below the money."""
    return 0.2 - 0.4 * (strike / forward - 1)


def quoted(
    minute: int, forward: float, strikes: Iterable[float] = STRIKES, sides: str = "CP", expiry: int = 28 * 1440 + 380
) -> list[Row]:
    """Every strike's bars at the values that the smile gives, with mids on a grid of 1e-6; symbols of no venue."""
    left = minutes_left(minute, expiry)
    return [
        bar(minute, round(value(forward, strike, left, smile(strike, forward), side == "C"), 6), option_type=side,
            symbol=f"{side}{strike:.0f}", strike_price=strike)
        for strike in strikes for side in sides
    ]  # fmt: skip


def left_out(row: Row) -> dict[str, int]:
    return {name: row[name] for name in LEFT_OUT if row[name]}


MIDNIGHT = 29 * 1440
"""Of the expiration in UTC: where contracts of no venue's symbols end."""


def test_a_chain_gives_back_the_forward_the_level_and_the_skew() -> None:
    (row,) = chains(quoted(4, 4010.0, expiry=MIDNIGHT), [underlying_bar(4, 4000.0)])
    assert row["forward_price"] == pytest.approx(4010.0, abs=1e-6)
    assert (row["underlying_price"], row["forward_strikes"]) == (4000.0, 5)
    assert row["at_the_money_volatility"] == pytest.approx(0.2, abs=1e-4)
    for side, wanted in (("put", -0.25), ("call", 0.25)):
        f, k, t, v = (np.array([x]) for x in (4010.0, *nearest(side, 4010.0)))
        assert black.delta(f, k, t, v, np.array([side == "call"]))[0] == pytest.approx(wanted, abs=2e-3)
        assert row[f"{side}_25_delta_volatility"] == pytest.approx(nearest(side, 4010.0)[2], abs=2e-4)
    skew = row["put_25_delta_volatility"] - row["call_25_delta_volatility"]
    assert row["skew_25_delta"] == pytest.approx(skew, abs=1e-9)
    assert row["skew_25_delta"] > 0.02
    assert (row["quotes"], row["quotes_used"], left_out(row)) == (34, 17, {"in_the_money_quotes": 17})
    assert row["minutes_to_expiry"] == minutes_left(4, MIDNIGHT)


def nearest(side: str, forward: float) -> tuple[float, float, float]:
    """Strike, years and volatility where the smile has a delta of 0.25, found by trying a thousand strikes."""
    years = minutes_left(4, MIDNIGHT) / 525_600
    strikes = np.linspace(3600, 4400, 4001)
    volatility = 0.2 - 0.4 * (strikes / forward - 1)
    f, t = np.full_like(strikes, forward), np.full_like(strikes, years)
    deltas = black.delta(f, strikes, t, volatility, np.full(len(strikes), side == "call"))
    place = int(np.argmin(np.abs(np.abs(deltas) - 0.25)))
    return float(strikes[place]), years, float(volatility[place])


def test_one_stray_strike_does_not_move_the_forward() -> None:
    rows = quoted(4, 4010.0)
    stray = [{**row, "mid_price": row["mid_price"] + 30, "bid_px_00": row["bid_px_00"] + 30,
              "ask_px_00": row["ask_px_00"] + 30} if row["symbol"] == "C4000" else row for row in rows]  # fmt: skip
    assert chains(stray)[0]["forward_price"] == pytest.approx(4010.0, abs=1e-5)


def test_the_median_is_of_the_strikes_nearest_the_money() -> None:
    far = [row for strike, wrong in ((3000.0, 500.0), (5000.0, 500.0), (5100.0, 500.0))
           for row in pair(0, max(4000 - strike, 0) + wrong, max(strike - 4000, 0) + 1.0, strike)]  # fmt: skip
    near = [row for n, strike in enumerate((3980.0, 3990.0, 4000.0, 4010.0, 4020.0))
            for row in pair(0, 4000 + n - strike + 50, 50.0, strike)]  # fmt: skip
    (row,) = chains([*near, *far])
    assert (row["forward_price"], row["forward_strikes"]) == (4002.0, 5)
    (row,) = chains([*near[:4], *far])
    assert (row["forward_price"], row["forward_strikes"]) == (4499.0, 5)  # 4000, 4001, 4499, 4499, 4499
    (row,) = chains(near[:8])
    assert (row["forward_price"], row["forward_strikes"]) == (4001.5, 4)


def test_only_quotes_of_the_same_minute_make_a_pair() -> None:
    call, put = pair(0, 55.0, 50.0)
    (row,) = chains([call, {**put, "bar_start": at(60), "available_at": at(120)}])
    assert (row["forward_price"], row["forward_strikes"], left_out(row)) == (None, 0, {"unpaired_quotes": 2})
    (row,) = chains([call, put, *pair(3, 56.0, 50.0)[:1]])
    assert (row["forward_price"], row["quotes"]) == (4005.0, 2)


def test_the_forward_moves_with_the_underlying_to_the_end_of_the_five_minutes() -> None:
    stock = [underlying_bar(0, 4000.0), underlying_bar(1, 4000.0), underlying_bar(4, 4040.0)]
    (row,) = chains(pair(1, 60.0, 50.0), stock)
    assert row["forward_price"] == pytest.approx(4010 * 4040 / 4000, abs=1e-6)


def test_a_quote_is_solved_on_the_forward_of_its_own_minute() -> None:
    stock = [underlying_bar(1, 4000.0), underlying_bar(4, 4040.0)]
    (row,) = chains(quoted(1, 4010.0, expiry=MIDNIGHT), stock)
    assert row["forward_price"] == pytest.approx(4010 * 4040 / 4000, abs=1e-5)
    assert row["at_the_money_volatility"] == pytest.approx(0.2, abs=1e-4)


def test_a_price_of_the_underlying_serves_ten_minutes() -> None:
    assert chains(pair(13, 55.0, 50.0), [underlying_bar(4, 4000.0)])[0]["underlying_price"] == 4000.0
    row = chains(pair(15, 55.0, 50.0), [underlying_bar(4, 4000.0)])[0]
    assert (row["underlying_price"], row["forward_price"]) == (None, 4005.0)


def test_no_level_is_read_beyond_the_quotes() -> None:
    (row,) = chains(quoted(0, 4010.0, [4000.0], "CP") + quoted(0, 4010.0, [3700.0], "P"))
    assert row["forward_price"] == pytest.approx(4010.0, abs=1e-6)
    assert row["at_the_money_volatility"] is None  # no call out of the money
    assert (row["put_25_delta_volatility"] is None, row["call_25_delta_volatility"], row["skew_25_delta"]) == (
        False, None, None)  # fmt: skip


def test_each_quote_is_left_out_for_its_own_reason() -> None:
    good = pair(0, 55.0, 50.0)
    spoiled = {
        "one_sided_quotes": [bar(0, 1.0, bid_px_00=None), bar(0, 1.0, ask_px_00=None), bar(0, 1.0, bid_px_00=0.0)],
        "crossed_quotes": [bar(0, 1.0, bid_px_00=2.0, ask_px_00=1.0)],
        "outlier_quotes": [bar(0, None, bid_px_00=1.0, ask_px_00=2.0), bar(0, 9.0, bid_px_00=1.0, ask_px_00=2.0)],
        "no_vega_quotes": [bar(0, 0.003, bid_px_00=0.001, ask_px_00=0.005)],
        "no_root_quotes": [bar(0, 4500.0), bar(0, 4000.0)],
    }
    rows = [{**row, "strike_price": 4500.0 + n, "symbol": f"C{n}"}
            for n, row in enumerate(row for rows in spoiled.values() for row in rows)]  # fmt: skip
    (row,) = chains([*good, *rows])
    wanted = {name: len(bars) for name, bars in spoiled.items()}
    assert left_out(row) == {**wanted, "in_the_money_quotes": 1}
    assert (row["quotes"], row["quotes_used"]) == (11, 1)
    assert_honoured(TABLE, [row])


def test_a_chain_with_less_than_a_day_to_go_has_no_volatility() -> None:
    (row,) = chains(pair(0, 5.0, 1.0, expiration=date(2026, 11, 20)))
    assert (row["forward_price"], row["at_the_money_volatility"]) == (4004.0, None)
    assert left_out(row) == {"expiring_quotes": 1, "in_the_money_quotes": 1}
    assert row["minutes_to_expiry"] == 380 - 5


@pytest.mark.parametrize(("symbol", "minutes"), [
    (CALL, 28 * 1440 + 380), (OSI_CALL, 28 * 1440 + 21 * 60), (OSI_PUT, 28 * 1440 + 21 * 60), ("BTC-18DEC26", MIDNIGHT)
])  # fmt: skip
def test_time_runs_to_the_close_of_the_venue_on_the_last_trading_day(symbol: str, minutes: int) -> None:
    assert chains([bar(0, 5.0, symbol=symbol)])[0]["minutes_to_expiry"] == minutes - 5


def test_a_summer_expiration_and_a_saturday_end_on_the_friday_in_new_york() -> None:
    found = chains([bar(0, 5.0, symbol="SPXW  270717C04000000", expiration=date(2027, 7, 17))])
    assert found[0]["minutes_to_expiry"] == (date(2027, 7, 16) - date(2026, 11, 20)).days * 1440 + 20 * 60 - 5


def test_the_last_quote_of_the_five_minutes_counts_and_then_a_new_chain_begins() -> None:
    rows = [*pair(0, 55.0, 50.0), *pair(4, 57.0, 50.0), *pair(5, 60.0, 50.0)]
    found = chains(rows)
    assert [(row["chain_time"], row["forward_price"], row["quotes"]) for row in found] == [
        (at(300), 4007.0, 2), (at(600), 4010.0, 2)]  # fmt: skip


def test_contracts_of_the_same_terms_count_as_the_one_quoted_last() -> None:
    rows = pair(0, 55.0, 50.0)
    (row,) = chains([*rows, *({**row, "symbol": row["symbol"] + "X"} for row in pair(2, 59.0, 50.0))])
    assert (row["quotes"], row["forward_price"]) == (2, 4009.0)
    assert chains(list(reversed(rows))) == chains(rows)


def test_a_chain_is_known_when_the_last_of_its_inputs_is() -> None:
    def known(rows: list[Row], stock: list[Row]) -> object:
        return chains(rows, stock)[0]["available_at"]

    assert known(pair(0, 55.0, 50.0), []) == at(300)
    assert known([*pair(0, 55.0, 50.0), *pair(0, 9.0, 90.0, 4100.0, available_at=at(301))], []) == at(301)
    assert known(pair(0, 55.0, 50.0), [underlying_bar(4, 4000.0, available_at=at(302))]) == at(302)
    assert known(pair(0, 55.0, 50.0), [underlying_bar(5, 4000.0, available_at=at(999))]) == at(300)


def test_chains_of_sources_underlyings_and_expirations_do_not_mix() -> None:
    rows = [*pair(0, 55.0, 50.0), *pair(0, 65.0, 50.0, source="other"), *pair(0, 75.0, 50.0, underlying="NDX"),
            *pair(0, 85.0, 50.0, expiration=date(2027, 1, 15))]  # fmt: skip
    assert sorted(row["forward_price"] for row in chains(rows)) == [4005.0, 4015.0, 4025.0, 4035.0]


def test_nothing_in_nothing_out_and_one_row_is_a_chain_without_a_forward() -> None:
    assert chains([]) == []
    assert chains([], [underlying_bar(0, 4000.0)]) == []
    (row,) = chains([bar(0, 5.0)])
    assert (row["forward_price"], left_out(row)) == (None, {"unpaired_quotes": 1})
    assert chains([bar(0, 5.0, quote_updates=0)]) == []


@pytest.mark.parametrize("column", nullable("gold_option_minute_bars"))
def test_a_null_in_any_column_breaks_no_promise(column: str) -> None:
    rows = [*pair(0, 55.0, 50.0), *pair(1, 56.0, 50.0), *pair(1, 9.0, 80.0, 4080.0)]
    assert_honoured(TABLE, chains(without(rows, column), [underlying_bar(0, 4000.0)]))


@pytest.mark.parametrize("column", nullable("gold_underlying_minute_bars"))
def test_a_null_in_any_column_of_the_underlying_breaks_no_promise(column: str) -> None:
    stock = without([underlying_bar(n, 4000.0 + n, mid_price=4000.0) for n in range(3)], column)
    assert_honoured(TABLE, chains(pair(2, 55.0, 50.0), stock))


def test_the_order_of_reading_changes_nothing() -> None:
    rows = [row for minute in range(7) for row in quoted(minute, 4000.0 + minute)]
    stock = [underlying_bar(n, 4000.0 + n) for n in range(7)]
    assert chains(reversed(rows), reversed(stock)) == chains(rows, stock)


def test_what_happens_later_changes_no_chain() -> None:
    rows = [row for minute in range(15) for row in quoted(minute, 4000.0 + minute, STRIKES[5:12])]
    stock = [underlying_bar(n, 4000.0 + n) for n in range(15)]
    whole = chains(rows, stock)
    assert len(whole) == 3
    for known in (1, 2):
        until = at(300 * known)
        less = [row for row in rows if row["bar_start"] < until], [row for row in stock if row["bar_start"] < until]
        assert chains(*less) == whole[:known]
        more = [{**row, "mid_price": 3.0, "close_price": 1.0} if row["bar_start"] >= until else row for row in rows]
        assert chains(more, stock)[:known] == whole[:known]


def test_a_chain_known_before_its_underlying_would_be_caught() -> None:
    text = sql_text(TABLE)
    assert "MAX(s.known_from) AS spot_known_from" in text
    leaking = text.replace("MAX(s.known_from) AS spot_known_from", "CAST(NULL AS TIMESTAMPTZ) AS spot_known_from")
    stock = [underlying_bar(4, 4000.0, available_at=at(302))]
    assert chains(pair(0, 55.0, 50.0), stock, leaking)[0]["available_at"] == at(300)
