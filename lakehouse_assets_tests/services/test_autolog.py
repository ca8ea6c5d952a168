"""MLflow's own logging: into our run, around one fit, and gone afterwards."""

from typing import Any

import pyarrow as pa
import pytest

from lakehouse_assets.learners.learner import Recipe
from lakehouse_assets.learners.lightgbm_trees import LightGBMRecipe
from lakehouse_assets.learners.random_forest import RandomForestRecipe
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets.services.autolog import SOUND, autologged
from lakehouse_assets.services.flavours import FLAVOURS
from lakehouse_assets.services.tracking import PIPELINE_EXPERIMENT, model_run
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.learners.synthetic import COLUMNS, World, in_batches, rows
from lakehouse_assets_tests.services.worlds import identity

BATCH = rows(World(days=1, minutes=60, contracts=5))
BOOSTED = (
    XGBoostRecipe(max_depth=2, rounds=4, threads=1), LightGBMRecipe(num_leaves=3, rounds=4, threads=1),
)  # fmt: skip
FOREST = RandomForestRecipe(trees=3, max_depth=2, threads=1)


def fit(recipe: Recipe, batch: pa.RecordBatch = BATCH) -> None:
    recipe.fit(in_batches(batch), COLUMNS.features, COLUMNS.label)


def all_runs(store: TrackingStore) -> dict[str, Any]:
    """Every run of every experiment, MLflow's default one included, by id."""
    experiments = [one.experiment_id for one in store.client.search_experiments()]
    return {run.info.run_id: run for run in store.client.search_runs(experiments)}


@pytest.mark.parametrize("recipe", BOOSTED, ids=SOUND)
def test_parameters_and_rounds_go_to_our_run_and_no_other_is_made(store: TrackingStore, recipe: Recipe) -> None:
    with model_run(store, identity()) as run:
        before = set(all_runs(store))
        with autologged(run, recipe.library):
            fit(recipe)
        found = all_runs(store)
        assert set(found) == before
        mine = found[run.run_id]
        assert mine.info.status == "RUNNING"  # the rest of the training is still to come
        assert mine.data.params
        assert mine.inputs.dataset_inputs == []
        assert store.client.search_logged_models([mine.info.experiment_id]) == []
    assert all_runs(store)[run.run_id].info.status == "FINISHED"


@pytest.mark.parametrize("recipe", BOOSTED, ids=SOUND)
def test_after_the_block_a_fit_is_logged_nowhere(store: TrackingStore, recipe: Recipe) -> None:
    with model_run(store, identity()) as run:
        with autologged(run, recipe.library):
            pass
        before = set(all_runs(store))
        with store.pointed_at():  # where logging that is still on would make a run of its own
            fit(recipe)
        assert set(all_runs(store)) == before
        assert all_runs(store)[run.run_id].data.params == {}
    assert {found.info.experiment_id for found in all_runs(store).values()} == {store.experiment(PIPELINE_EXPERIMENT)}


@pytest.mark.parametrize("library", sorted(set(FLAVOURS) - set(SOUND)))
def test_a_library_whose_logging_is_not_sound_is_left_alone(store: TrackingStore, library: str) -> None:
    with model_run(store, identity()) as run, autologged(run, library):
        import mlflow

        assert mlflow.active_run() is None
        if library == "scikit-learn":
            fit(FOREST)
    assert all_runs(store)[run.run_id].data.params == {}
    assert set(all_runs(store)[run.run_id].data.metrics) == set()


def test_a_fit_that_breaks_ends_the_logging_and_the_run_says_failed(store: TrackingStore) -> None:
    poisoned = BATCH.set_column(
        BATCH.schema.get_field_index("label"), "label", pa.array([3] * BATCH.num_rows, pa.int8())
    )
    recipe = BOOSTED[0]
    with (
        pytest.raises(ValueError, match="every row must be 0 or 1"),
        model_run(store, identity()) as run,
        autologged(run, recipe.library),
    ):
        fit(recipe, poisoned)
    import mlflow

    untyped: Any = mlflow
    assert mlflow.active_run() is None
    assert not untyped.is_tracking_uri_set()
    before = all_runs(store)
    assert before[run.run_id].info.status == "FAILED"
    with store.pointed_at():
        fit(recipe)
    assert set(all_runs(store)) == set(before)
    assert all_runs(store)[run.run_id].data.params == {}
