"""The price process: an index, an implied volatility a contract, and the order flow that leads both.

Belongs here: the state of the market on a grid of time. Does not: quotes and trades (`events`).

Order flow is persistent (an Ornstein-Uhlenbeck process that forgets half in seven minutes) and pushes what it
buys: the flow in the index its level, the flow in one contract that contract's implied volatility (demand pressure:
Bollen and Whaley 2004). Prices are Black-76 values of the two. `PREDICTABILITY` is the correlation of the flow now
with the move of the next five minutes: whoever knew the flow would call two thirds of the directions.
"""

from dataclasses import dataclass
from datetime import datetime, time

import numpy as np
import numpy.typing as npt

from lakehouse_assets.sources.simulator.chain import Chain
from lakehouse_assets.sources.simulator.clock import DAY_SECONDS, NIGHT_SECONDS, SEOUL, session_starts

Floats = npt.NDArray[np.float64]

STEP_SECONDS = 15
NIGHT_STEPS = NIGHT_SECONDS // STEP_SECONDS
DAY_STEPS = DAY_SECONDS // STEP_SECONDS
INDEX_VOLATILITY = 0.22
"""A year, of the day sessions; the night moves at half of it."""
DAY_SESSIONS_A_YEAR = 250
PREDICTABILITY = 0.5
FLOW_MEMORY_MINUTES = 10.0
HORIZON_MINUTES = 5.0
VOLATILITY_MEMORY_MINUTES = 60.0
VOLATILITY_MOVE = 0.003
"""Standard deviation of a contract's own implied volatility over the horizon, in volatility points / 100."""
LEAST_PRICE = 0.015
"""Index points below which no contract is priced: the middle of the lowest bid and ask."""
SECONDS_A_YEAR = 365.0 * 86_400.0


@dataclass(frozen=True)
class Market:
    """One trading date on a grid of `STEP_SECONDS`: row 0 is the night's open, row NIGHT_STEPS + 1 the day's.

    Shapes: `index` and `index_flow` (steps,), `mid` and `flow` (steps, contracts). Prices in index points; flows
    have mean 0 and deviation 1 and are positive where buying pressure lifts the price.
    """

    index: Floats
    index_flow: Floats
    mid: npt.NDArray[np.float32]
    flow: npt.NDArray[np.float32]


