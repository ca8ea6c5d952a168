"""What LightGBM has of its own: rows laid down in a file, read back block by block."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners import lightgbm_trees as module
from lakehouse_assets.learners.lightgbm_trees import LightGBMModel, LightGBMRecipe
from lakehouse_assets.learners.matrix import matrix
from lakehouse_assets_tests.learners.synthetic import FEATURES, World, in_batches, rows

RECIPE = LightGBMRecipe(num_leaves=8, rounds=20, min_data_in_leaf=50, threads=1)


def bare(batch: pa.RecordBatch) -> LightGBMModel:
    """What LightGBM makes of the same rows held in memory, in one sequence."""
    import lightgbm as lgb

    values = matrix(batch, FEATURES).astype(np.float64)

    class Held(lgb.Sequence):
        def __len__(self) -> int:
            return len(values)

        def __getitem__(self, index: Any) -> Any:
            return values[index]

    data = lgb.Dataset(Held(), label=batch["label"].to_numpy(), feature_name=list(FEATURES))
    return LightGBMModel(lgb.train(RECIPE._native_parameters(), data, RECIPE.rounds))


@pytest.mark.parametrize("rows_a_block", [100_000, 1_000, 999, 7_000])
def test_blocks_from_the_file_make_the_model_that_the_rows_in_memory_make(
    rows_a_block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_A_BATCH", rows_a_block)
    batch = rows(World(days=2))
    fitted = RECIPE.fit(in_batches(batch, 700), FEATURES, "label", cache=tmp_path)
    assert np.array_equal(fitted.model.predict([batch]), bare(batch).predict([batch]))
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_are_drawn_for_the_bins_are_all_learnt_from() -> None:
    """LightGBM draws 200,000 rows for its bins: here they are fewer than there are."""
    batch = rows(World(days=4, minutes=300, contracts=200))
    fitted = RECIPE.fit(in_batches(batch, 90_000), FEATURES, "label")
    assert fitted.rows == batch.num_rows == 240_000
    assert np.array_equal(fitted.model.predict([batch]), bare(batch).predict([batch]))


def test_the_summary_counts_the_leaves() -> None:
    model = RECIPE.fit(in_batches(rows()), FEATURES, "label").model
    leaves = int(model.native.trees_to_dataframe()["split_feature"].isna().sum())
    assert f"20 trees with {leaves} leaves, at most 8 a tree, on 4 features" in model.summary()


def test_the_importance_is_the_mean_gain() -> None:
    model = RECIPE.fit(in_batches(rows()), FEATURES, "label").model
    splits = model.native.trees_to_dataframe().dropna(subset="split_feature")
    assert model.importance() == pytest.approx(splits.groupby("split_feature")["split_gain"].mean().to_dict(), rel=1e-4)
