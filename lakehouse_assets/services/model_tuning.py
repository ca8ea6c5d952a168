"""A study of recipes on the rows of the lake, each trial a run of its own.

Belongs here: where the study is kept, what is logged of it, and the one look at the last span at its end. Does not:
drawing and judging recipes (learners/tuning).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.training import TrainingPlan, train
from lakehouse_assets.learners.tuning import StudyStorage, Trial, Tuned, tune
from lakehouse_assets.services.environment import Environment
from lakehouse_assets.services.input_tables import record_inputs
from lakehouse_assets.services.model_training import Progress, training_rows
from lakehouse_assets.services.provenance import data_key
from lakehouse_assets.services.tracking import RunIdentity, TrackedRun, study_run
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.training_record import TrainingInputs
from lakehouse_assets.settings import as_toml

STATES: Mapping[str, str] = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
"""How a trial's end is called in MLflow."""
WORDS: Mapping[str, str] = {
    "complete": "came through all folds",
    "pruned": "given up: worse so far than the median of the trials before it, or a fit was over its time budget",
    "failed": "cut short: the process was killed, or the rows were wrong; not counted, and drawn again",
}
"""What MLflow's words do not say: the tag `end` of a trial's run."""
RECIPE_FILE = "recipe.toml"


@dataclass(frozen=True)
class Budget:
    """A study ends with so many finished trials, or once they took so many seconds."""

    trials: int
    seconds: float


@dataclass(frozen=True)
class TuningOutcome:
    """What a study found, and what its recipe is worth on the last span, which no trial has seen."""

    run_id: str
    study: str
    tuned: Tuned
    scores: Scores

    @property
    def toml(self) -> str:
        """What to put into `lakehouse.toml` for a learner to have the recipe that was found."""
        return as_toml(self.tuned.recipe.algorithm, self.tuned.best.parameters)


def tune_and_log(
    inputs: TrainingInputs,
    plan: TrainingPlan,
    store: TrackingStore,
    identity: RunIdentity,
    studies: Path,
    budget: Budget,
    progress: Progress = lambda _: None,
) -> TuningOutcome:
    """Study the plan's algorithm, log every trial, then train once by the best recipe and judge it on the last span.

    The study of the same rows, plan, code and libraries is the same study and has one run in MLflow: a killed one goes
    on where it was, and a trial that was finished but not written down is made up for.

    Args:
        inputs: the rows.
        plan: the split, and the recipe to begin with.
        store: where runs are kept.
        identity: who asks.
        studies: the SQLite file of all studies.
        budget: when to stop.
        progress: called with a sentence now and then.

    Raises:
        TooLittleHistory: the rows span too few instants.
        OverBudget: not one trial kept within the recipe's time budget.
    """
    name = _study_name(inputs, plan)
    studies.parent.mkdir(parents=True, exist_ok=True)
    with study_run(store, identity, name) as run, training_rows(inputs, progress) as (rows, cache):
        record_inputs(run, inputs.tables)
        written = run.finished_children()

        def on_trial(trial: Trial) -> None:
            if _run_name(trial) not in written:
                _log_trial(run, identity, trial)
                progress(f"trial {trial.number} {trial.state} after {trial.seconds:.1f} s: log-loss {trial.log_loss}")

        storage = StudyStorage(f"sqlite:///{studies}", name)
        tuned = tune(
            rows, inputs.columns, plan, storage, trials=budget.trials, seconds=budget.seconds, cache=cache,
            on_trial=on_trial,
        )  # fmt: skip
        last_only = replace(plan, recipe=tuned.recipe, folds=0, naive_split=False)
        judged = train(rows, inputs.columns, last_only, cache=cache, progress=progress)
        outcome = TuningOutcome(run.run_id, name, tuned, judged.scores)
        _log_study(run, outcome)
    return outcome


def _study_name(inputs: TrainingInputs, plan: TrainingPlan) -> str:
    """The same for the same rows, plan, code and libraries."""
    environment = Environment.here(plan.recipe.library)
    return f"{plan.recipe.algorithm} {data_key(inputs.tables, plan.to_dict(), environment, query=inputs.query)[:16]}"


def _log_study(run: TrackedRun, outcome: TuningOutcome) -> None:
    """What may change as the study goes on is no parameter: MLflow lets none be written twice."""
    tuned = outcome.tuned
    run.log_parameters({"algorithm": tuned.recipe.algorithm})
    run.log_text(RECIPE_FILE, outcome.toml)
    run.log_metrics({**outcome.scores.as_metrics(), "trials": len(tuned.trials), "best_trial": tuned.best.number})


def _run_name(trial: Trial) -> str:
    return f"trial {trial.number}"


def _log_trial(run: TrackedRun, identity: RunIdentity, trial: Trial) -> None:
    losses = {f"fold_{number}_log_loss": loss for number, loss in enumerate(trial.fold_losses, start=1)}
    mean = {} if trial.log_loss is None else {"log_loss": trial.log_loss}
    with run.child(_run_name(trial), identity, STATES[trial.state]) as child:
        child.set_tags({"end": WORDS[trial.state]})
        child.log_parameters(trial.parameters)
        child.log_metrics({**losses, **mean, "duration_seconds": trial.seconds})
