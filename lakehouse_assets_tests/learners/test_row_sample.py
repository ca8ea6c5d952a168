"""A drawn sample: of the right size, spread over the rows, the same however they come."""

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners import row_sample as module
from lakehouse_assets.learners.row_sample import drawn_rows, position_hash
from lakehouse_assets_tests.learners.synthetic import in_batches

ROWS = 10_000
BATCH = pa.RecordBatch.from_pydict({"row": np.arange(ROWS)})


def drawn(size: int, seed: int = 7, rows_a_batch: int = 1_000) -> list[int]:
    parts = drawn_rows(in_batches(BATCH, rows_a_batch), ROWS, size, seed)
    return [row for part in parts for row in part["row"].to_pylist()]


@pytest.mark.parametrize("size", [1, 999, 1_000, 5_001, 9_999, 10_000, 20_000])
def test_exactly_so_many_rows_are_drawn_each_once_and_in_their_order(size: int) -> None:
    found = drawn(size)
    assert len(found) == len(set(found)) == min(size, ROWS)
    assert found == sorted(found)


def test_the_rows_drawn_depend_on_the_seed_and_not_on_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    found = drawn(500)
    assert found == drawn(500, rows_a_batch=333)
    monkeypatch.setattr(module, "ROWS_A_CHUNK", 1_234)
    assert found == drawn(500)
    assert len(set(found) & set(drawn(500, seed=8))) < 60  # 25 are expected by chance


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    assert set(drawn(200)) < set(drawn(2_000))


def test_the_sample_is_spread_evenly() -> None:
    tenths = np.bincount(np.array(drawn(2_000)) // 1_000, minlength=10)
    assert tenths.min() > 150
    assert tenths.max() < 250


def test_no_two_positions_have_one_hash() -> None:
    assert len(np.unique(position_hash(0, 200_000, 3))) == 200_000
    assert np.array_equal(position_hash(0, 10, 3)[4:], position_hash(4, 10, 3))
