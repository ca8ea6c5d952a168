"""Rows as numbers: nulls are missing, what cannot be learnt from is refused, equal predictions have one digest."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.matrix import joined, labels, matrix, prediction_hash, with_rows
from lakehouse_assets_tests.learners.synthetic import in_batches


def test_a_null_is_missing_and_nothing_else_is() -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.5, None, float("nan")]), "b": pa.array([1, 2, None])})
    made = matrix(batch, ("b", "a"))
    assert made.dtype == np.float32
    assert made.flags.c_contiguous
    assert np.array_equal(made, [[1.0, 1.5], [2.0, np.nan], [np.nan, np.nan]], equal_nan=True)


def test_flags_and_large_whole_numbers_become_the_nearest_float32() -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([True, None, False]), "b": pa.array([2**53 + 1, 16_777_217, -1])})
    expected = [[1.0, 2.0**53], [np.nan, 16_777_216.0], [0.0, -1.0]]
    assert np.array_equal(matrix(batch, ("a", "b")), np.array(expected, dtype=np.float32), equal_nan=True)


@pytest.mark.parametrize("value", [float("inf"), -float("inf"), 1e300])
def test_an_infinite_feature_is_refused_by_name(value: float) -> None:
    batch = pa.RecordBatch.from_pydict({"a": pa.array([1.0, 2.0]), "b": pa.array([1.0, value])})
    with pytest.raises(ValueError, match="feature b holds an infinite value"):
        matrix(batch, ("a", "b"))


@pytest.mark.parametrize("label", [[0, 1, 2], [0, 1, None], [-1, 0, 1], [0.0, 0.5, 1.0], [0.0, 1.0, float("nan")]])
def test_a_label_that_is_not_zero_or_one_is_refused(label: list[float | None]) -> None:
    with pytest.raises(ValueError, match="label up: every row must be 0 or 1"):
        labels(pa.RecordBatch.from_pydict({"up": pa.array(label)}), "up")


def test_labels_are_float32() -> None:
    made = labels(pa.RecordBatch.from_pydict({"up": pa.array([0, 1, 1], pa.int8())}), "up")
    assert made.dtype == np.float32
    assert made.tolist() == [0, 1, 1]


def test_empty_batches_are_passed_over_and_no_rows_are_refused() -> None:
    batch = pa.RecordBatch.from_pydict({"a": [1, 2, 3]})
    mixed = [batch.slice(0, 0), batch.slice(0, 2), batch.slice(0, 0), batch.slice(2)]
    assert [part.num_rows for part in with_rows(lambda: mixed)] == [2, 1]
    with pytest.raises(ValueError, match="no rows to learn from"):
        list(with_rows(in_batches(batch.slice(0, 0))))


def test_parts_are_joined_as_float32_and_none_make_an_empty_vector() -> None:
    made = joined([np.array([0.1, 0.2]), np.array([0.3])])
    assert made.dtype == np.float32
    assert made.tolist() == np.array([0.1, 0.2, 0.3], dtype=np.float32).tolist()
    assert joined([]).shape == (0,)


def test_the_prediction_hash_is_that_of_little_endian_float32() -> None:
    known = hashlib.sha256(bytes.fromhex("0000803e0000403f")).hexdigest()  # 0.25 and 0.75 as IEEE 754 says
    assert prediction_hash(np.array([0.25, 0.75], dtype=np.float32)) == known
    assert prediction_hash(np.array([0.75, 0.25], dtype=np.float32)) != known
