"""Runs: one parent a Dagster run, one nested run a model, ends that are true; a store made by one process only."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.services.tracking import (
    EVALUATION_EXPERIMENT,
    PIPELINE_EXPERIMENT,
    evaluation_run,
    model_run,
    parent_run,
    read_record,
    study_run,
)
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.services.worlds import identity


def run_of(store: TrackingStore, run_id: str) -> Any:
    return store.client.get_run(run_id)


def test_a_model_run_is_nested_under_the_parent_of_its_dagster_run(store: TrackingStore) -> None:
    with model_run(store, identity("one")) as first:
        pass
    with model_run(store, identity("one", asset="model_lightgbm")) as second:
        pass
    with model_run(store, identity("two")) as third:
        pass
    parents = [run_of(store, run.run_id).data.tags["mlflow.parentRunId"] for run in (first, second, third)]
    assert parents[0] == parents[1] != parents[2]
    parent = run_of(store, parents[0])
    assert parent.data.tags["dagster.run_id"] == "one"
    assert parent.info.status == "FINISHED"
    tags = run_of(store, second.run_id).data.tags
    assert tags["dagster.asset"] == "model_lightgbm"
    assert (tags["git.sha"], tags["lock.sha256"], tags["dagster.partition"]) == ("a" * 40, "b" * 64, "")
    assert store.experiment(PIPELINE_EXPERIMENT) == parent.info.experiment_id


def test_threads_that_ask_at_once_get_one_parent(store: TrackingStore) -> None:
    with ThreadPoolExecutor(6) as pool:
        parents = set(pool.map(lambda _: parent_run(store, identity("same")), range(6)))
    assert len(parents) == 1


def test_of_two_parents_the_oldest_wins(store: TrackingStore) -> None:
    experiment = store.experiment(PIPELINE_EXPERIMENT)
    made = [store.client.create_run(experiment, start_time=at, tags={"dagster.run_id": "x"}) for at in (2_000, 1_000)]
    assert parent_run(store, identity("x")) == made[1].info.run_id


def test_a_step_that_fails_leaves_a_failed_run_and_parent_and_a_retry_heals_the_parent(store: TrackingStore) -> None:
    with pytest.raises(ZeroDivisionError), model_run(store, identity()) as failed:
        _ = 1 // 0
    parent = parent_run(store, identity())
    assert run_of(store, failed.run_id).info.status == "FAILED"
    assert run_of(store, parent).info.status == "FAILED"
    with model_run(store, identity()):
        pass
    assert run_of(store, parent).info.status == "FINISHED"
    assert run_of(store, failed.run_id).info.status == "FAILED"


def test_a_run_that_was_killed_is_closed_by_the_next_try(store: TrackingStore) -> None:
    parent = parent_run(store, identity())
    tags = {**identity().tags(), "mlflow.parentRunId": parent}
    killed = store.client.create_run(store.experiment(PIPELINE_EXPERIMENT), tags=tags).info.run_id
    with model_run(store, identity()):
        assert run_of(store, killed).info.status == "KILLED"


def test_a_parent_that_had_ended_is_running_again_while_a_child_is(store: TrackingStore) -> None:
    with model_run(store, identity()):
        pass
    parent = parent_run(store, identity())
    assert run_of(store, parent).info.status == "FINISHED"
    with model_run(store, identity(asset="model_lightgbm")):
        assert run_of(store, parent).info.status == "RUNNING"
    assert run_of(store, parent).info.status == "FINISHED"


def test_a_study_has_one_run_which_goes_on_under_the_dagster_run_that_asks(store: TrackingStore) -> None:
    one = identity("one", "model_tuning")
    with study_run(store, one, "a b") as first, first.child("trial 0", one, "FINISHED"):
        pass
    with pytest.raises(ZeroDivisionError), study_run(store, one, "a b"):
        _ = 1 // 0
    assert run_of(store, first.run_id).info.status == "FAILED"
    with study_run(store, identity("two", "model_tuning"), "a b") as again:
        assert again.run_id == first.run_id
        assert run_of(store, again.run_id).info.status == "RUNNING"
        assert again.finished_children() == {"trial 0"}
    found = run_of(store, first.run_id)
    assert (found.info.status, found.data.tags["dagster.run_id"]) == ("FINISHED", "two")
    assert found.data.tags["mlflow.parentRunId"] == parent_run(store, identity("two"))
    assert run_of(store, parent_run(store, identity("two"))).info.status == "FINISHED"
    with study_run(store, identity("two", "model_tuning"), "another") as other:
        assert other.run_id != first.run_id


def test_a_child_that_was_cut_short_is_taken_away_so_that_it_can_be_written_anew(store: TrackingStore) -> None:
    with study_run(store, identity(), "s") as run:
        tags = {"mlflow.parentRunId": run.run_id}
        half = store.client.create_run(store.experiment(PIPELINE_EXPERIMENT), tags=tags, run_name="trial 0")
        assert run.finished_children() == set()
        assert run_of(store, half.info.run_id).info.lifecycle_stage == "deleted"


def test_what_is_logged_can_be_read_again(store: TrackingStore, tmp_path: Path) -> None:
    with evaluation_run(store, identity(), "version 1") as run:
        run.log_parameters({"max_depth": 5})
        run.log_metrics({"accuracy": 0.6})
        run.log_curves({"loss": [0.1] * 1_500})
        run.log_record("record.json", {"a": [1, 2]})
    data = run_of(store, run.run_id).data
    assert data.params == {"max_depth": "5"}
    assert data.metrics == {"accuracy": 0.6, "loss": 0.1}
    history = store.client.get_metric_history(run.run_id, "loss")
    assert sorted(point.step for point in history) == list(range(1, 1_501))
    assert read_record(store, run.run_id, "record.json") == {"a": [1, 2]}
    assert (tmp_path / "mlartifacts" / EVALUATION_EXPERIMENT / run.run_id / "artifacts" / "record.json").is_file()


def test_pointing_leaves_no_trace_in_mlflows_global_state(store: TrackingStore) -> None:
    import mlflow

    untyped: Any = mlflow
    assert not untyped.is_tracking_uri_set()
    with store.pointed_at():
        assert mlflow.get_tracking_uri() == store.uri
    assert not untyped.is_tracking_uri_set()


@pytest.mark.slow
def test_processes_that_open_a_new_store_at_once_all_succeed(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from lakehouse_assets_tests.services.worlds import store_in, identity\n"
        "from lakehouse_assets.services.tracking import parent_run\n"
        f"print(parent_run(store_in(Path({str(tmp_path)!r})), identity()))"
    )
    project = str(Path(__file__).parents[2])
    command, work = [sys.executable, "-c", f"import sys; sys.path.insert(0, {project!r})\n{program}"], tmp_path / "work"
    work.mkdir()
    both = [subprocess.Popen(command, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert len({out for out, _ in ends}) == 1  # and both found one parent
    assert list(work.iterdir()) == []  # nothing of MLflow's lies in the working directory
