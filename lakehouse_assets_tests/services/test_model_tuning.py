"""A study in MLflow: each trial a run under its run, the same study after a kill, and a span that no trial has seen."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners import tuning
from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.search_spaces import Range
from lakehouse_assets.learners.spool import outline
from lakehouse_assets.learners.training import split_of, train
from lakehouse_assets.services import model_tuning
from lakehouse_assets.services.model_tuning import Budget, TuningOutcome, tune_and_log
from lakehouse_assets.services.tracking import PARENT_TAG, PIPELINE_EXPERIMENT
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.learners.synthetic import COLUMNS, MINUTE, World, in_batches, rows
from lakehouse_assets_tests.paths import PROJECT
from lakehouse_assets_tests.services.worlds import PLAN as REGISTERED
from lakehouse_assets_tests.services.worlds import RECIPE, Reading, identity, store_in

__all__ = ["store_in"]

pytestmark = pytest.mark.slow

WORLD = World(days=3, minutes=60, contracts=5)
OWN = dataclasses.replace(RECIPE, rounds=50)
PLAN = dataclasses.replace(REGISTERED, recipe=OWN, folds=2, naive_split=False)
PLENTY = 1_000.0
"""Seconds that no study here takes."""


def studied(store: TrackingStore, folder: Path, trials: int = 3, **changes: Any) -> TuningOutcome:
    """A study kept in a folder; `changes` replace rows, plan, seconds or the Dagster run."""
    asked: dict[str, Any] = {"batch": rows(WORLD), "plan": PLAN, "seconds": PLENTY, "run": "run-1", **changes}
    progress = asked.get("progress", lambda _: None)
    return tune_and_log(
        Reading(asked["batch"]).inputs, asked["plan"], store, identity(asked["run"], "model_tuning"),
        folder / "deep" / "studies.db", Budget(trials, asked["seconds"]), progress,
    )  # fmt: skip


def drawn(found: TuningOutcome) -> list[tuple[dict[str, int | float], float | None]]:
    """What each finished trial drew and scored."""
    return [(dict(one.parameters), one.log_loss) for one in found.tuned.trials if one.state != "failed"]


def all_runs(store: TrackingStore) -> list[Any]:
    found: list[Any] = store.client.search_runs([store.experiment(PIPELINE_EXPERIMENT)])
    return found


def children(store: TrackingStore, parent: str) -> dict[str, Any]:
    """The runs nested directly under a run, by name."""
    return {one.info.run_name: one for one in all_runs(store) if one.data.tags.get(PARENT_TAG) == parent}


def test_each_trial_is_a_run_under_the_study_and_the_recipe_stands_above(store: TrackingStore, tmp_path: Path) -> None:
    said: list[str] = []
    found = studied(store, tmp_path, progress=said.append)
    study: Any = store.client.get_run(found.run_id)
    nested = children(store, found.run_id)
    assert set(nested) == {"trial 0", "trial 1", "trial 2"}
    for trial in found.tuned.trials:
        run = nested[f"trial {trial.number}"]
        assert run.info.status == "FINISHED"
        assert run.data.params == {name: str(value) for name, value in trial.parameters.items()}
        assert run.data.metrics["log_loss"] == trial.log_loss
        assert [run.data.metrics[f"fold_{number}_log_loss"] for number in (1, 2)] == list(trial.fold_losses)
        assert run.data.tags["dagster.asset"] == "model_tuning"
    assert study.info.status == "FINISHED"
    assert store.client.get_run(study.data.tags[PARENT_TAG]).info.status == "FINISHED"
    assert study.data.tags["study"] == found.study
    assert study.data.metrics["trials"] == 3
    assert study.data.metrics["best_trial"] == found.tuned.best.number
    assert study.data.metrics["log_loss"] == found.scores.log_loss.value
    assert study.data.params["max_depth"] == str(found.tuned.recipe.as_parameters()["max_depth"])
    (dataset,) = study.inputs.dataset_inputs
    assert dataset.dataset.digest == "7777777777777777777"
    assert sum(line.startswith("trial ") for line in said) == 3
    assert store.client.search_registered_models() == []  # a study registers nothing
    again = train(in_batches(rows(WORLD)), COLUMNS, dataclasses.replace(PLAN, recipe=found.tuned.recipe, folds=0))
    assert again.scores == found.scores


def test_the_same_seed_draws_the_same_study_and_another_seed_another(store: TrackingStore, tmp_path: Path) -> None:
    first, second = (studied(store, tmp_path / name, trials=2) for name in ("one", "two"))
    assert drawn(first) == drawn(second)
    assert (first.tuned.recipe, first.scores, first.study) == (second.tuned.recipe, second.scores, second.study)
    reseeded = dataclasses.replace(PLAN, recipe=dataclasses.replace(OWN, seed=8))
    third = studied(store, tmp_path / "one", trials=2, plan=reseeded)
    assert third.study != first.study
    assert drawn(third)[1:] != drawn(first)[1:]


def test_other_rows_are_another_study_and_the_same_rows_the_same(store: TrackingStore, tmp_path: Path) -> None:
    first = studied(store, tmp_path, trials=1)
    other = studied(store, tmp_path, trials=1, batch=rows(dataclasses.replace(WORLD, seed=12)))
    assert first.study != other.study
    assert len(other.tuned.trials) == 1
    again = studied(store, tmp_path, trials=2, run="run-2")
    assert again.study == first.study
    assert drawn(again)[0] == drawn(first)[0]
    assert set(children(store, again.run_id)) == {"trial 1"}  # what was tried before is not tried again


def test_a_budget_of_seconds_ends_the_study_and_counts_those_before(store: TrackingStore, tmp_path: Path) -> None:
    for run in ("run-1", "run-2"):
        assert len(studied(store, tmp_path, trials=50, seconds=1e-6, run=run).tuned.trials) == 1


def test_a_pruned_trial_is_called_killed_and_has_no_mean(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "TRIALS_BEFORE_PRUNING", 1)
    space = {"learning_rate": Range(0.05, 0.9), "min_child_weight": Range(1.0, 2.0)}
    monkeypatch.setattr(tuning, "SPACES", {"xgboost": space})
    found = studied(store, tmp_path, trials=8)
    nested = children(store, found.run_id)
    pruned = [trial for trial in found.tuned.trials if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        run = nested[f"trial {trial.number}"]
        assert run.info.status == "KILLED"
        assert "log_loss" not in run.data.metrics
        assert run.data.metrics["fold_1_log_loss"] == trial.fold_losses[0]
    assert store.client.get_run(found.run_id).info.status == "FINISHED"


def test_the_last_span_decides_no_trial_and_judges_the_recipe_once(store: TrackingStore, tmp_path: Path) -> None:
    """Its labels are turned round: every trial stays as it was, and only the judgement at the end turns."""
    batch = rows(WORLD)
    start = split_of(outline(in_batches(batch), COLUMNS), PLAN).holdout.test_start
    tells = batch["t1"].to_numpy() >= start - PLAN.embargo_minutes * MINUTE
    label = np.where(tells, 1 - batch["label"].to_numpy(), batch["label"].to_numpy()).astype(np.int8)
    turned = batch.set_column(batch.schema.get_field_index("label"), "label", pa.array(label))
    honest, planted = studied(store, tmp_path, trials=2), studied(store, tmp_path, trials=2, batch=turned)
    assert honest.study != planted.study
    assert drawn(planted) == drawn(honest)
    assert planted.tuned.recipe == honest.tuned.recipe
    assert honest.scores.accuracy.value + planted.scores.accuracy.value == pytest.approx(1)


def test_a_study_that_finds_nothing_is_a_failed_run(store: TrackingStore, tmp_path: Path) -> None:
    late = dataclasses.replace(PLAN, recipe=dataclasses.replace(OWN, time_budget_seconds=0.0))
    with pytest.raises(OverBudget, match="none of 1 trials came through its folds"):
        studied(store, tmp_path, trials=1, plan=late)
    ends = {one.info.run_name: one.info.status for one in all_runs(store)}
    assert ends["model_tuning"] == "FAILED"
    assert ends["trial 0"] == "KILLED"


KILLED = """
import sys, time
from pathlib import Path
from lakehouse_assets_tests.services import test_model_tuning as t

