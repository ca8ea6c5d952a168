"""Gradient boosting with LightGBM, fed from a file of its own.

Belongs here: the recipe, its fit, the model and what makes both reproducible. Does not: which rows (splits), how good
(evaluation), where the model is kept. LightGBM draws single rows before it reads them all, so the rows are laid down
once as float32 and read back block by block; it keeps one byte a value (bins).
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.learner import Fitted, Stopwatch, largest_first, let_idle_threads_sleep
from lakehouse_assets.learners.matrix import Vector, joined, labels, matrix, with_rows
from lakehouse_assets.learners.spool import ROWS_A_BATCH, Batches

if TYPE_CHECKING:
    import lightgbm as lgb

UNNAMED = "Column_0"
"""What LightGBM calls the first feature of a model that was trained without names."""


@dataclass(frozen=True)
class LightGBMModel:
    """A booster; LightGBM keeps the order of its features itself."""

    algorithm: ClassVar[str] = "lightgbm"
    native: "lgb.Booster"

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns in the model's order.

        Raises:
            ValueError: the model does not say.
        """
        names = tuple(self.native.feature_name())
        if UNNAMED in names:
            raise ValueError("the model carries no feature names: it was not made by this learner; train it again")
        return names

    def predict(self, batches: Iterable[pa.RecordBatch]) -> Vector:
        """The probability of class 1 for each row, in the order of the rows; shape (rows,).

        Raises:
            ValueError: the model does not carry its features, i.e. it was not made by this learner.
        """
        features = self.features
        return joined(np.asarray(self.native.predict(matrix(batch, features))) for batch in batches if batch.num_rows)

    def importance(self) -> dict[str, float]:
        """Each feature's mean gain over its splits, largest first; a feature that is never used has 0."""
        gains = self.native.feature_importance("gain") / np.maximum(self.native.feature_importance("split"), 1)
        return largest_first({name: float(gain) for name, gain in zip(self.features, gains, strict=True)})

    def summary(self) -> str:
        """Trees, leaves and features."""
        trees = self.native.dump_model()["tree_info"]
        leaves = [tree["num_leaves"] for tree in trees]
        return (
            f"LightGBM, boosted trees for a binary label: {len(trees)} trees with {sum(leaves):,} leaves, "
            f"at most {max(leaves, default=0)} a tree, on {len(self.features)} features\n"
        ) + "".join(f"  {name}\n" for name in self.features)


@dataclass(frozen=True)
class LightGBMRecipe:
    """All that decides the model besides the rows, in LightGBM's own words; the thread count is part of it.

    Nulls stay missing: LightGBM learns where they go. Histograms are always built by row and with fixed order of
    addition (`deterministic`), since LightGBM otherwise times both ways and takes the faster.
    """

    algorithm: ClassVar[str] = "lightgbm"
    library: ClassVar[str] = "lightgbm"

    num_leaves: int = 15
    learning_rate: float = 0.05
    rounds: int = 100
    seed: int = 7
    threads: int = 2
    max_bin: int = 255
    min_data_in_leaf: int = 200
    bagging_fraction: float = 0.8
    feature_fraction: float = 0.8
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
        cache: Path | None = None,
    ) -> Fitted:
        """Train on the rows of `batches`, kept meanwhile in an unnamed file in `cache`; see `learner.Recipe.fit`.

        Raises:
            ValueError: no rows, a label that is not 0 or 1, or an infinite feature.
            OverBudget: it took longer than `time_budget_seconds`.
        """
        let_idle_threads_sleep()
        import lightgbm as lgb

        watch = Stopwatch(self)
        record: dict[str, dict[str, list[float]]] = {}
        with _Rows(tuple(features), label, cache) as learnt, _Rows(tuple(features), label, cache) as judged:
            train = learnt.filled(batches, watch).dataset(self._native_parameters())
            watched = {}
            if validation is not None:  # the loss of a million rows after each round is a tenth of the fit
                held_out = judged.filled(validation, watch)
                watched = {"train": train, "validation": held_out.dataset(self._native_parameters(), reference=train)}
            booster = lgb.train(
                self._native_parameters(),
                train,
                self.rounds,
                valid_sets=list(watched.values()),
                valid_names=list(watched),
                callbacks=[lgb.record_evaluation(record), _checked(watch)],
            )
        history = {name: tuple(curve["binary_logloss"]) for name, curve in record.items()}
        return Fitted(LightGBMModel(booster), self, learnt.rows, watch.seconds, history)

    def _native_parameters(self) -> dict[str, Any]:
        """LightGBM's own names for the recipe."""
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "num_leaves": self.num_leaves,
            "learning_rate": self.learning_rate,
            "max_bin": self.max_bin,
            "min_data_in_leaf": self.min_data_in_leaf,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "feature_fraction": self.feature_fraction,
            "seed": self.seed,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }


@dataclass
class _Rows:
    """Rows as float32 in a file without a name, which is gone when it is closed, and their labels in memory."""

    features: tuple[str, ...]
    label: str
    folder: Path | None
    labels: list[Vector] = field(default_factory=list)
    rows: int = 0

    def __enter__(self) -> "_Rows":
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def filled(self, batches: Batches, watch: Stopwatch) -> "_Rows":
        """Lay the rows down."""
        for batch in with_rows(batches):
            watch.check("laying down its rows")
            self.labels.append(labels(batch, self.label))
            self.file.write(matrix(batch, self.features).data)
            self.rows += batch.num_rows
        self.file.flush()
        return self

    def dataset(self, parameters: dict[str, Any], reference: "lgb.Dataset | None" = None) -> "lgb.Dataset":
        """The rows in bins, those of `reference` where given."""
        import lightgbm as lgb

        made = lgb.Dataset(
            self._blocks(),
            label=np.concatenate(self.labels),
            reference=reference,
            feature_name=list(self.features),
            params=parameters,
        )
        return made.construct()

    def block(self, number: int) -> npt.NDArray[np.float64]:
        """The rows of one block; LightGBM's sequences must be of float64."""
        start = number * ROWS_A_BATCH
        count = min(ROWS_A_BATCH, self.rows - start)
        self.file.seek(start * len(self.features) * np.dtype(np.float32).itemsize)
        values = np.fromfile(self.file, np.float32, count * len(self.features))
        return values.reshape(count, len(self.features)).astype(np.float64)

    def _blocks(self) -> "lgb.Sequence":
        import lightgbm as lgb

        rows = self

        class Blocks(lgb.Sequence):
            """Drawn rows come in ascending order and slices in steps of a block: one block is read at a time."""

            batch_size = ROWS_A_BATCH

            def __init__(self) -> None:
                self.number = -1
                self.values = np.empty((0, len(rows.features)))

            def __len__(self) -> int:
                return rows.rows

            def __getitem__(self, index: Any) -> npt.NDArray[np.float64]:
                start = index.start if isinstance(index, slice) else int(index)
                if start // ROWS_A_BATCH != self.number:
                    self.number = start // ROWS_A_BATCH
                    self.values = rows.block(self.number)
                return self.values if isinstance(index, slice) else self.values[start % ROWS_A_BATCH]

        return Blocks()


def _checked(watch: Stopwatch) -> Any:
    def check(environment: Any) -> None:
        watch.check(f"round {environment.iteration + 1} of {environment.end_iteration}")

    return check
