"""A sample of rows that does not depend on how they arrive: drawn by a hash of each row's position.

Belongs here: the draw. Does not: what is learnt from it. Rows are numbered in the order of their key, so the same rows
make the same sample in any process and in batches of any size; memory is that of the sample's hashes.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.spool import Batches

ROWS_A_CHUNK = 1_000_000


def position_hash(start: int, stop: int, seed: int) -> npt.NDArray[np.uint64]:
    """A hash of each position from `start` to before `stop`, evenly spread over 64 bits; no two alike.

    Source: the finalizer of SplitMix64, Steele, Lea and Flood (2014); it maps 64 bits one to one.
    """
    with np.errstate(over="ignore"):  # wraps around, which is what is wanted
        mixed = np.arange(start, stop, dtype=np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def drawn_rows(batches: Batches, rows: int, size: int, seed: int) -> Iterator[pa.RecordBatch]:
    """The `size` rows out of `rows` whose position hashes lowest, batch by batch and in their order."""
    if size >= rows:
        yield from (batch for batch in batches() if batch.num_rows)
        return
    highest = _highest(rows, size, seed)
    start = 0
    for batch in batches():
        stop = start + batch.num_rows
        chosen = batch.filter(pa.array(position_hash(start, stop, seed) <= highest))
        if chosen.num_rows:
            yield chosen
        start = stop


def _highest(rows: int, size: int, seed: int) -> np.uint64:
    """The highest of the `size` lowest hashes."""
    lowest = np.empty(0, dtype=np.uint64)
    for start in range(0, rows, ROWS_A_CHUNK):
        lowest = np.concatenate([lowest, position_hash(start, min(start + ROWS_A_CHUNK, rows), seed)])
        if len(lowest) > size:
            lowest = np.partition(lowest, size - 1)[:size]
    return np.uint64(lowest.max())
