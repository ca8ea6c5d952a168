"""What XGBoost has of its own: bins on disk, and trees that are counted."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from lakehouse_assets.learners.matrix import prediction_hash
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.learners.synthetic import FEATURES, World, in_batches, rows

RECIPE = XGBoostRecipe(max_depth=3, rounds=20, threads=1)
OUTSIDE = dataclasses.replace(RECIPE, external_memory=True)
SMALL = World(days=2, minutes=60)


def test_bins_kept_on_disk_make_nearly_the_same_model(tmp_path: Path) -> None:
    batch = rows(SMALL)
    fitted = RECIPE.fit(in_batches(batch), FEATURES, "label")
    kept = OUTSIDE.fit(in_batches(batch), FEATURES, "label", cache=tmp_path)
    assert np.abs(kept.model.predict([batch]) - fitted.model.predict([batch])).mean() < 0.02
    assert kept.rows == batch.num_rows


def test_bins_kept_on_disk_make_the_same_model_each_time(tmp_path: Path) -> None:
    batch = rows(SMALL)
    hashes = set()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        made = OUTSIDE.fit(in_batches(batch), FEATURES, "label", validation=in_batches(batch), cache=tmp_path / name)
        hashes.add(prediction_hash(made.model.predict([batch])))
        assert made.history["train"][-1] == pytest.approx(made.history["validation"][-1], abs=1e-6)
    assert len(hashes) == 1


def test_bins_on_disk_need_a_folder() -> None:
    with pytest.raises(ValueError, match="needs a folder"):
        OUTSIDE.fit(in_batches(rows(SMALL)), FEATURES, "label")


def test_the_summary_counts_leaves_and_depth() -> None:
    model = RECIPE.fit(in_batches(rows()), FEATURES, "label").model
    frame = model.native.trees_to_dataframe()
    leaves = int((frame["Feature"] == "Leaf").sum())
    assert model.summary().startswith(
        f"XGBoost, boosted trees for a binary label: 20 trees with {leaves} leaves, at most 3 deep, on 4 features\n"
    )
