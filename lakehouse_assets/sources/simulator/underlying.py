"""Ticks of the index: a quote and a trade in turn, every five seconds, without faults.

Belongs here: the underlying's file of a trading date. Does not: its path (`market`).
"""

import numpy as np
import pyarrow as pa

from lakehouse_assets.sources.simulator.books import NONE, Day
from lakehouse_assets.sources.simulator.chain import UNDERLYING
from lakehouse_assets.sources.simulator.clock import TRADING_SECONDS, to_microseconds
from lakehouse_assets.sources.simulator.columns import price, size, stamps, word, words
from lakehouse_assets.sources.simulator.market import NIGHT_STEPS, STEP_SECONDS

EVERY_SECONDS = 5
HALF_SPREAD = 2
"""Hundredths of an index point."""
DELAY_US = 1_500


def underlying_table(day: Day, rng: np.random.Generator) -> pa.Table:
    """The ticks of the underlying on one trading date in the canonical columns."""
    seconds = np.arange(0, TRADING_SECONDS, EVERY_SECONDS) + rng.uniform(0.0, 1.0, TRADING_SECONDS // EVERY_SECONDS)
    step = (seconds // STEP_SECONDS).astype(np.int64)
    within = seconds / STEP_SECONDS - step
    step += step >= NIGHT_STEPS
    path = day.market.index
    level = np.rint(100.0 * (path[step] + within * (path[step + 1] - path[step]))).astype(np.int32)
    is_trade = np.arange(len(seconds)) % 2 == 1
    buys = rng.random(len(seconds)) < 1.0 / (1.0 + np.exp(-day.market.index_flow[step]))
    lots = rng.geometric(0.1, (3, len(seconds))).astype(np.int32)
    timestamp = to_microseconds(day.chain.trading_date, seconds)
    sequence = day.chain.trading_date.toordinal() * 10**9 + np.arange(len(seconds))
    return pa.table(
        {
            "instrument_type": word("underlying", len(seconds)),
            "event_type": words(is_trade, ("quote", "trade")),
            "symbol": word(UNDERLYING, len(seconds)),
            "raw_symbol": word(UNDERLYING, len(seconds)),
            **stamps(day.chain.trading_date, timestamp, timestamp + DELAY_US, sequence),
            "last_price": price(np.where(is_trade, level + np.where(buys, HALF_SPREAD, -HALF_SPREAD), NONE)),
            "last_size": size(np.where(is_trade, lots[0], NONE)),
            "bid_px_00": price(np.where(is_trade, NONE, level - HALF_SPREAD)),
            "bid_sz_00": size(np.where(is_trade, NONE, lots[1])),
            "ask_px_00": price(np.where(is_trade, NONE, level + HALF_SPREAD)),
            "ask_sz_00": size(np.where(is_trade, NONE, lots[2])),
            "flags": pa.array(np.zeros(len(seconds), np.int64)),
        }
    )
