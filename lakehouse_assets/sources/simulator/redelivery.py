"""True duplicates: a range of one file that the feed delivers again in the next one.

Belongs here: which rows come again. Does not: whole files that come again (`file_faults`), quotes that a feed
legitimately repeats (`events`).
"""

import numpy as np

from lakehouse_assets.sources.simulator.events import Ticks
from lakehouse_assets.sources.simulator.faults import BIT, HARD_BITS


def delivered_again(before: Ticks, count: int, rng: np.random.Generator) -> Ticks:
    """About `count` consecutive rows of the file before, less those with a hard code, marked as duplicates.

    Args:
        before: the rows of the file before.
        count: how many; at most all.
        rng: where the range starts.
    """
    length = min(count, len(before))
    start = int(rng.integers(0, len(before) - length + 1))
    which = np.arange(start, start + length)
    is_sound = (before.truth[which] & np.uint32(HARD_BITS)) == 0
    again = before.rows(which[is_sound])
    again.truth[:] = BIT["DUP_SOURCE_KEY"]
    return again
