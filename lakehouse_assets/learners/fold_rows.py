"""The rows of one side of a split, as passes over the rows of both.

Belongs here: which batches a fit and a judgement get to see. Does not: where the split lies (splits), what becomes of
the rows. Nothing is copied ahead of a pass: a batch is cut while it goes by.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.row_sample import position_hash
from lakehouse_assets.learners.splits import Fold, Mask, Times
from lakehouse_assets.learners.spool import Batches, Columns, values


def learnt(fold: Fold, batches: Batches, columns: Columns) -> Batches:
    """The rows that the fold learns from."""
    return lambda: _filtered(batches, lambda batch, _: fold.trains(_times(batch, columns.t1)))


def tested(fold: Fold, batches: Batches, columns: Columns) -> Batches:
    """The rows of the fold's test span."""
    return lambda: _filtered(batches, lambda batch, _: fold.tests(_times(batch, columns.t0)))


def drawn(batches: Batches, share: float, seed: int) -> tuple[Batches, Batches]:
    """The rows in two parts at random, whatever their time: about `share` of them, and the others."""
    limit = np.uint64(min(int(share * 2.0**64), 2**64 - 1))

    def inside(batch: pa.RecordBatch, start: int) -> Mask:
        return position_hash(start, start + batch.num_rows, seed) < limit

    return lambda: _filtered(batches, inside), lambda: _filtered(batches, lambda *row: ~inside(*row))


def _filtered(batches: Batches, chosen: Callable[[pa.RecordBatch, int], Mask]) -> Iterator[pa.RecordBatch]:
    start = 0
    for batch in batches():
        yield batch.filter(pa.array(chosen(batch, start)))
        start += batch.num_rows


def _times(batch: pa.RecordBatch, name: str) -> Times:
    return np.asarray(values(batch, name), dtype=np.int64)
