"""The one shape of every learner of ticks: a recipe that is fitted to rows, and the model that comes of it.

Belongs here: what a recipe and a model can do, a fit's result, its time budget. Does not: any library that learns.
"""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pyarrow as pa

from lakehouse_assets.learners.matrix import Vector
from lakehouse_assets.learners.spool import Batches
from lakehouse_assets.learners.untrainable import Untrainable


class Model(Protocol):
    """A fitted model, whichever library made it."""

    algorithm: ClassVar[str]

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns in the model's order, read off the library's own object."""
        ...

    @property
    def native(self) -> Any:
        """The library's own object, which is what is saved."""
        ...

    def predict(self, batches: Iterable[pa.RecordBatch]) -> Vector:
        """The probability of class 1 for each row, in the order of the rows; shape (rows,).

        Raises:
            ValueError: the model does not carry its features, i.e. it was not made by its learner.
        """
        ...

    def importance(self) -> dict[str, float]:
        """What each feature contributes, largest first; a feature that is never used has 0."""
        ...

    def summary(self) -> str:
        """The shape of the model in words and numbers, a few lines."""
        ...


class AnyRecipe(Protocol):
    """What every recipe says, whatever is learnt from; a frozen dataclass whose fields are flat values."""

    algorithm: ClassVar[str]
    library: ClassVar[str]
    """The distribution whose version decides as well."""

    @property
    def seed(self) -> int:
        """Of every draw."""
        ...

    @property
    def threads(self) -> int:
        """Part of the recipe: a library may add in another order with more of them."""
        ...

    @property
    def time_budget_seconds(self) -> float:
        """How long one fit may take; longer: `OverBudget`, and nothing is kept."""
        ...

    def as_parameters(self) -> dict[str, str | int | float | bool]:
        """Every knob, for the record."""
        ...


class Recipe(AnyRecipe, Protocol):
    """All that decides a model besides the rows; `algorithms.recipe_of` makes it of its parameters again."""

    def fit(
        self,
        batches: Batches,
        features: Sequence[str],
        label: str,
        *,
        validation: Batches | None = None,
        cache: Path | None = None,
    ) -> "Fitted":
        """Train on the rows of `batches`; the label is 0 or 1.

        Args:
            batches: the training rows; passed over several times.
            features: the columns to learn from, in the order the model keeps.
            label: the column to predict.
            validation: rows whose loss is recorded as the model grows, and with it that of the training rows; nothing
                is chosen by it. Without it no loss is recorded.
            cache: an empty folder, for a recipe that keeps rows on disk while it learns.

        Raises:
            ValueError: no rows, a label that is not 0 or 1, or an infinite feature.
            OverBudget: it took longer than `time_budget_seconds`.
        """
        ...


@dataclass(frozen=True)
class Fitted:
    """A trained model, the rows it learnt from, how long it took, and its loss by data set as it grew."""

    model: Model
    recipe: Recipe
    rows: int
    seconds: float
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


class UnknownRecipe(ValueError):
    """No learner of this code is described by the recipe; the message says what is not known."""


class OverBudget(Untrainable):
    """Training took longer than it may: nothing is kept; the message says what to raise or lower."""


@dataclass(frozen=True)
class Stopwatch:
    """The time of one fit against its budget.

    A model is the one its recipe describes or there is none: a fit that is late is given up, never cut short.
    """

    recipe: AnyRecipe
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self.started

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self.seconds > self.recipe.time_budget_seconds

    def check(self, done: str) -> None:
        """Go on, or give up.

        Args:
            done: how far the fit is, for the message.

        Raises:
            OverBudget: the budget is spent.
        """
        if self.is_over:
            raise OverBudget(
                f"{self.recipe.algorithm}: the fit is over its time budget of {self.recipe.time_budget_seconds:g} s at "
                f"{done}; nothing was kept. Raise time_budget_seconds, or train on fewer rows or with a smaller recipe"
            )


def largest_first(contributions: Mapping[str, float]) -> dict[str, float]:
    """What features contribute, the largest first, equal ones by name."""
    return dict(sorted(contributions.items(), key=lambda item: (-item[1], item[0])))


def let_idle_threads_sleep() -> None:
    """OpenMP's threads spin while they wait, which on shared cores costs more than the work; only before its import."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
