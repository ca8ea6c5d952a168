"""Gradient boosting with XGBoost, fed batch by batch.

Belongs here: the recipe, its fit, the model and what makes both reproducible. Does not: which rows (splits), how good
(evaluation), where the model is kept. The feature table is never held: XGBoost sees float32 batches and keeps one
byte a value (quantile bins).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.learner import Fitted, Stopwatch, largest_first, let_idle_threads_sleep
from lakehouse_assets.learners.matrix import Vector, joined, labels, matrix, with_rows
from lakehouse_assets.learners.spool import Batches

if TYPE_CHECKING:
    import xgboost as xgb

FEATURES_ATTRIBUTE = "lakehouse_features"


@dataclass(frozen=True)
class XGBoostModel:
    """A booster that carries the order of its features."""

    algorithm: ClassVar[str] = "xgboost"
    native: "xgb.Booster"

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns in the model's order.

        Raises:
            ValueError: the model does not say.
        """
        value = self.native.attr(FEATURES_ATTRIBUTE)
        if value is None:
            raise ValueError(
                f"the model carries no {FEATURES_ATTRIBUTE}: it was not made by this learner; train it again"
            )
        return tuple(json.loads(value))

    def predict(self, batches: Iterable[pa.RecordBatch]) -> Vector:
        """The probability of class 1 for each row, in the order of the rows; shape (rows,).

        Raises:
            ValueError: the model does not carry its features, i.e. it was not made by this learner.
        """
        features = self.features
        return joined(self.native.inplace_predict(matrix(batch, features)) for batch in batches if batch.num_rows)

    def importance(self) -> dict[str, float]:
        """Each feature's mean gain over its splits, largest first; a feature that is never used has 0."""
        gains = self.native.get_score(importance_type="gain")
        return largest_first({name: float(np.mean(gains.get(name, 0.0))) for name in self.features})

    def summary(self) -> str:
        """Trees, leaves, depth and features."""
        trees = [tree.splitlines() for tree in self.native.get_dump()]
        leaves = sum(line.count("leaf=") for tree in trees for line in tree)
        depth = max((line.count("\t") for tree in trees for line in tree), default=0)
        return (
            f"XGBoost, boosted trees for a binary label: {len(trees)} trees with {leaves:,} leaves, "
            f"at most {depth} deep, on {len(self.features)} features\n"
            + "".join(f"  {name}\n" for name in self.features)
        )


@dataclass(frozen=True)
class XGBoostRecipe:
    """All that decides the model besides the rows; the thread count is part of it and is recorded.

    Nulls stay missing: XGBoost learns where they go, and whoever loads the model by other means sends them the same
    way. Filling them with a number would save a third of the memory, and predict wrongly wherever that is forgotten.
    `external_memory` keeps the bins on disk.
    """

    algorithm: ClassVar[str] = "xgboost"
    library: ClassVar[str] = "xgboost"

    max_depth: int = 4
    learning_rate: float = 0.05
    rounds: int = 100
    seed: int = 7
    threads: int = 2
    max_bin: int = 256
    min_child_weight: float = 50.0
    subsample: float = 0.8
    colsample_bytree: float = 0.8
    external_memory: bool = False
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
        """Train on the rows of `batches`; see `learner.Recipe.fit`.

        Raises:
            ValueError: no rows, a label that is not 0 or 1, an infinite feature, or no folder for bins on disk.
            OverBudget: it took longer than `time_budget_seconds`.
        """
        let_idle_threads_sleep()
        import xgboost as xgb

        watch = Stopwatch(self)
        bins = _Bins(self, tuple(features), label, watch, self._folder(cache))
        train = bins.of(batches, "train")
        watched = []
        if validation is not None:  # the loss of a million rows after each round is a tenth of the fit
            watched = [(train, "train"), (bins.of(validation, "validation", ref=train), "validation")]
        record: dict[str, dict[str, list[float]]] = {}
        booster = xgb.train(
            self._native_parameters(),
            train,
            self.rounds,
            evals=watched,
            evals_result=record,
            verbose_eval=False,
            callbacks=[_checked(watch)],
        )
        booster.set_attr(**{FEATURES_ATTRIBUTE: json.dumps(list(features))})
        history = {name: tuple(curve["logloss"]) for name, curve in record.items()}
        return Fitted(XGBoostModel(booster), self, int(train.num_row()), watch.seconds, history)

    def _folder(self, cache: Path | None) -> Path | None:
        if self.external_memory and cache is None:
            raise ValueError("external memory needs a folder for its cache")
        return cache if self.external_memory else None

    def _native_parameters(self) -> dict[str, Any]:
        """XGBoost's own names for the recipe."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_depth": self.max_depth,
            "learning_rate": self.learning_rate,
            "max_bin": self.max_bin,
            "min_child_weight": self.min_child_weight,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "seed": self.seed,
            "nthread": self.threads,
        }


@dataclass(frozen=True)
class _Bins:
    """XGBoost's binned form of rows, built by passing over their batches."""

    recipe: XGBoostRecipe
    features: tuple[str, ...]
    label: str
    watch: Stopwatch
    folder: Path | None

    def of(self, batches: Batches, name: str, ref: "xgb.DMatrix | None" = None) -> "xgb.DMatrix":
        """The rows in bins, those of `ref` where given."""
        import xgboost as xgb

        next(with_rows(batches))  # XGBoost says less clearly that there is nothing to learn from
        made: Any = xgb.QuantileDMatrix if self.folder is None else xgb.ExtMemQuantileDMatrix
        threads, bins = self.recipe.threads, self.recipe.max_bin
        binned: xgb.DMatrix = made(self._passes(batches, name), nthread=threads, max_bin=bins, ref=ref)
        return binned

    def _passes(self, batches: Batches, name: str) -> "xgb.DataIter":
        import xgboost as xgb

        bins = self

        class Passes(xgb.DataIter):
            def __init__(self) -> None:
                self.rows: Iterator[pa.RecordBatch] = iter(())
                super().__init__(cache_prefix=str(bins.folder / name) if bins.folder else None)

            def reset(self) -> None:
                self.rows = with_rows(batches)

            def next(self, input_data: Callable[..., None]) -> bool:
                batch = next(self.rows, None)
                if batch is None:
                    return False
                bins.watch.check("the bins of its rows")
                data, label = matrix(batch, bins.features), labels(batch, bins.label)
                input_data(data=data, label=label, feature_names=list(bins.features))
                return True

        return Passes()


def _checked(watch: Stopwatch) -> "xgb.callback.TrainingCallback":
    import xgboost as xgb

    class Checked(xgb.callback.TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002 - the library's call
            watch.check(f"round {epoch + 1} of {watch.recipe.as_parameters()['rounds']}")
            return False

    return Checked()
