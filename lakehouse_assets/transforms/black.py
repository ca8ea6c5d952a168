"""Black 1976: the value of a European option on a forward, the volatility that a price implies, and the greeks.

Belongs here: pure functions over NumPy arrays of one shape. Does not: tables, nor how SQL calls them (`called`).
Values are undiscounted: the forward is the one that put-call parity implies, near the money, where discounting cancels.
Options on US equities may be exercised early, and these functions know nothing of that: for short-dated options out of
the money, which are the ones that are solved, the right to do so is worth next to nothing; deep in the money it is not.

A missing input is NaN, and so is a missing answer. Every answer is rounded to `GRID`, so that a library that computes
an exponential one bit apart gives the same number.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

GRID: Final = 9
"""Decimals of every answer."""
DAYS_A_YEAR: Final = 365.0
"""Calendar days: the clock of every volatility here."""
HIGHEST_VOLATILITY: Final = 5.0
"""500 % a year: a price above that is not a price of this option."""
LEAST_VALUE: Final = 1e-6
"""Least value out of the money, in forwards: below it no volatility moves the price by anything that a quote shows."""
MOST_YEARS: Final = 100.0
"""Beyond them, a volatility may be less than the grid shows."""
MOST_STEPS: Final = 100
"""More than a bisection to the last bit takes; four to nine are usual."""
CLOSE: Final = 1e-11
"""Relative step at which a root is found: beyond what `GRID` keeps."""

REASONS: Final = np.array(
    [None, "EXPIRES_WITHIN_A_DAY", "BELOW_INTRINSIC", "ABOVE_BOUND", "NO_VEGA", "NO_ROOT"], dtype=object
)
"""In the order in which they are asked."""

ROOT_2: Final = float(np.sqrt(2.0))
ROOT_2_PI: Final = float(np.sqrt(2.0 * np.pi))


def price(forward: Floats, strike: Floats, years: Floats, volatility: Floats, is_call: Flags) -> Floats:
    """The undiscounted value (Black 1976, eq. 16), by parity from the side out of the money.

    Args:
        forward: price of the forward, above 0.
        strike: in the unit of the forward, above 0.
        years: to expiry, by the calendar, above 0.
        volatility: decimal a year, above 0.
        is_call: false for a put.

    Returns:
        In the unit of the forward, not rounded.
    """
    with np.errstate(all="ignore"):
        value, _ = _normalised(np.abs(np.log(forward / strike)), volatility * np.sqrt(years))
    answers: Floats = value * np.sqrt(forward * strike) + _intrinsic(forward, strike, is_call)
    return answers


def refusal(value: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Flags) -> Texts:
    """Why a price has no implied volatility: a reason code, None where it has one (or where an input is missing).

    In this order: EXPIRES_WITHIN_A_DAY (what is left of the time is not known well enough); BELOW_INTRINSIC and
    ABOVE_BOUND (no volatility gives such a price: Jaeckel 2015, section 2); NO_VEGA (the value out of the money is less
    than `LEAST_VALUE` forwards); NO_ROOT (only a volatility above `HIGHEST_VOLATILITY` would do, or there are
    more than `MOST_YEARS` to go).
    """
    codes: Texts = REASONS[_refused(value, forward, strike, years, is_call)]
    return codes


def implied_volatility(value: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Flags) -> Floats:
    """The volatility at which `price` is `value`, decimal a year; NaN where `refusal` gives a reason.

    The option in the money is solved as the one out of the money of the same strike, by parity. Newton's steps stay
    inside a bracket that every step narrows, and where a step would leave it the bracket is halved: so it always ends.
    """
    answers = np.full(len(value), np.nan)
    solvable = _priced(value, forward, strike, years) & (_refused(value, forward, strike, years, is_call) == 0)
    f, k, t = forward[solvable], strike[solvable], years[solvable]
    out_of_the_money = (value[solvable] - _intrinsic(f, k, is_call[solvable])) / np.sqrt(f * k)
    root_t = np.sqrt(t)
    deviations = _solved(np.abs(np.log(f / k)), out_of_the_money, HIGHEST_VOLATILITY * root_t)
    answers[solvable] = np.round(deviations / root_t, GRID)
    return answers


def delta(forward: Floats, strike: Floats, years: Floats, volatility: Floats, is_call: Flags) -> Floats:
    """Change of the value a unit of the forward: 0 to 1 for a call, -1 to 0 for a put."""
    from scipy.special import ndtr

    d1, _ = _d1_and_deviation(forward, strike, years, volatility)
    return _rounded(np.where(is_call, ndtr(d1), -ndtr(-d1)))


def gamma(forward: Floats, strike: Floats, years: Floats, volatility: Floats) -> Floats:
    """Change of delta a unit of the forward; the same for call and put."""
    d1, deviation = _d1_and_deviation(forward, strike, years, volatility)
    with np.errstate(all="ignore"):
        return _rounded(_density(d1) / (forward * deviation))


def vega(forward: Floats, strike: Floats, years: Floats, volatility: Floats) -> Floats:
    """Change of the value a volatility point (0.01), in the unit of the forward; the same for call and put."""
    d1, _ = _d1_and_deviation(forward, strike, years, volatility)
    with np.errstate(all="ignore"):
        return _rounded(forward * _density(d1) * np.sqrt(years) / 100.0)


def theta(forward: Floats, strike: Floats, years: Floats, volatility: Floats) -> Floats:
    """Change of the value a calendar day that passes, in the unit of the forward; the same for call and put.

    At a rate of zero: what the price of money adds is left out.
    """
    d1, _ = _d1_and_deviation(forward, strike, years, volatility)
    with np.errstate(all="ignore"):
        return _rounded(-forward * _density(d1) * volatility / (2.0 * np.sqrt(years)) / DAYS_A_YEAR)


def _refused(value: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Flags) -> npt.NDArray[np.int64]:
    """The place in `REASONS`; 0 where there is none, or an input is missing."""
    with np.errstate(all="ignore"):
        time_value = value - _intrinsic(forward, strike, is_call)
        highest = price(forward, strike, years, np.full(len(value), HIGHEST_VOLATILITY), is_call)
        tests = [
            ~_priced(value, forward, strike, years),
            years * DAYS_A_YEAR < 1.0,
            time_value < 0.0,
            value >= np.where(is_call, forward, strike),
            time_value < LEAST_VALUE * forward,
            (value >= highest) | (years > MOST_YEARS),
        ]
    return np.select(tests, range(len(tests)), 0)


def _intrinsic(forward: Floats, strike: Floats, is_call: Flags) -> Floats:
    worth: Floats = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
    return worth


def _priced(value: Floats, forward: Floats, strike: Floats, years: Floats) -> Flags:
    """Where every input is a number, and forward and strike are prices."""
    there: Flags = np.logical_and.reduce([np.isfinite(each) for each in (value, forward, strike, years)])
    return there & (forward > 0.0) & (strike > 0.0)


def _d1_and_deviation(forward: Floats, strike: Floats, years: Floats, volatility: Floats) -> tuple[Floats, Floats]:
    """d1 of Black's formula and volatility x sqrt(years); NaN where an input is not above 0."""
    with np.errstate(all="ignore"):
        deviation = np.where((years > 0.0) & (volatility > 0.0), volatility * np.sqrt(years), np.nan)
        return np.log(forward / strike) / deviation + 0.5 * deviation, deviation


