"""What the forest has of its own: a bounded sample, quantile codes, thresholds in the features' own units."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse_assets.learners.matrix import matrix
from lakehouse_assets.learners.random_forest import RandomForestRecipe, _edges, _encode
from lakehouse_assets_tests.learners.synthetic import FEATURES, World, in_batches, rows

RECIPE = RandomForestRecipe(trees=13, max_depth=6, threads=1)
SMALL = World(days=2, minutes=60)


def test_the_forest_reads_raw_features_as_plain_scikit_learn(tmp_path: Path) -> None:
    import pandas as pd
    import skops.io

    batch = rows(SMALL)
    model = RECIPE.fit(in_batches(batch), FEATURES, "label").model
    skops.io.dump(model.native, tmp_path / "forest.skops")
    forest = skops.io.load(tmp_path / "forest.skops", trusted=["sklearn.tree._tree.Tree"])
    frame = pd.DataFrame(matrix(batch, FEATURES), columns=list(FEATURES))
    assert frame["flow"].isna().any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = [forest.predict_proba(frame)[:, 1] for _ in range(2)]
    assert np.array_equal(plain[0], plain[1])
    assert np.array_equal(plain[0].astype(np.float32), model.predict([batch]))


def test_it_is_the_forest_that_one_call_grows_on_the_codes() -> None:
    """Chunks of trees and thresholds put back change nothing: bit for bit the forest grown at once on codes."""
    from sklearn.ensemble import RandomForestClassifier

    batch = rows(World(days=2))
    model = RECIPE.fit(in_batches(batch), FEATURES, "label").model
    codes = matrix(batch, FEATURES)
    _encode(codes, _edges(codes, RECIPE.bins))
    assert np.nanmax(codes) < RECIPE.bins
    known = {"max_depth": 6, "min_samples_leaf": 50, "max_samples": RECIPE.tree_share, "random_state": RECIPE.seed}
    at_once = RandomForestClassifier(13, n_jobs=1, **known).fit(codes, batch["label"].to_numpy())
    assert np.array_equal(at_once.predict_proba(codes)[:, 1].astype(np.float32), model.predict([batch]))


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(-(2.0**99), 2.0**99, width=32)), min_size=1, max_size=80),
    bins=st.integers(2, 9),
)
def test_a_value_is_up_to_an_edge_exactly_where_its_code_is_up_to_the_edges_number(
    values: list[float | None], bins: int
) -> None:
    raw = np.array([[np.nan if value is None else value] for value in values], dtype=np.float32)
    (ends,) = _edges(raw, bins)
    codes = raw.copy()
    _encode(codes, [ends])
    assert np.array_equal(np.isnan(codes), np.isnan(raw))
    assert len(ends) < bins
    for number, end in enumerate(ends):
        assert np.array_equal(codes <= number, raw <= end)


def test_at_most_the_sample_is_learnt_from_and_the_summary_says_so() -> None:
    batch = rows(World(days=2))
    bounded = dataclasses.replace(RECIPE, sample_rows=1_000)
    fitted = bounded.fit(in_batches(batch), FEATURES, "label")
    assert fitted.rows == 1_000
    assert bounded.as_parameters()["sample_rows"] == 1_000
    assert "grown from 1,000 rows drawn out of 3,000" in fitted.model.summary()


def test_the_sample_does_not_depend_on_the_batches() -> None:
    batch = rows(World(days=2))
    bounded = dataclasses.replace(RECIPE, sample_rows=1_000)
    made = [bounded.fit(in_batches(batch, size), FEATURES, "label").model.predict([batch]) for size in (77, 3_000)]
    assert np.array_equal(made[0], made[1])


def test_rows_of_one_class_are_refused() -> None:
    batch = rows(SMALL)
    ones = batch.filter(pa.array(batch["label"].to_numpy() == 1))
    with pytest.raises(ValueError, match="a forest needs rows of both classes"):
        RECIPE.fit(in_batches(ones), FEATURES, "label")
