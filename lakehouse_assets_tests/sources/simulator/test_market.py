"""The parts of the price process: Black-76, contracts, clocks, and a flow that leads prices by as much as it should."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from lakehouse_assets.sources.simulator.chain import list_chain, monthly_expirations
from lakehouse_assets.sources.simulator.clock import (
    NIGHT_SECONDS,
    NIGHT_SHARE,
    cumulated_arrivals,
    session_starts,
    to_microseconds,
    trading_dates,
)
from lakehouse_assets.sources.simulator.market import (
    HORIZON_MINUTES,
    LEAST_PRICE,
    NIGHT_STEPS,
    PREDICTABILITY,
    STEP_SECONDS,
    black76,
    normal_cdf,
    open_market,
)
from lakehouse_assets.sources.symbols import is_isin

FRIDAY = date(2026, 11, 20)


def test_the_normal_distribution_function_has_its_known_values() -> None:
    known = {0.0: 0.5, 1.0: 0.8413447461, -1.0: 0.1586552539, 1.96: 0.9750021049, -3.0: 0.0013498980}
    assert normal_cdf(np.array(list(known))) == pytest.approx(list(known.values()), abs=1e-7)


def test_an_option_at_the_money_has_its_known_price_and_parity_holds() -> None:
    # F = K = 100, one year, 20 %: 100 (2 N(0.1) - 1) = 7.9655674554
    forward, years, volatility = np.array(100.0), np.array(1.0), np.array(0.2)
    call, call_delta, vega = black76(forward, np.array(100.0), years, volatility, np.array(True))
    put, put_delta, _ = black76(forward, np.array(100.0), years, volatility, np.array(False))
    assert call == pytest.approx(7.9655674554, abs=2e-5)
    assert call == pytest.approx(float(put), abs=1e-9)
    assert call_delta - put_delta == pytest.approx(1.0)
    assert vega == pytest.approx(39.695, abs=1e-3)  # 100 n(0.1)
    low, high = (black76(np.array(f), np.array(95.0), years, volatility, np.array(False))[0] for f in (100.0, 100.01))
    slope = black76(forward, np.array(95.0), years, volatility, np.array(False))[1]
    assert (high - low) / 0.01 == pytest.approx(float(slope), abs=1e-3)


def test_expirations_are_second_thursdays_around_the_trading_date() -> None:
    assert monthly_expirations(FRIDAY) == (date(2026, 11, 12), date(2026, 12, 10), date(2027, 1, 14))
    assert monthly_expirations(date(2026, 12, 9))[1] == date(2026, 12, 10)
    on_the_day = monthly_expirations(date(2026, 12, 10))
    assert on_the_day == (date(2026, 11, 12), date(2027, 1, 14), date(2027, 2, 11))
    assert monthly_expirations(date(2027, 1, 4))[0] == date(2026, 12, 10)


def test_the_chain_has_two_expirations_thirty_one_strikes_calls_and_puts_once_each() -> None:
    chain = list_chain(FRIDAY, 421.0, np.random.default_rng(1))
    terms = set(zip(chain.expiration, chain.strike.tolist(), chain.is_call.tolist(), strict=True))
    assert len(chain) == len(terms) == len(set(chain.symbol)) == 2 * 31 * 2
    assert {strike for _, strike, _ in terms} == {382.5 + 2.5 * k for k in range(31)}
    assert all(is_isin(symbol) for symbol in chain.symbol)
    assert {(symbol[3], is_call) for symbol, is_call in zip(chain.symbol, chain.is_call.tolist(), strict=True)} == {
        ("2", True),
        ("3", False),
    }


def test_activity_is_six_percent_at_the_top_and_under_half_in_the_first_ten() -> None:
    share = list_chain(FRIDAY, 420.0, np.random.default_rng(1)).share
    assert share.sum() == pytest.approx(1.0)
    assert share[0] == share.max() == pytest.approx(0.06)
    assert 0.42 <= share[:10].sum() <= 0.48
    assert np.all(np.diff(share) <= 0)


def test_trading_dates_leave_out_weekends_and_end_at_the_last_date() -> None:
    assert trading_dates(3, date(2026, 11, 22)) == [date(2026, 11, 18), date(2026, 11, 19), FRIDAY]
    assert trading_dates(2, date(2026, 11, 16)) == [date(2026, 11, 13), date(2026, 11, 16)]


def test_sessions_open_at_18_and_9_in_seoul_and_mondays_night_on_friday() -> None:
    night, day = session_starts(date(2026, 11, 16))
    assert datetime.fromtimestamp(night / 1e6, UTC) == datetime(2026, 11, 13, 9, tzinfo=UTC)
    assert datetime.fromtimestamp(day / 1e6, UTC) == datetime(2026, 11, 16, 0, tzinfo=UTC)
    last_of_night, first_of_day = to_microseconds(FRIDAY, np.array([NIGHT_SECONDS - 1.0, NIGHT_SECONDS + 0.0]))
    assert datetime.fromtimestamp(last_of_night / 1e6, UTC) == datetime(2026, 11, 19, 20, 59, 59, tzinfo=UTC)
    assert datetime.fromtimestamp(first_of_day / 1e6, UTC) == datetime(2026, 11, 20, 0, tzinfo=UTC)


def test_a_quarter_of_a_date_arrives_at_night() -> None:
    arrivals = cumulated_arrivals(5_000_000, np.random.default_rng(1))
    assert arrivals[0] == 0.0
    assert arrivals[-1] == pytest.approx(1.0)
    assert arrivals[NIGHT_SECONDS] == pytest.approx(NIGHT_SHARE)
    assert np.all(np.diff(arrivals) >= 0)


def test_flow_leads_the_index_by_the_correlation_that_is_promised() -> None:
    steps = round(HORIZON_MINUTES * 60 / STEP_SECONDS)
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        market = open_market(list_chain(FRIDAY, 420.0, rng), 420.0, rng)
        for session in (slice(0, NIGHT_STEPS), slice(NIGHT_STEPS + 1, None)):
            index, flow = market.index[session], market.index_flow[session]
            found.append(np.corrcoef(flow[:-steps], np.log(index[steps:] / index[:-steps]))[0, 1])
            assert abs(np.corrcoef(flow[steps:], np.log(index[steps:] / index[:-steps]))[0, 1]) < 0.8
        assert market.mid.min() >= np.float32(LEAST_PRICE)
    assert np.mean(found) == pytest.approx(PREDICTABILITY, abs=0.08)


def test_flow_leads_the_busy_contracts_calls_and_puts_alike() -> None:
    day, steps = slice(NIGHT_STEPS + 1, None), round(HORIZON_MINUTES * 60 / STEP_SECONDS)
    found: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        chain = list_chain(FRIDAY, 420.0, rng)
        market = open_market(chain, 420.0, rng)
        for contract in range(20):
            mid, flow = market.mid[day, contract], market.flow[day, contract]
            correlation = np.corrcoef(flow[:-steps], mid[steps:] - mid[:-steps])[0, 1]
            found[bool(chain.is_call[contract])].append(float(correlation))
    for correlations in found.values():
        assert 0.25 < np.mean(correlations) < 0.5
