"""A learner that learns nothing but which rows it was shown: for tests of what a fit gets to see.

Every row needs a feature `row` that numbers it. The probability is always the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.learner import Fitted
from lakehouse_assets.learners.matrix import Vector
from lakehouse_assets.learners.spool import Batches


@dataclass
class Seen:
    """The rows of one fit, and those that its model was asked about."""

    learnt: set[int] = field(default_factory=set)
    asked: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Remembering:
    """The model."""

    algorithm: ClassVar[str] = "remembering"
    native: Seen
    features: tuple[str, ...] = ("row",)

    def predict(self, batches: Iterable[pa.RecordBatch]) -> Vector:
        """Always 0.6."""
        rows = [row for batch in batches for row in numbers(batch)]
        self.native.asked.update(rows)
        return np.full(len(rows), 0.6, dtype=np.float32)

    def importance(self) -> dict[str, float]:
        """None."""
        return {"row": 0.0}

    def summary(self) -> str:
        """What was seen."""
        return f"{len(self.native.learnt)} rows"


FITS: list[Seen] = []
"""What each fit since the last `forget` has seen."""


@dataclass(frozen=True)
class RememberingRecipe:
    """The recipe."""

    algorithm: ClassVar[str] = "remembering"
    library: ClassVar[str] = "numpy"

    seed: int = 7
    threads: int = 1
    time_budget_seconds: float = 60.0

    def as_parameters(self) -> dict[str, str | int | float | bool]:
        """Every knob."""
        return asdict(self)

    def fit(
        self,
        batches: Batches,
        features: Sequence[str],
        label: str,
        *,
        validation: Batches | None = None,
        cache: Path | None = None,
    ) -> Fitted:
        """Remember the rows."""
        seen = Seen({row for batch in batches() for row in numbers(batch)})
        FITS.append(seen)
        return Fitted(Remembering(seen), self, len(seen.learnt), 0.0)


def numbers(batch: pa.RecordBatch) -> list[int]:
    """The numbers of the rows."""
    values: Any = batch.column("row").to_pylist()
    return [int(value) for value in values]


def forget() -> list[Seen]:
    """Start anew."""
    FITS.clear()
    return FITS
