"""Gradient boosting with XGBoost, fed batch by batch.

Belongs here: the recipe, fit, predict and what makes both reproducible. Does not: which rows (splits), how good
(evaluation), where the model is kept. The feature table is never held: XGBoost sees float32 batches and keeps one
byte a value (quantile bins).
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.spool import Batches

if TYPE_CHECKING:
    import xgboost as xgb

Matrix: TypeAlias = npt.NDArray[np.float32]
Vector: TypeAlias = npt.NDArray[np.float32]

FEATURES_ATTRIBUTE = "lakehouse_features"


@dataclass(frozen=True)
class BoostingRecipe:
    """All that decides the model besides the rows; the thread count is part of it and is recorded.

    Nulls stay missing: XGBoost learns where they go, and whoever loads the model by other means sends them the same
    way. Filling them with a number would save a third of the memory, and predict wrongly wherever that is forgotten.
    `external_memory` keeps the bins on disk.
    """

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

    def parameters(self) -> dict[str, Any]:
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

    def as_parameters(self) -> dict[str, str | int | float | bool]:
        """Every knob, for the record."""
        return asdict(self)


@dataclass(frozen=True)
class Fitted:
    """A trained booster, the loss after each round by data set, and how long the fit took."""

    model: "xgb.Booster"
    recipe: BoostingRecipe
    features: tuple[str, ...]
    rows: int
    seconds: float
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def matrix(batch: pa.RecordBatch, features: Sequence[str]) -> Matrix:
    """The features as float32, null as NaN; shape (rows, features), row-major.

    Raises:
        ValueError: a feature is infinite, also after the narrowing to float32.
    """
    out = np.empty((batch.num_rows, len(features)), dtype=np.float32)
    for position, name in enumerate(features):
        column: Any = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused below
            out[:, position] = column
    if np.isinf(out).any():
        name = features[int(np.argmax(np.isinf(out).any(axis=0)))]
        raise ValueError(f"feature {name} holds an infinite value (or one beyond float32): missing must be null")
    return out


def fit(
    batches: Batches,
    features: Sequence[str],
    label: str,
    recipe: BoostingRecipe,
    *,
    validation: Batches | None = None,
    cache: Path | None = None,
) -> Fitted:
    """Train on the rows of `batches`; the label is 0 or 1.

    Args:
        batches: the training rows; passed over several times.
        features: the columns to learn from, in the order the model keeps.
        label: the column to predict.
        recipe: all that decides the model besides the rows.
        validation: rows whose loss is recorded after each round; nothing is chosen by it.
        cache: an empty folder for the bins, needed where `recipe.external_memory`.

    Raises:
        ValueError: no rows, a label that is not 0 or 1, or an infinite feature.
    """
    _let_idle_threads_sleep()
    import xgboost as xgb

    started = time.perf_counter()
    train = _quantiles(batches, features, label, recipe, cache)
    watched = [(train, "train")]
    if validation is not None:
        watched.append((_quantiles(validation, features, label, recipe, cache, ref=train), "validation"))
    record: dict[str, dict[str, list[float]]] = {}
    booster = xgb.train(
        recipe.parameters(), train, recipe.rounds, evals=watched, evals_result=record, verbose_eval=False
    )
    booster.set_attr(**{FEATURES_ATTRIBUTE: json.dumps(list(features))})
    history = {name: tuple(curve["logloss"]) for name, curve in record.items()}
    seconds = time.perf_counter() - started
    return Fitted(booster, recipe, tuple(features), int(train.num_row()), seconds, history)


def _let_idle_threads_sleep() -> None:
    """OpenMP's threads spin while they wait, which on shared cores costs more than the work; only before its import."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")


def predict(model: "xgb.Booster", batches: Iterable[pa.RecordBatch]) -> Vector:
    """The probability of class 1 for each row, in the order of the rows; shape (rows,).

    The features are read off the model, which keeps their order.

    Raises:
        ValueError: the model does not carry them, i.e. it was not made by `fit`.
    """
    features = features_of(model)
    parts = [
        np.asarray(model.inplace_predict(matrix(batch, features)), dtype=np.float32)
        for batch in batches
        if batch.num_rows
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def features_of(model: "xgb.Booster") -> tuple[str, ...]:
    """The feature columns in the model's order.

    Raises:
        ValueError: the model does not say.
    """
    return tuple(json.loads(_attribute(model, FEATURES_ATTRIBUTE)))


def importance(model: "xgb.Booster") -> dict[str, float]:
    """Each feature's mean gain over its splits, largest first; a feature that is never used has 0."""
    gains = model.get_score(importance_type="gain")
    found = {name: float(np.mean(gains.get(name, 0.0))) for name in features_of(model)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def prediction_hash(predictions: Vector) -> str:
    """SHA-256 of the predictions as little-endian float32: equal exactly where every prediction is."""
    return hashlib.sha256(np.ascontiguousarray(predictions, dtype="<f4").tobytes()).hexdigest()


def _attribute(model: "xgb.Booster", name: str) -> str:
    value = model.attr(name)
    if value is None:
        raise ValueError(f"the model carries no {name}: it was not made by this learner; train it again")
    return value


def _labels(batch: pa.RecordBatch, label: str) -> Vector:
    column = batch.column(label).cast(pa.float32())
    values = column.to_numpy(zero_copy_only=False)
    if column.null_count or not np.isin(values, (0.0, 1.0)).all():
        raise ValueError(f"label {label}: every row must be 0 or 1; leave out the rows whose label is not known")
    return np.asarray(values, dtype=np.float32)


def _quantiles(
    batches: Batches,
    features: Sequence[str],
    label: str,
    recipe: BoostingRecipe,
    cache: Path | None,
    ref: "xgb.DMatrix | None" = None,
) -> "xgb.DMatrix":
    """XGBoost's binned form of the rows, built by passing over the batches."""
    import xgboost as xgb

    if next(_filled(batches), None) is None:
        raise ValueError("no rows to learn from")

    class Passes(xgb.DataIter):
        def __init__(self) -> None:
            self.rows: Iterator[pa.RecordBatch] = iter(())
            prefix = "train" if ref is None else "validation"
            super().__init__(cache_prefix=str(cache / prefix) if recipe.external_memory and cache else None)

        def reset(self) -> None:
            self.rows = _filled(batches)

        def next(self, input_data: Callable[..., None]) -> bool:
            batch = next(self.rows, None)
            if batch is None:
                return False
            data = matrix(batch, features)
            input_data(data=data, label=_labels(batch, label), feature_names=list(features))
            return True

    if recipe.external_memory:
        if cache is None:
            raise ValueError("external memory needs a folder for its cache")
        return xgb.ExtMemQuantileDMatrix(Passes(), nthread=recipe.threads, max_bin=recipe.max_bin, ref=ref)
    return xgb.QuantileDMatrix(Passes(), nthread=recipe.threads, max_bin=recipe.max_bin, ref=ref)


def _filled(batches: Batches) -> Iterator[pa.RecordBatch]:
    return (batch for batch in batches() if batch.num_rows)
