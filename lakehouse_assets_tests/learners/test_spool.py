"""Rows kept for a learner: nothing lost, nothing reordered, the same batches however they came."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners import spool as module
from lakehouse_assets.learners.spool import Columns, outline, spool
from lakehouse_assets_tests.learners.synthetic import COLUMNS, World, in_batches, rows


def test_the_rows_come_back_in_order_pass_after_pass(tmp_path: Path) -> None:
    batch = rows(World(days=1))
    kept = spool(in_batches(batch, 333)(), COLUMNS, tmp_path / "rows.arrow")
    for _ in range(2):
        table = pa.Table.from_batches(list(kept()))
        assert table["t0"].to_pylist() == batch["t0"].to_pylist()
        assert table["flow"].null_count == batch["flow"].null_count > 0
        assert np.array_equal(table["spread"].to_numpy(), batch["spread"].to_numpy().astype(np.float32))
    assert table.schema == COLUMNS.schema


def test_the_batches_do_not_depend_on_how_the_rows_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_A_BATCH", 400)
    batch = rows(World(days=1))
    by_size = [
        [part.num_rows for part in spool(in_batches(batch, size)(), COLUMNS, tmp_path / f"{size}.arrow")()]
        for size in (1, 399, 400, 401, 5_000)
    ]
    assert by_size == [[400, 400, 400, 300]] * 5


def test_timestamps_become_microseconds_and_further_columns_are_dropped(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 1, 2, 3, 4, tzinfo=UTC)
    for unit in ("us", "ns"):
        stamp = pa.array([moment], pa.timestamp(unit, tz="UTC"))
        batch = pa.RecordBatch.from_pydict(
            {"a": pa.array([1]), "t0": stamp, "t1": stamp, "label": pa.array([1]), "last_direction": pa.array([-1]),
             "symbol": pa.array(["x"])}
        )  # fmt: skip
        (kept,) = spool([batch], Columns(("a",)), tmp_path / f"{unit}.arrow")()
        assert kept.to_pylist() == [
            {"t0": 1_795_136_523_000_004, "t1": 1_795_136_523_000_004, "label": 1, "last_direction": -1, "a": 1.0}
        ]


def test_an_unknown_direction_is_zero_in_the_outline(tmp_path: Path) -> None:
    batch = rows(World(days=1, minutes=2, contracts=1))
    directions = pa.array([None, -1], pa.int8())
    batch = batch.set_column(batch.schema.get_field_index("last_direction"), "last_direction", directions)
    known = outline(spool([batch], COLUMNS, tmp_path / "rows.arrow"), COLUMNS)
    assert known.last_direction.tolist() == [0, -1]
    assert known.t1.dtype == np.int64
    assert known.label.dtype == np.int8


def test_no_rows_make_an_empty_outline(tmp_path: Path) -> None:
    kept = spool([], COLUMNS, tmp_path / "rows.arrow")
    assert list(kept()) == []
    assert outline(kept, COLUMNS).t0.shape == (0,)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no column flow; they have t0, t1"):
        spool([rows(World(days=1)).drop_columns(["flow"])], COLUMNS, tmp_path / "rows.arrow")


def test_a_row_without_a_label_is_refused(tmp_path: Path) -> None:
    batch = rows(World(days=1, minutes=1, contracts=2))
    batch = batch.set_column(batch.schema.get_field_index("label"), "label", pa.array([1, None], pa.int8()))
    with pytest.raises(ValueError, match="label is null on 1 rows"):
        spool([batch], COLUMNS, tmp_path / "rows.arrow")


@pytest.mark.parametrize("size", [1, 2, 40, 1_000])
def test_rows_out_of_the_order_of_time_are_refused_wherever_a_batch_ends(size: int, tmp_path: Path) -> None:
    batch = rows(World(days=1, minutes=20, contracts=2))
    order = np.arange(40)
    order[[21, 24]] = order[[24, 21]]
    with pytest.raises(ValueError, match=f"not in the order of t0: {batch['t0'][22]} comes after {batch['t0'][24]} "):
        spool(in_batches(batch.take(pa.array(order)), size)(), COLUMNS, tmp_path / "rows.arrow")
    within = np.arange(40).reshape(20, 2)[:, ::-1].ravel()  # the contracts of an instant may come in any order
    assert sum(b.num_rows for b in spool([batch.take(pa.array(within))], COLUMNS, tmp_path / "rows.arrow")()) == 40
