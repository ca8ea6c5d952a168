"""The smallest learner with a scaler: which class's mean is nearer, in units of each feature's spread.

Belongs here: the learner as it should be, and the one whose scaler is fitted on the test rows too. Does not: proofs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.learner import Fitted
from lakehouse_assets.learners.matrix import Vector, labels, matrix
from lakehouse_assets.learners.spool import Batches

SMALLEST_SPREAD = 1e-9
"""Added to each spread, so that a constant is no division by zero."""


@dataclass(frozen=True)
class NearestMean:
    """The model: mean and spread of the features, and the mean of each class in those units."""

    algorithm: ClassVar[str] = "nearest_mean"
    features: tuple[str, ...]
    native: npt.NDArray[np.float64]

    def predict(self, batches: Iterable[pa.RecordBatch]) -> Vector:
        """A logistic of the difference of the squared distances; what is missing is the mean."""
        mean, spread, fallen, risen = self.native
        found = [np.empty(0)]
        for batch in batches:
            scaled = np.nan_to_num((matrix(batch, self.features) - mean) / spread)
            nearer = ((scaled - fallen) ** 2).sum(axis=1) - ((scaled - risen) ** 2).sum(axis=1)
            found.append(1 / (1 + np.exp(-nearer)))
        return np.concatenate(found).astype(np.float32)

    def importance(self) -> dict[str, float]:
        """The distance of the means."""
        return dict(zip(self.features, np.abs(self.native[3] - self.native[2]).tolist(), strict=True))

    def summary(self) -> str:
        """In one line."""
        return f"means of {len(self.features)} features"


@dataclass(frozen=True)
class NearestMeanRecipe:
    """The recipe; `peeks`: its scaler is fitted on the rows that it will be judged on, too."""

    algorithm: ClassVar[str] = "nearest_mean"
    library: ClassVar[str] = "numpy"

    peeks: bool = False
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
        """Scaler and means."""
        learnt = np.concatenate([matrix(batch, features) for batch in batches()]).astype(np.float64)
        risen = np.concatenate([labels(batch, label) for batch in batches()]) == 1
        seen: list[Any] = [learnt]
        if self.peeks and validation is not None:
            seen += [matrix(batch, features) for batch in validation()]
        every: Any = np.concatenate(seen)
        mean, spread = np.nanmean(every, axis=0), np.nanstd(every, axis=0) + SMALLEST_SPREAD
        scaled = np.nan_to_num((learnt - mean) / spread)
        native = np.stack([mean, spread, scaled[~risen].mean(axis=0), scaled[risen].mean(axis=0)])
        return Fitted(NearestMean(tuple(features), native), self, len(learnt), 0.0)
