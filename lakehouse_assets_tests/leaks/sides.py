"""What a split must keep apart, by brute force over every pair of rows, whoever made the split.

Belongs here: the slow, obvious questions. Does not: the split, nor the fast guard that training asks (`leaking_rows`).
"""

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.splits import Rows, Times


def touches(t0: Times, t1: Times, train: Rows, test: Rows) -> list[tuple[int, int]]:
    """Every pair of a training and a test row whose closed intervals share an instant."""
    return [(a, b) for a in train for b in test if t0[a] <= t1[b] and t0[b] <= t1[a]]


def same_instants(t0: Times, train: Rows, test: Rows) -> set[int]:
    """The instants with rows on both sides."""
    return {int(instant) for instant in np.intersect1d(t0[train], t0[test])}


def twins(batch: pa.RecordBatch, train: Rows, test: Rows) -> int:
    """How many test rows are, column by column, a training row as well."""
    rows = [tuple(row.values()) for row in batch.to_pylist()]
    learnt = {rows[row] for row in train}
    return sum(rows[row] in learnt for row in test)
