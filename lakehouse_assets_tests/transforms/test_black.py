"""Black 1976 against closed forms, parity, QuantLib and finite differences; and that no number stands for no answer."""

from math import erf, exp, log, pi, sqrt

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 (its own name for itself)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakehouse_assets.transforms import black

CALL, PUT = np.array([True]), np.array([False])
DAY = 1 / 365


def one(x: float) -> black.Floats:
    return np.array([x], dtype=float)


def price(forward: float, strike: float, years: float, volatility: float, is_call: bool = True) -> float:
    return float(black.price(one(forward), one(strike), one(years), one(volatility), np.array([is_call]))[0])


def implied(value: float, forward: float, strike: float, years: float, is_call: bool = True) -> float:
    arguments = (one(value), one(forward), one(strike), one(years), np.array([is_call]))
    return float(black.implied_volatility(*arguments)[0])


def reason(value: float, forward: float, strike: float, years: float, is_call: bool = True) -> str | None:
    found: str | None = black.refusal(one(value), one(forward), one(strike), one(years), np.array([is_call]))[0]
    return found


def options(count: int, seed: int = 3) -> dict[str, np.ndarray]:
    """Random options from deep in to far out of the money, from a day to two years."""
    rng = np.random.default_rng(seed)
    forward = rng.uniform(1, 5000, count)
    return {
        "forward": forward,
        "strike": forward * np.exp(rng.normal(0, 0.2, count)),
        "years": rng.uniform(DAY, 2, count),
        "volatility": rng.uniform(0.03, 3, count),
        "is_call": rng.random(count) < 0.5,
    }


def test_at_the_money_the_value_is_the_closed_form() -> None:
    deviation = 0.2 * sqrt(0.25)
    assert price(100, 100, 0.25, 0.2) == pytest.approx(100 * erf(deviation / 2 / sqrt(2)), rel=1e-14)
    assert price(100, 100, 0.25, 0.2, False) == price(100, 100, 0.25, 0.2)


def test_a_call_is_what_the_formula_says() -> None:
    d1 = log(110 / 100) / (0.3 * sqrt(0.5)) + 0.5 * 0.3 * sqrt(0.5)
    d2 = d1 - 0.3 * sqrt(0.5)
    normal = [0.5 * (1 + erf(d / sqrt(2))) for d in (d1, d2)]
    assert price(110, 100, 0.5, 0.3) == pytest.approx(110 * normal[0] - 100 * normal[1], rel=1e-13)


def test_call_less_put_is_forward_less_strike() -> None:
    some = options(10_000)
    both = [black.price(**{**some, "is_call": np.full(10_000, side)}) for side in (True, False)]
    np.testing.assert_allclose(both[0] - both[1], some["forward"] - some["strike"], atol=1e-9)


