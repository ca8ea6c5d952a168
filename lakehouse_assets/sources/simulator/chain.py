"""The listed contracts of a trading date: expirations, strikes, symbols, and how much each one trades.

Belongs here: what is fixed for a trading date, as arrays by contract number. Does not: prices (`market`), ticks.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from lakehouse_assets.sources.symbols import krx_option_isin

Floats = npt.NDArray[np.float64]

UNDERLYING = "KOSPI200"
MULTIPLIER = 250_000.0
"""KRW per index point."""
STRIKE_STEP = 2.5
STRIKES_EACH_SIDE = 15
TOP_SHARE = 0.06
"""Share of the rows that the busiest contract has."""


@dataclass(frozen=True)
class Chain:
    """The contracts of one trading date; all arrays have one entry a contract, the busiest first.

    `share` adds up to one; `is_call` is true for calls; `last_expiration` is the month that has just expired.
    """

    trading_date: date
    expiration: tuple[date, ...]
    strike: Floats
    is_call: npt.NDArray[np.bool_]
    share: Floats
    symbol: tuple[str, ...]
    last_expiration: date

    def __len__(self) -> int:
        """The number of contracts."""
        return len(self.symbol)


def krx_symbol(expiration: date, strike: float, is_call: bool) -> str:
    """The ISIN of a KOSPI 200 option."""
    return krx_option_isin("C" if is_call else "P", expiration.year, expiration.month, strike)


def second_thursday(year: int, month: int) -> date:
    """The day on which KOSPI 200 options of a month expire, holidays aside."""
    first = date(year, month, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 7)


def monthly_expirations(trading_date: date) -> tuple[date, date, date]:
    """The last expiration before the trading date and the first two after it: who expires today trades no more."""
    month = trading_date.year * 12 + trading_date.month - 1
    around = [second_thursday((month + k) // 12, (month + k) % 12 + 1) for k in range(-1, 4)]
    later = [day for day in around if day > trading_date]
    return max(day for day in around if day < trading_date), later[0], later[1]


def list_chain(trading_date: date, level: float, rng: np.random.Generator) -> Chain:
    """The contracts around an index level: two expirations, 31 strikes, calls and puts.

    Args:
        trading_date: the date they trade on.
        level: index points at the open; strikes lie around it.
        rng: decides how activity is spread over contracts that are equally near the money.
    """
    past, front, back = monthly_expirations(trading_date)
    centre = round(level / STRIKE_STEP) * STRIKE_STEP
    offsets = np.arange(-STRIKES_EACH_SIDE, STRIKES_EACH_SIDE + 1) * STRIKE_STEP
    strike = np.tile(np.repeat(centre + offsets, 2), 2)
    is_call = np.tile([True, False], 2 * len(offsets))
    is_front = np.repeat([True, False], 2 * len(offsets))
    out_of_the_money = np.where(is_call, strike - level, level - strike)
    distance = np.where(out_of_the_money > 0, out_of_the_money, -2.0 * out_of_the_money) / STRIKE_STEP
    order = np.argsort(distance + np.where(is_front, 0.0, 9.0) + rng.normal(0.0, 0.7, len(strike)), kind="stable")
    strike, is_call, is_front = strike[order], is_call[order], is_front[order]
    expiration = tuple(front if nearest else back for nearest in is_front.tolist())
    terms = zip(expiration, strike.tolist(), is_call.tolist(), strict=True)
    symbol = tuple(krx_symbol(*term) for term in terms)
    return Chain(trading_date, expiration, strike, is_call, _shares(len(strike)), symbol, past)


def _shares(contracts: int) -> Floats:
    """Rank by rank: 6 % at the top, 45 % in the first ten, then a fast decline."""
    rank = np.arange(contracts)
    weight = np.where(rank < 10, 1.0 - 0.05 * rank, 0.5 * np.exp(-(rank - 9) / 18.0))
    weight = np.maximum(weight, 0.004)
    rest = weight[1:] * (1.0 - TOP_SHARE) / weight[1:].sum()
    shares: Floats = np.concatenate([[TOP_SHARE], rest])
    return shares