folder, told = Path(sys.argv[1]), []

def tell(said):
    if said.startswith("trial "):
        told.append(said)
        print(said, flush=True)

fold_loss = t.tuning._Objective._loss
def slow(self, recipe, fold):
    if len(told) == 2:
        print("in the middle of the third", flush=True)
        time.sleep(600)
    return fold_loss(self, recipe, fold)
t.tuning._Objective._loss = slow
t.studied(t.store_in(folder), folder, progress=tell)
"""


def test_a_study_killed_in_the_middle_of_a_trial_goes_on_where_it_was(store: TrackingStore, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = [child.stdout.readline().strip() for _ in range(3)]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert [line[:7] for line in said] == ["trial 0", "trial 1", "in the "]

    (killed,) = [one for one in all_runs(store) if one.info.run_name == "model_tuning"]
    assert killed.info.status == "RUNNING"
    assert set(children(store, killed.info.run_id)) == {"trial 0", "trial 1"}
    found = studied(store, tmp_path)
    assert store.client.get_run(killed.info.run_id).info.status == "KILLED"
    assert killed.data.tags["study"] == found.study
    assert [trial.state for trial in found.tuned.trials] == ["complete", "complete", "failed", "complete"]
    assert set(children(store, found.run_id)) == {"trial 3"}
    whole = studied(store, tmp_path / "whole")
    assert drawn(found) == drawn(whole)
    assert found.tuned.recipe == whole.tuned.recipe
    assert found.scores == whole.scores


def test_every_end_of_a_trial_has_a_name_in_mlflow() -> None:
    assert model_tuning.STATES == {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