def test_values_are_those_of_quantlib() -> None:
    some = options(2_000)
    ours = black.price(**some)
    theirs = [
        ql.blackFormula(ql.Option.Call if call else ql.Option.Put, k, f, v * sqrt(t))
        for f, k, t, v, call in zip(*(some[name].tolist() for name in some), strict=True)
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


def test_volatilities_are_those_of_quantlib() -> None:
    some = options(2_000, seed=4)
    value = black.price(**some)
    keys = ("forward", "strike", "years", "is_call")
    ours = black.implied_volatility(value, *(some[key] for key in keys))
    compared = 0
    for v, found, f, k, t, call in zip(value.tolist(), ours.tolist(), *(some[n].tolist() for n in keys), strict=True):
        if np.isnan(found) or v - max((f - k) * (1 if call else -1), 0) < 1e-4 * f:
            continue  # the solver of QuantLib works on the price, and has no digits left there
        side = ql.Option.Call if call else ql.Option.Put
        theirs = ql.blackFormulaImpliedStdDev(side, k, f, v, 1.0, 0.0, 0.3 * sqrt(t), 1e-12, 1000) / sqrt(t)
        assert found == pytest.approx(theirs, abs=2e-8)
        compared += 1
    assert compared > 1_500


@given(
    st.floats(0.05, 1e5), st.floats(-0.7, 0.7), st.floats(1.001 * DAY, 3), st.floats(0.02, 4.9), st.booleans()
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_a_price_gives_back_its_volatility(
    forward: float, moneyness: float, years: float, volatility: float, is_call: bool
) -> None:
    strike = forward * exp(moneyness)
    value = price(forward, strike, years, volatility, is_call)
    assume(reason(value, forward, strike, years, is_call) is None)
    found = implied(value, forward, strike, years, is_call)
    assert price(forward, strike, years, found, is_call) == pytest.approx(value, abs=1e-8 * forward)
    if value - max((forward - strike) * (1 if is_call else -1), 0) > 1e-5 * forward:
        assert found == pytest.approx(volatility, abs=1e-7)


@given(
    *(st.one_of(st.floats(), st.sampled_from([0.0, -1.0, 1e-300, 100.0, 101.0, 0.5])) for _ in range(4)), st.booleans()
)  # fmt: skip
@settings(max_examples=500, deadline=None)
def test_any_numbers_give_a_volatility_or_none_with_a_reason(
    value: float, forward: float, strike: float, years: float, is_call: bool
) -> None:
    found, why = implied(value, forward, strike, years, is_call), reason(value, forward, strike, years, is_call)
    there = all(map(np.isfinite, (value, forward, strike, years))) and forward > 0 and strike > 0
    assert np.isnan(found) == (not there or why is not None)
    assert np.isnan(found) or 0 < found <= black.HIGHEST_VOLATILITY


@pytest.mark.parametrize(("value", "strike", "years", "is_call", "why"), [
    (5.0, 100.0, DAY * 0.999, True, "EXPIRES_WITHIN_A_DAY"),
    (5.0, 100.0, -1.0, True, "EXPIRES_WITHIN_A_DAY"),
    (9.99, 90.0, 0.5, True, "BELOW_INTRINSIC"),
    (9.99, 110.0, 0.5, False, "BELOW_INTRINSIC"),
    (-0.01, 110.0, 0.5, True, "BELOW_INTRINSIC"),
    (100.0, 100.0, 0.5, True, "ABOVE_BOUND"),
    (110.0, 110.0, 0.5, False, "ABOVE_BOUND"),
    (0.0, 110.0, 0.5, True, "NO_VEGA"),
    (10.0, 90.0, 0.5, True, "NO_VEGA"),
    (99e-6, 110.0, 0.5, True, "NO_VEGA"),
    (99.0, 100.0, 0.5, True, "NO_ROOT"),
])  # fmt: skip
def test_a_price_without_volatility_says_why(
    value: float, strike: float, years: float, is_call: bool, why: str
) -> None:
    assert reason(value, 100.0, strike, years, is_call) == why
    assert np.isnan(implied(value, 100.0, strike, years, is_call))


def test_beside_each_bound_there_is_a_volatility() -> None:
    least = implied(1.01e-4, 100.0, 110.0, 0.5)
    assert price(100.0, 110.0, 0.5, least) == pytest.approx(1.01e-4, rel=1e-5)
    assert implied(5.0, 100.0, 100.0, 1.001 * DAY) == pytest.approx(5 / 100 * sqrt(2 * pi / DAY), rel=1e-2)
    highest = price(100.0, 100.0, 0.5, black.HIGHEST_VOLATILITY)
    assert implied(highest * (1 - 1e-9), 100.0, 100.0, 0.5) == pytest.approx(5.0, abs=1e-6)


def test_in_the_money_is_solved_as_the_other_side() -> None:
    put = price(100, 90, 0.5, 0.25, False)
    assert implied(put + 10, 100, 90, 0.5) == pytest.approx(implied(put, 100, 90, 0.5, False), abs=1e-9)


def test_the_greeks_are_those_of_quantlib() -> None:
    some = options(500, seed=5)
    sides = {name: some[name] for name in ("forward", "strike", "years", "volatility")}
    ours = (black.delta(**some), black.gamma(**sides), black.vega(**sides), black.theta(**sides))
    for place in range(500):
        f, k, t, v, call = (float(some[name][place]) for name in some)
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, k)
        theirs = ql.BlackCalculator(payoff, f, v * sqrt(t), 1.0)
        # spot is the forward where the discount is one
        expected = (theirs.deltaForward(), theirs.gammaForward(), theirs.vega(t) / 100, theirs.theta(f, t) / 365)
        for found, wanted in zip(ours, expected, strict=True):
            assert found[place] == pytest.approx(wanted, rel=1e-7, abs=2e-9)


def test_the_greeks_are_the_slopes_of_the_value() -> None:
    at = {"forward": one(100), "strike": one(105), "years": one(0.4), "volatility": one(0.3)}

    def value(is_call: np.ndarray = CALL, **moved: float) -> float:
        there = {name: x + moved.get(name, 0.0) for name, x in at.items()}
        return float(black.price(**there, is_call=is_call)[0])

    for side in (CALL, PUT):
        slope = (value(side, forward=1e-3) - value(side, forward=-1e-3)) / 2e-3
        assert black.delta(**at, is_call=side)[0] == pytest.approx(slope, abs=1e-7)
    bend = (value(forward=0.01) - 2 * value() + value(forward=-0.01)) / 1e-4
    assert black.gamma(**at)[0] == pytest.approx(bend, rel=1e-4)
    assert black.vega(**at)[0] == pytest.approx(
        (value(volatility=5e-5) - value(volatility=-5e-5)) / 1e-4 / 100, rel=1e-6
    )
    assert black.theta(**at)[0] == pytest.approx((value(years=-1e-4) - value(years=1e-4)) / 2e-4 / 365, rel=1e-6)


def test_greeks_without_a_volatility_are_missing_and_none_is_a_negative_zero() -> None:
    there = (one(100), one(105), one(0.4))
    for bad in (np.nan, 0.0, -1.0):
        assert np.isnan(black.gamma(*there, one(bad))[0])
        assert np.isnan(black.delta(*there, one(bad), CALL)[0])
    far = black.delta(one(100), one(1e6), one(0.1), one(0.1), PUT), black.theta(one(100), one(1e6), one(0.1), one(0.1))
    assert far[0][0] == -1.0
    assert far[1][0] == 0.0
    assert not np.signbit(far[1][0])


def test_a_hundred_thousand_prices_are_solved_alike_in_any_company() -> None:
    """A row's answer does not depend on the rows beside it, which engines choose."""
    some = options(100_000, seed=6)
    value = black.price(**some)
    rest = (some["forward"], some["strike"], some["years"], some["is_call"])
    whole = black.implied_volatility(value, *rest)
    parts = [slice(start, start + 2_048) for start in range(0, 100_000, 2_048)]
    pieces = [black.implied_volatility(value[part], *(x[part] for x in rest)) for part in parts]
    np.testing.assert_array_equal(whole, np.concatenate(pieces))
    assert np.isnan(whole).mean() < 0.02
    assert np.nanmax(np.abs(whole - some["volatility"])) < 1e-6