def _density(x: Floats) -> Floats:
    density: Floats = np.exp(-0.5 * x * x) / ROOT_2_PI
    return density


def _rounded(answers: Floats) -> Floats:
    """On the grid; adding zero turns -0.0 into 0.0."""
    with np.errstate(all="ignore"):
        rounded: Floats = np.round(answers, GRID) + 0.0
    return np.where(np.isfinite(rounded), rounded, np.nan)


def _normalised(distance: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """The value out of the money over sqrt(forward x strike), and its slope in the deviation (Jaeckel 2015, eq. 2.3).

    Args:
        distance: |ln(forward / strike)|.
        deviation: volatility x sqrt(years), above 0.
    """
    from scipy.special import erfcx

    h, t = -distance / deviation, 0.5 * deviation
    scale = np.exp(-0.5 * (h * h + t * t))
    value = 0.5 * scale * (erfcx(-(h + t) / ROOT_2) - erfcx(-(h - t) / ROOT_2))
    return value, scale / ROOT_2_PI


def _solved(distance: Floats, value: Floats, highest: Floats) -> Floats:
    """The deviation at which `_normalised` is `value`; it lies between 0 and `highest`.

    The value is convex in the deviation below sqrt(2 x distance) and concave above. Above, Newton's step on the value
    serves; below, the step on the reciprocal of its logarithm, nearly a parabola there (Jaeckel 2015, section 3).
    """
    low, high = np.zeros_like(value), highest.copy()
    bend = np.sqrt(2.0 * distance)
    at_bend = np.where(bend > 0.0, _normalised(distance, np.maximum(bend, 1e-8))[0], 0.0)
    is_below = value < at_bend
    guess = np.clip(np.where(is_below, bend, np.maximum(bend, value * ROOT_2_PI)), 1e-8, 0.999 * highest)
    left = np.arange(len(value))
    for _ in range(MOST_STEPS):
        at = guess[left]
        found, slope = _normalised(distance[left], at)
        is_low = found < value[left]
        low[left[is_low]], high[left[~is_low]] = at[is_low], at[~is_low]
        moved = at + _step(found, slope, value[left], is_below[left])
        is_found = np.abs(moved - at) <= CLOSE * at
        inside = (moved > low[left]) & (moved < high[left])
        guess[left] = np.where(is_found, at, np.where(inside, moved, 0.5 * (low[left] + high[left])))
        left = left[~is_found]
        if not len(left):
            break
    return guess


def _step(found: Floats, slope: Floats, value: Floats, is_below: Flags) -> Floats:
    with np.errstate(all="ignore"):
        plain = (value - found) / slope
        logarithm, wanted = np.log(found), np.log(value)
        curved = (wanted - logarithm) * found * logarithm / (wanted * slope)
    return np.where(is_below, curved, plain)
