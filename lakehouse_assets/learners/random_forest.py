"""A random forest with scikit-learn, bounded by a sample of the rows.

Belongs here: the recipe, its fit, the model and what makes both reproducible. Does not: which rows (splits), how good
(evaluation), where the model is kept. scikit-learn holds all rows it learns from, so at most `sample_rows` of them are
drawn. The trees are grown on quantile codes, where sorting is fast, and their thresholds are then put back into the
features' own units: the forest that is kept reads raw features.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.evaluation import row_losses
from lakehouse_assets.learners.learner import Fitted, Stopwatch, largest_first
from lakehouse_assets.learners.matrix import Matrix, Vector, joined, labels, matrix, with_rows
from lakehouse_assets.learners.row_sample import drawn_rows
from lakehouse_assets.learners.spool import ROWS_A_BATCH, Batches
from lakehouse_assets.learners.untrainable import Untrainable

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

TREES_A_CHUNK = 4
"""The time is looked at after so many trees."""

Edges: TypeAlias = list[npt.NDArray[np.float32]]
"""For each feature the upper ends of its bins, ascending: code b is what lies above edge b-1 and up to edge b."""


@dataclass(frozen=True)
class RandomForestModel:
    """A forest that knows the names of its features, and from how many of how many rows it was grown."""

    algorithm: ClassVar[str] = "random_forest"
    native: "RandomForestClassifier"

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns in the model's order.

        Raises:
            ValueError: the model does not say.
        """
        names = getattr(self.native, "feature_names_in_", None)
        if names is None:
            raise ValueError("the model carries no feature_names_in_: it was not made by this learner; train it again")
        return tuple(str(name) for name in names)

    def predict(self, batches: Iterable[pa.RecordBatch]) -> Vector:
        """The probability of class 1 for each row, in the order of the rows; shape (rows,).

        One thread adds up the trees: with more the order of addition, and so the last bits, differ from call to call.

        Raises:
            ValueError: the model does not carry its features, i.e. it was not made by this learner.
        """
        features = self.features
        return joined(
            probability / len(self.native.estimators_)
            for batch in batches
            if batch.num_rows
            for *_, probability in [_votes(self.native, matrix(batch, features))]
        )

    def importance(self) -> dict[str, float]:
        """Each feature's share of the decrease in impurity, largest first; a feature that is never used has 0."""
        shares = zip(self.features, self.native.feature_importances_, strict=True)
        return largest_first({name: float(share) for name, share in shares})

    def summary(self) -> str:
        """Trees, leaves, depth, features, and the rows drawn."""
        trees = self.native.estimators_
        return (
            f"Random forest for a binary label: {len(trees)} trees with {sum(t.get_n_leaves() for t in trees):,} "
            f"leaves, at most {max(t.get_depth() for t in trees)} deep, on {len(self.features)} features\n"
            f"grown from {self.native.rows_drawn_:,} rows drawn out of {self.native.rows_offered_:,}\n"
        ) + "".join(f"  {name}\n" for name in self.features)