def normal_cdf(x: Floats) -> Floats:
    """The standard normal distribution function to 1e-7 (Abramowitz and Stegun 1964, 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = np.exp(-0.5 * x * x) * (series / np.sqrt(2.0 * np.pi))
    values: Floats = np.where(x > 0.0, 1.0 - tail, tail)
    return values


def black76(
    forward: Floats, strike: Floats, years: Floats, volatility: Floats, is_call: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats]:
    """The undiscounted value of a European option on a forward, its delta and its vega (Black 1976).

    Args:
        forward: price of the forward.
        strike: in the unit of the forward.
        years: to expiry, above 0.
        volatility: decimal a year, above 0.
        is_call: false prices the put by parity.

    Returns:
        Value, change a unit of the forward, change a unit of volatility; the shape to which all arguments broadcast.
    """
    deviation = volatility * np.sqrt(years)
    d1 = np.log(forward / strike) / deviation + 0.5 * deviation
    delta = normal_cdf(d1)
    call = forward * delta - strike * normal_cdf(d1 - deviation)
    vega = forward * np.sqrt(years) * np.exp(-0.5 * d1 * d1) / np.sqrt(2.0 * np.pi)
    return np.where(is_call, call, call - forward + strike), np.where(is_call, delta, delta - 1.0), vega


def open_market(chain: Chain, level: float, rng: np.random.Generator) -> Market:
    """Let a trading date happen.

    Args:
        chain: its contracts.
        level: index points at the night's open.
        rng: consumed in a fixed order.
    """
    contracts = len(chain)
    night_flow, day_flow = (_flow(steps, 1 + contracts, rng) for steps in (NIGHT_STEPS, DAY_STEPS))
    flow = np.concatenate([night_flow, day_flow])
    pace = np.concatenate([np.full(NIGHT_STEPS + 1, 0.5), np.ones(DAY_STEPS + 1)])
    a_year = DAY_SESSIONS_A_YEAR * DAY_SECONDS / 60.0
    index_move = INDEX_VOLATILITY * np.sqrt(HORIZON_MINUTES / a_year)
    returns = _pushed(flow[:, :1], rng)[:, 0] * pace * index_move
    returns[NIGHT_STEPS] += rng.normal(0.0, 0.003)  # what happens between the sessions
    index = level * np.exp(np.concatenate([[0.0], np.cumsum(returns[:-1])]))
    own = _reverting(_pushed(flow[:, 1:], rng) * pace[:, None] * VOLATILITY_MOVE)
    mid, delta, vega = _priced(chain, index, own, rng.normal(0.18, 0.01))
    push = delta * index[:, None] * index_move * flow[:, :1] + vega * VOLATILITY_MOVE * flow[:, 1:]
    size = np.hypot(delta * index[:, None] * index_move, vega * VOLATILITY_MOVE) + 1e-9
    return Market(index, flow[:, 0], np.maximum(mid, LEAST_PRICE).astype(np.float32), (push / size).astype(np.float32))


def _flow(steps: int, width: int, rng: np.random.Generator) -> Floats:
    """Shape (steps + 1, width): stationary, deviation 1, exponential memory."""
    keep = np.exp(-STEP_SECONDS / 60.0 / FLOW_MEMORY_MINUTES)
    shocks: Floats = rng.standard_normal((steps + 1, width)) * np.sqrt(1.0 - keep * keep)
    shocks[0] /= np.sqrt(1.0 - keep * keep)
    for step in range(1, steps + 1):
        shocks[step] += keep * shocks[step - 1]
    return shocks


def _pushed(flow: Floats, rng: np.random.Generator) -> Floats:
    """Moves a step, in deviations of a horizon: a drift along the flow, and noise for the rest.

    With memory m and horizon h the drift's sum over h correlates with the flow now by m (1 - exp(-h / m)) and has
    variance 2 m^2 (h / m - 1 + exp(-h / m)); the noise fills up what makes that correlation `PREDICTABILITY`.
    """
    ratio = HORIZON_MINUTES / FLOW_MEMORY_MINUTES
    reach = FLOW_MEMORY_MINUTES * (1.0 - np.exp(-ratio))
    spread = 2.0 * FLOW_MEMORY_MINUTES**2 * (ratio - 1.0 + np.exp(-ratio))
    whole = (reach / PREDICTABILITY) ** 2
    steps = HORIZON_MINUTES * 60.0 / STEP_SECONDS
    drift = flow * (STEP_SECONDS / 60.0 / np.sqrt(whole))
    moves: Floats = drift + rng.standard_normal(flow.shape) * np.sqrt((1.0 - spread / whole) / steps)
    return moves


def _reverting(moves: Floats) -> Floats:
    keep = np.exp(-STEP_SECONDS / 60.0 / VOLATILITY_MEMORY_MINUTES)
    state = np.zeros_like(moves)
    for step in range(1, len(moves)):
        state[step] = keep * state[step - 1] + moves[step - 1]
    return state


def _priced(chain: Chain, index: Floats, own: Floats, at_the_money: float) -> tuple[Floats, Floats, Floats]:
    """Value, delta and vega, each of shape (steps, contracts), on a smile that is steeper below the money."""
    moneyness = np.log(chain.strike / index[0])
    smile = at_the_money - 0.35 * moneyness + 3.0 * moneyness**2
    volatility = np.maximum(smile + own, 0.06)
    return black76(index[:, None], chain.strike, _years_left(chain), volatility, chain.is_call)


def _years_left(chain: Chain) -> Floats:
    """Shape (steps, contracts): to 15:20 Asia/Seoul of the expiration, by the calendar."""
    night, day = session_starts(chain.trading_date)
    seconds = np.concatenate(
        [night / 1e6 + np.arange(NIGHT_STEPS + 1) * STEP_SECONDS, day / 1e6 + np.arange(DAY_STEPS + 1) * STEP_SECONDS]
    )
    ends = np.array([datetime.combine(end, time(15, 20), SEOUL).timestamp() for end in chain.expiration])
    years: Floats = np.maximum(ends[None, :] - seconds[:, None], 60.0) / SECONDS_A_YEAR
    return years
