"""Rows as a learner sees them, with a signal of known strength.

Each minute has a hidden push; the move of the underlying follows it with a known chance, and a contract's features
show the push under noise. So the best possible accuracy is known: `follow` (0.5: nothing can be learnt).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.spool import Columns

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
START = 1_763_683_200_000_000  # 2025-11-21 00:00 UTC
HORIZON = 5
FEATURES = ("imbalance", "flow", "spread", "noise")
COLUMNS = Columns(FEATURES)


@dataclass(frozen=True)
class World:
    """How many days, minutes a day and contracts a minute, and how often the move follows the push."""

    days: int = 4
    minutes: int = 150
    contracts: int = 10
    follow: float = 0.62
    seed: int = 11


def rows(world: World = World(), leak: bool = False, shuffle: bool = False) -> pa.RecordBatch:
    """All rows, ordered by time and contract; `leak` hides the label in a noisy feature, `shuffle` cuts it loose."""
    rng = np.random.default_rng(world.seed)
    minutes = world.days * world.minutes
    instant = (START + np.arange(world.days)[:, None] * DAY + np.arange(world.minutes)[None] * MINUTE).ravel()
    push = rng.choice([-1, 1], size=minutes)
    move = np.where(rng.random(minutes) < world.follow, push, -push)
    last = np.append(0, move[:-1])
    wide = np.repeat(np.arange(minutes), world.contracts)
    size = len(wide)
    label = (move[wide] > 0).astype(np.int8)
    label = rng.permutation(label) if shuffle else label
    flow = push[wide] + rng.normal(0, 1, size)
    data: dict[str, Any] = {
        "t0": instant[wide],
        "t1": instant[wide] + HORIZON * MINUTE,
        "label": label,
        "last_direction": last[wide].astype(np.int8),
        "imbalance": push[wide] + rng.normal(0, 0.3, size),
        "flow": pa.array(flow, mask=rng.random(size) < 0.1),
        "spread": rng.lognormal(0, 1, size),
        "noise": label + rng.normal(0, 0.35, size) if leak else rng.normal(0, 1, size),
    }
    return pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in data.items()})


def in_batches(batch: pa.RecordBatch, size: int = 1_000) -> Callable[[], Iterator[pa.RecordBatch]]:
    """The rows in passes of small batches."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, batch.num_rows, size):
            yield batch.slice(start, size)

    return batches
