"""The rows that learners are measured on, made batch by batch.

Belongs here: 25 features of which a few carry a weak signal and five are null on a tenth of the rows. The same number
of rows is the same rows. Does not: fitting.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.algorithms import recipe_of
from lakehouse_assets.learners.learner import Recipe
from lakehouse_assets.learners.spool import ROWS_A_BATCH, Columns

FEATURES = tuple(f"feature_{number:02d}" for number in range(25))
COLUMNS = Columns(FEATURES)
WITH_SIGNAL, WITH_NULLS, SHARE_OF_NULLS = 8, 5, 0.1


def generated(rows: int) -> Iterator[pa.RecordBatch]:
    """The rows; memory is that of one batch."""
    for number, start in enumerate(range(0, rows, ROWS_A_BATCH)):
        size = min(ROWS_A_BATCH, rows - start)
        rng = np.random.default_rng(number)
        values = rng.normal(size=(size, len(FEATURES))).astype(np.float32)
        pull = values[:, :WITH_SIGNAL].sum(axis=1) * 0.15 + values[:, 0] * values[:, 1] * 0.1
        label = (rng.random(size) < 1 / (1 + np.exp(-pull))).astype(np.int8)
        values[:, :WITH_NULLS][rng.random((size, WITH_NULLS)) < SHARE_OF_NULLS] = np.nan
        instants = np.arange(start, start + size, dtype=np.int64) * 1_000
        columns = {"t0": instants, "t1": instants + 1, "label": label, "last_direction": np.zeros(size, np.int8)}
        arrays = {name: pa.array(column) for name, column in columns.items()}
        arrays |= {name: pa.array(values[:, k], from_pandas=True) for k, name in enumerate(FEATURES)}
        yield pa.RecordBatch.from_pydict(arrays)


def recipe(arguments: dict[str, Any]) -> Recipe:
    """The recipe that a measurement asks for."""
    return recipe_of(arguments["algorithm"], {"time_budget_seconds": 3_600.0, **arguments["parameters"]})
