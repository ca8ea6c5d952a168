"""Runs that a killed process left open are closed once their Dagster run is over, and no others."""

from collections.abc import Iterator

import dagster as dg
import pytest

from lakehouse_assets.services.abandoned_runs import close_abandoned
from lakehouse_assets.services.tracking import EVALUATION_EXPERIMENT, PARENT_TAG, PIPELINE_EXPERIMENT, parent_run
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.services.worlds import identity, store_in


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance that knows one run of each end, by its name."""
    with dg.DagsterInstance.ephemeral() as known:
        for status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.STARTED):
            known.add_run(dg.DagsterRun(job_name="j", run_id=f"run-{status.value}", status=status))
        yield known


def left_open(store: TrackingStore, dagster_run_id: str, experiment: str = PIPELINE_EXPERIMENT) -> list[str]:
    """What a process leaves that was killed in the middle: a run, and its parent in the experiment of models."""
    known, tags = identity(dagster_run_id), identity(dagster_run_id).tags()
    parents = [parent_run(store, known)] if experiment == PIPELINE_EXPERIMENT else []
    for parent in parents:
        tags[PARENT_TAG] = parent
    return [*parents, str(store.client.create_run(store.experiment(experiment), tags=tags).info.run_id)]


def ends(store: TrackingStore, run_ids: list[str]) -> set[str]:
    return {store.client.get_run(run_id).info.status for run_id in run_ids}


@pytest.mark.parametrize("experiment", [PIPELINE_EXPERIMENT, EVALUATION_EXPERIMENT])
@pytest.mark.parametrize("status", ["FAILURE", "CANCELED"])
def test_what_is_open_though_its_dagster_run_is_over_is_closed_as_killed(
    store: TrackingStore, instance: dg.DagsterInstance, status: str, experiment: str
) -> None:
    left = left_open(store, f"run-{status}", experiment)
    assert close_abandoned(store, instance) == len(left)
    assert ends(store, left) == {"KILLED"}
    assert close_abandoned(store, instance) == 0


@pytest.mark.parametrize("dagster_run_id", ["run-STARTED", "of-another-instance"])
def test_what_may_still_be_at_work_is_left_alone(
    store: TrackingStore, instance: dg.DagsterInstance, dagster_run_id: str
) -> None:
    left = left_open(store, dagster_run_id)
    assert close_abandoned(store, instance) == 0
    assert ends(store, left) == {"RUNNING"}


def test_a_run_that_has_ended_keeps_its_end(store: TrackingStore, instance: dg.DagsterInstance) -> None:
    left = left_open(store, "run-FAILURE")
    for run_id in left:
        store.client.set_terminated(run_id, "FINISHED")
    assert close_abandoned(store, instance) == 0
    assert ends(store, left) == {"FINISHED"}


def test_a_store_that_was_never_opened_is_not_made(
    instance: dg.DagsterInstance, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("nothing")
    assert close_abandoned(store_in(folder), instance) == 0
    assert list(folder.iterdir()) == []
