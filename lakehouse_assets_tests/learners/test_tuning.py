"""The search for a recipe: it never sees the last span, and goes on after a kill as if nothing had happened."""

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
from lakehouse_assets.learners.algorithms import RECIPES, recipe_of
from lakehouse_assets.learners.evaluation import row_losses
from lakehouse_assets.learners.learner import OverBudget, Recipe
from lakehouse_assets.learners.search_spaces import SPACES, Range
from lakehouse_assets.learners.spool import outline
from lakehouse_assets.learners.training import TrainingPlan, predict_span, split_of, train
from lakehouse_assets.learners.tuning import StudyStorage, Trial, Tuned, tune
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.learners.synthetic import COLUMNS, MINUTE, World, in_batches, rows

WORLD = World(days=3, minutes=60, contracts=5)
PLAN = TrainingPlan(recipe=XGBoostRecipe(max_depth=3, rounds=50, threads=1), folds=2, naive_split=False)


def tuned(folder: Path, batch: pa.RecordBatch | None = None, plan: TrainingPlan = PLAN, **changes: Any) -> Tuned:
    asked: dict[str, Any] = {"trials": 4, "seconds": 1_000.0, **changes}
    storage = StudyStorage(f"sqlite:///{folder / 'studies.db'}", asked.pop("study", "a data key"))
    found = rows(WORLD) if batch is None else batch
    return tune(in_batches(found), COLUMNS, plan, storage, **asked)


def drawn(found: Tuned) -> list[tuple[dict[str, int | float], float | None]]:
    """What each finished trial drew and scored."""
    return [(dict(trial.parameters), trial.log_loss) for trial in found.trials if trial.state != "failed"]


def test_the_best_recipe_has_the_lowest_mean_loss_and_the_plans_own_is_the_first(tmp_path: Path) -> None:
    told: list[Trial] = []
    found = tuned(tmp_path, trials=6, on_trial=told.append)
    losses = [trial.log_loss for trial in found.trials if trial.log_loss is not None]
    assert found.best.log_loss == min(losses)
    assert found.trials == tuple(told)
    assert [trial.number for trial in told] == [0, 1, 2, 3, 4, 5]
    first = found.trials[0].parameters
    assert first == {name: PLAN.recipe.as_parameters()[name] for name in SPACES["xgboost"]}
    assert {**PLAN.recipe.as_parameters(), **found.best.parameters} == found.recipe.as_parameters()
    assert len({str(trial.parameters) for trial in told}) == 6
    for trial in told:
        assert all(SPACES["xgboost"][name].nearest(value) == value for name, value in trial.parameters.items())


def test_the_loss_is_the_mean_over_the_folds_of_rows_known_before_the_last_span(tmp_path: Path) -> None:
    """By another way: the folds' models out of training itself, judged on the rows that tuning may see."""
    batch = rows(WORLD)
    found = tuned(tmp_path, trials=1)
    last = train(in_batches(batch), COLUMNS, PLAN).span.fold
    known = batch.filter(pa.array(batch["t1"].to_numpy() < last.train_end))
    split = split_of(outline(in_batches(batch), COLUMNS), PLAN)
    expected = []
    for fold in split.folds:
        mine = batch.filter(pa.array(batch["t1"].to_numpy() < fold.train_end))
        model = PLAN.recipe.fit(in_batches(mine), COLUMNS.features, COLUMNS.label).model
        t0 = known["t0"].to_numpy()
        judged = known.filter(pa.array((t0 >= fold.test_start) & (t0 < (fold.test_stop or 0))))
        expected.append(row_losses(judged["label"].to_numpy(), model.predict([judged])).mean())
    assert found.best.fold_losses == pytest.approx(expected)
    assert found.best.log_loss == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("algorithm", RECIPES)
def test_the_last_span_is_never_read(algorithm: str, tmp_path: Path) -> None:
    """What would raise if it were read, and labels that would tell of it, are planted there: nothing changes."""
    batch = rows(WORLD)
    plan = dataclasses.replace(PLAN, recipe=small(algorithm))
    start = train(in_batches(batch), COLUMNS, PLAN).span.fold.test_start
    tells = batch["t1"].to_numpy() >= start - PLAN.embargo_minutes * MINUTE
    assert 0.25 < tells.mean() < 0.4
    label = np.where(tells, 1 - batch["label"].to_numpy(), batch["label"].to_numpy()).astype(np.int8)
    poison = np.where(tells, np.inf, batch["imbalance"].to_numpy())
    planted = replaced(replaced(batch, "label", label), "imbalance", poison)
    (tmp_path / "one").mkdir()
    honest = tuned(tmp_path / "one", plan=plan, trials=2)
    assert drawn(tuned(tmp_path, planted, plan, trials=2)) == drawn(honest)
    with pytest.raises(ValueError, match="feature imbalance holds an infinite value"):  # the plant does bite
        predict_span(small(algorithm).fit(in_batches(batch), COLUMNS.features, "label").model, in_batches(planted),
                     COLUMNS, train(in_batches(batch), COLUMNS, PLAN).span)  # fmt: skip


def small(algorithm: str) -> Recipe:
    return recipe_of(algorithm, {"threads": 1, **({"trees": 5} if algorithm == "random_forest" else {"rounds": 50})})


def replaced(batch: pa.RecordBatch, name: str, values: Any) -> pa.RecordBatch:
    return batch.set_column(batch.schema.get_field_index(name), name, pa.array(values))