@dataclass(frozen=True)
class RandomForestRecipe:
    """All that decides the model besides the rows; the thread count is part of it and is recorded.

    At most `sample_rows` rows are drawn, by a hash of each row's position, and of these each tree sees
    `tree_share`, drawn with replacement. Nulls stay missing: each split learns where they go.
    """

    algorithm: ClassVar[str] = "random_forest"
    library: ClassVar[str] = "scikit-learn"

    trees: int = 100
    max_depth: int = 10
    min_samples_leaf: int = 50
    seed: int = 7
    threads: int = 2
    bins: int = 62
    sample_rows: int = 500_000
    tree_share: float = 0.2
    time_budget_seconds: float = 900.0

    def as_parameters(self) -> dict[str, str | int | float | bool]:
        """Every knob, for the record."""
        return asdict(self)

    def fit(
        self,
        batches: Batches,
        features: Sequence[str],
        label: str,
        *,
        validation: Batches | None = None,
        cache: Path | None = None,  # noqa: ARG002 - the sample is held in memory
    ) -> Fitted:
        """Train on at most `sample_rows` of the rows; `Fitted.rows` counts those; see `learner.Recipe.fit`.

        The losses are recorded only where there is a validation set: they cost a prediction of all its rows.

        Raises:
            ValueError: no rows, a label that is not 0 or 1, one class only, or an infinite feature.
            OverBudget: it took longer than `time_budget_seconds`.
        """
        watch = Stopwatch(self)
        offered, values, truth = self._draw(batches, features, label, watch)
        edges = _edges(values, self.bins)
        _encode(values, edges)
        forest = self._grow(values, truth, tuple(features), watch)
        history = {}
        if validation is not None:
            history["train"] = _losses(forest, _slices(values, truth))
        _decode(forest, edges)
        forest.rows_drawn_, forest.rows_offered_ = len(truth), offered
        if validation is not None:
            rows = ((matrix(batch, features), labels(batch, label)) for batch in with_rows(validation))
            history["validation"] = _losses(forest, rows)
        return Fitted(RandomForestModel(forest), self, len(truth), watch.seconds, history)

    def _draw(
        self, batches: Batches, features: Sequence[str], label: str, watch: Stopwatch
    ) -> tuple[int, Matrix, Vector]:
        """How many rows there are, and the values and labels of those drawn."""
        offered = sum(batch.num_rows for batch in with_rows(batches))
        size = min(offered, self.sample_rows)
        values, truth = np.empty((size, len(features)), dtype=np.float32), np.empty(size, dtype=np.float32)
        filled = 0
        for batch in drawn_rows(batches, offered, size, self.seed):
            watch.check("drawing its rows")
            rows = slice(filled, filled + batch.num_rows)
            values[rows], truth[rows] = matrix(batch, features), labels(batch, label)
            filled += batch.num_rows
        if truth.min() == truth.max():
            raise Untrainable(f"label {label}: a forest needs rows of both classes to learn from")
        return offered, values, truth

    def _grow(
        self, codes: Matrix, truth: Vector, features: tuple[str, ...], watch: Stopwatch
    ) -> "RandomForestClassifier":
        """Some trees at a time; trees are seeded by their number, so it is the forest that one call would grow."""
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            n_estimators=0,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_samples=self.tree_share if self.tree_share < 1 else None,
            n_jobs=self.threads,
            random_state=self.seed,
            warm_start=True,
        )
        for grown in range(0, self.trees, TREES_A_CHUNK):
            watch.check(f"tree {grown} of {self.trees}")
            forest.n_estimators = min(grown + TREES_A_CHUNK, self.trees)
            forest.fit(codes, truth)
        watch.check(f"tree {self.trees} of {self.trees}")
        forest.set_params(n_jobs=1, warm_start=False)
        forest.feature_names_in_ = np.array(features, dtype=object)
        return forest


def _edges(values: Matrix, bins: int) -> Edges:
    """The quantiles of each column's values that are there: values that occur, so float32 holds them exactly."""
    shares = np.linspace(0, 1, bins + 1)[1:-1]
    known = (column[~np.isnan(column)] for column in values.T)
    return [
        np.unique(np.quantile(column, shares, method="lower")) if len(column) else np.empty(0, dtype=np.float32)
        for column in known
    ]


def _encode(values: Matrix, edges: Edges) -> None:
    """Values to codes, in place; what is missing stays so."""
    for position, ends in enumerate(edges):
        column = values[:, position]
        values[:, position] = np.where(np.isnan(column), np.nan, np.searchsorted(ends, column, side="left"))


def _decode(forest: "RandomForestClassifier", edges: Edges) -> None:
    """The trees' thresholds from codes to values, in place: up to code b is exactly what lies up to edge b.

    An infinite threshold parts what is missing from what is not, and stays.
    """
    for tree in forest.estimators_:
        used, thresholds = tree.tree_.feature, tree.tree_.threshold
        for position, ends in enumerate(edges):
            nodes = np.flatnonzero((used == position) & np.isfinite(thresholds))
            thresholds[nodes] = ends[np.floor(thresholds[nodes]).astype(np.int64)] if len(nodes) else 0


def _votes(forest: "RandomForestClassifier", values: Matrix) -> Iterator[npt.NDArray[np.float64]]:
    """The sum of the trees' probabilities of class 1 after each tree; one array, which grows; shape (rows,)."""
    votes = np.zeros(len(values))
    for tree in forest.estimators_:
        votes += tree.tree_.predict(values)[:, 1]
        yield votes


def _losses(forest: "RandomForestClassifier", rows: Iterable[tuple[Matrix, Vector]]) -> tuple[float, ...]:
    """The mean log-loss of the first tree, the first two, and so on, in nats."""
    sums, count = np.zeros(len(forest.estimators_)), 0
    for values, truth in rows:
        for number, votes in enumerate(_votes(forest, values)):
            sums[number] += row_losses(truth.astype(np.int8), votes / (number + 1)).sum()
        count += len(truth)
    return tuple(float(loss) for loss in sums / count)


def _slices(values: Matrix, truth: Vector) -> Iterator[tuple[Matrix, Vector]]:
    for start in range(0, len(truth), ROWS_A_BATCH):
        yield values[start : start + ROWS_A_BATCH], truth[start : start + ROWS_A_BATCH]
