"""The flattering number beside the honest one."""

import dataclasses

import numpy as np
import pytest

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.fold_rows import drawn
from lakehouse_assets.learners.lightgbm_trees import LightGBMRecipe
from lakehouse_assets.learners.naive_split import naive_predictions
from lakehouse_assets.learners.training import TrainingPlan, train
from lakehouse_assets_tests.learners.synthetic import COLUMNS, World, in_batches, rows

RECIPE = LightGBMRecipe(num_leaves=63, rounds=60, learning_rate=0.2, min_data_in_leaf=5, threads=1)
PLAN = TrainingPlan(recipe=RECIPE, folds=1, resampling=Resampling(samples=50, seed=1))


def test_a_random_split_flatters_where_contracts_of_one_instant_share_their_label() -> None:
    """Nothing can be learnt but which minute it is: honest scores stay at chance, those of a random split do not."""
    batch = rows(World(days=4, contracts=20, follow=0.5))
    minute = np.random.default_rng(1).permutation(600)[np.arange(batch.num_rows) // 20].astype(np.float32)
    batch = batch.set_column(batch.schema.get_field_index("noise"), "noise", minute)
    found = train(in_batches(batch), COLUMNS, PLAN)
    assert found.naive_scores is not None
    assert found.naive_scores.accuracy.value > 0.62
    assert found.scores.accuracy.value < 0.56
    assert found.naive_scores.rows == pytest.approx(found.scores.rows, rel=0.1)


def test_the_naive_split_never_touches_the_model() -> None:
    batch = rows(World(days=2))
    found = train(in_batches(batch), COLUMNS, PLAN)
    without = train(in_batches(batch), COLUMNS, dataclasses.replace(PLAN, naive_split=False))
    assert without.naive_scores is None
    assert (without.prediction_hash, without.scores) == (found.prediction_hash, found.scores)
    assert without.fold_scores == found.fold_scores
    assert PLAN.as_parameters()["naive_split"] is True


def test_the_draw_is_seeded_and_does_not_depend_on_the_batches() -> None:
    batch = rows(World(days=2))

    def judged(size: int, seed: int) -> list[int]:
        inside, outside = drawn(in_batches(batch, size), 0.25, seed)
        parts = [[i for part in side() for i in part["spread"].to_pylist()] for side in (inside, outside)]
        assert len(parts[0]) + len(parts[1]) == batch.num_rows
        assert len(parts[0]) == pytest.approx(0.25 * batch.num_rows, rel=0.1)
        return parts[0]

    assert judged(1_000, 7) == judged(77, 7)
    assert judged(1_000, 7) != judged(1_000, 8)


def test_all_rows_may_be_drawn() -> None:
    inside, outside = drawn(in_batches(rows(World(days=1))), 1.0, 7)
    assert sum(part.num_rows for part in inside()) == 1_500
    assert sum(part.num_rows for part in outside()) == 0


def test_the_majority_is_that_of_the_rows_learnt_from() -> None:
    batch = rows(World(days=2))
    found = naive_predictions(in_batches(batch), COLUMNS, RECIPE, test_share=0.3)
    others = [part["label"].to_numpy() for part in drawn(in_batches(batch), 0.3, 7)[1]()]
    assert found.majority == pytest.approx(np.concatenate(others).mean())