def test_a_study_that_goes_on_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    whole = tuned(tmp_path / "whole", trials=5)
    for trials in (2, 3, 5, 5):
        told: list[Trial] = []
        parts = tuned(tmp_path / "parts", trials=trials, on_trial=told.append)
        assert [trial.number for trial in told] == list(range(trials))  # those of earlier calls first, none twice
    assert drawn(parts) == drawn(whole)
    assert parts.recipe == whole.recipe


@pytest.mark.slow
def test_a_study_killed_in_the_middle_of_a_trial_goes_on_and_repeats_none_that_finished(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "0"
    assert child.stdout.readline().strip() == "1"
    assert child.stdout.readline().strip() == "in the middle of the third"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    told: list[Trial] = []
    found = tuned(tmp_path, on_trial=told.append)
    assert [trial.state for trial in found.trials] == ["complete", "complete", "failed", "complete", "complete"]
    assert tuple(told) == found.trials  # those before the kill as well: who writes them down may have missed one
    assert found.trials[3].parameters == found.trials[2].parameters  # the one cut down is done again
    (tmp_path / "whole").mkdir()
    assert drawn(found) == drawn(tuned(tmp_path / "whole"))


KILLED = """
import sys, time
from pathlib import Path
from lakehouse_assets_tests.learners import test_tuning as t

finished = []
def tell(trial):
    finished.append(trial)
    print(trial.number, flush=True)

def passes():
    if len(finished) == 2:
        passes.times += 1
        if passes.times > 4:  # its first fit has begun
            print("in the middle of the third", flush=True)
            time.sleep(600)
    return t.in_batches(t.rows(t.WORLD))()
passes.times = 0

kept = t.StudyStorage(f"sqlite:///{Path(sys.argv[1]) / 'studies.db'}", "a data key")
t.tune(passes, t.COLUMNS, t.PLAN, kept, trials=4, seconds=1000.0, on_trial=tell)
"""


def test_hopeless_trials_are_pruned_after_a_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "TRIALS_BEFORE_PRUNING", 1)
    space = {"learning_rate": Range(0.05, 0.9), "min_child_weight": Range(1.0, 2.0)}
    monkeypatch.setattr(tuning, "SPACES", {"xgboost": space})
    found = tuned(tmp_path, trials=8)
    pruned = [trial for trial in found.trials if trial.state == "pruned"]
    assert pruned
    assert all(len(trial.fold_losses) == 1 and trial.log_loss is None for trial in pruned)
    assert {trial.state for trial in found.trials} == {"complete", "pruned"}
    assert found.best.state == "complete"
    assert len(found.trials) == 8  # a pruned trial counts


def test_no_trial_is_started_once_the_time_is_spent(tmp_path: Path) -> None:
    assert len(tuned(tmp_path, trials=50, seconds=0.0).trials) == 1
    again = tuned(tmp_path, trials=50, seconds=0.0)
    assert len(again.trials) == 1  # the seconds before are counted
    assert again.trials[0].seconds > 0
    found = tuned(tmp_path, trials=200, seconds=2 * again.trials[0].seconds)
    assert 1 < len(found.trials) < 200


def test_a_study_is_of_one_name(tmp_path: Path) -> None:
    tuned(tmp_path, trials=1)
    assert len(tuned(tmp_path, trials=1, study="another key").trials) == 1
    assert len(tuned(tmp_path, trials=2).trials) == 2


def test_rows_that_are_wrong_end_the_study_and_are_no_finished_trial(tmp_path: Path) -> None:
    poisoned = replaced(rows(WORLD), "spread", np.full(rows(WORLD).num_rows, np.inf))
    with pytest.raises(ValueError, match="feature spread holds an infinite value"):
        tuned(tmp_path, poisoned)
    assert [trial.state for trial in tuned(tmp_path, trials=1).trials] == ["failed", "complete"]


def test_fits_that_are_all_late_find_no_recipe(tmp_path: Path) -> None:
    late = dataclasses.replace(PLAN, recipe=XGBoostRecipe(time_budget_seconds=0.0, threads=1))
    with pytest.raises(OverBudget, match="none of 2 trials came through its folds within 0 s a fit: raise time_budget"):
        tuned(tmp_path, plan=late, trials=2)


def test_bins_on_disk_leave_nothing_behind(tmp_path: Path) -> None:
    outside = dataclasses.replace(PLAN, recipe=XGBoostRecipe(external_memory=True, rounds=50, threads=1))
    (tmp_path / "cache").mkdir()
    tuned(tmp_path, plan=outside, trials=1, cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(("folds", "trials"), [(0, 3), (2, 0)])
def test_a_study_without_folds_or_trials_is_refused(folds: int, trials: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one fold and one trial"):
        tuned(tmp_path, plan=dataclasses.replace(PLAN, folds=folds), trials=trials)


@pytest.mark.parametrize("algorithm", RECIPES)
def test_every_algorithm_has_a_space_of_parameters_that_it_knows(algorithm: str) -> None:
    known = RECIPES[algorithm]().as_parameters()
    assert SPACES[algorithm].keys() <= known.keys()
    for name, found in SPACES[algorithm].items():
        assert type(known[name]) is type(found.low) is type(found.high)
        assert found.nearest(known[name]) == known[name]  # the default lies inside
