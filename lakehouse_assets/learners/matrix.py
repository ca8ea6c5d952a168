"""Rows as numbers: what every learner learns from and predicts.

Belongs here: the matrix of features, the labels, the digest of predictions. Does not: any library that learns.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.spool import Batches
from lakehouse_assets.learners.untrainable import Untrainable

Matrix: TypeAlias = npt.NDArray[np.float32]
Vector: TypeAlias = npt.NDArray[np.float32]


def matrix(batch: pa.RecordBatch, features: Sequence[str]) -> Matrix:
    """The features as float32, null as NaN; shape (rows, features), row-major.

    Raises:
        Untrainable: a feature is infinite, also after the narrowing to float32.
    """
    out = np.empty((batch.num_rows, len(features)), dtype=np.float32)
    for position, name in enumerate(features):
        column: Any = batch.column(name).cast(pa.float32(), safe=False)  # beyond float32: infinite, refused below
        out[:, position] = column.to_numpy(zero_copy_only=False)
    infinite = np.isinf(out)
    if infinite.any():
        name = features[int(np.argmax(infinite.any(axis=0)))]
        raise Untrainable(f"feature {name} holds an infinite value (or one beyond float32): missing must be null")
    return out


def labels(batch: pa.RecordBatch, label: str) -> Vector:
    """The labels as float32; shape (rows,).

    Raises:
        Untrainable: a label is neither 0 nor 1.
    """
    column = batch.column(label).cast(pa.float32())
    values = column.to_numpy(zero_copy_only=False)
    if column.null_count or not ((values == 0) | (values == 1)).all():
        raise Untrainable(f"label {label}: every row must be 0 or 1; leave out the rows whose label is not known")
    return np.asarray(values, dtype=np.float32)


def with_rows(batches: Batches) -> Iterator[pa.RecordBatch]:
    """One pass over the batches that hold rows.

    Raises:
        Untrainable: none does.
    """
    found = False
    for batch in batches():
        if batch.num_rows:
            found = True
            yield batch
    if not found:
        raise Untrainable("no rows to learn from")


def joined(parts: Iterable[npt.NDArray[Any]]) -> Vector:
    """The predictions of batch after batch as one vector of float32, empty where there was no batch."""
    kept = [np.asarray(part, dtype=np.float32) for part in parts]
    return np.concatenate(kept) if kept else np.empty(0, dtype=np.float32)


def prediction_hash(predictions: Vector) -> str:
    """SHA-256 of the predictions as little-endian float32: equal exactly where every prediction is."""
    return hashlib.sha256(np.ascontiguousarray(predictions, dtype="<f4").tobytes()).hexdigest()
