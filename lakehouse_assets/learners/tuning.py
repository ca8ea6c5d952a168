"""The search for a better recipe: an Optuna study over the walk-forward folds, and never over the last span.

Belongs here: the objective, and what a killed study finds when it goes on. Does not: the spaces (search_spaces),
where trials are shown (services), how the recipe that was found is judged (training, on the span no trial has seen).

A study is an append-only list of trials in its storage. Each draw is seeded by the number of trials finished before
it, so a study that was killed and goes on draws what it would have drawn, the trial that was cut down first.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lakehouse_assets.learners.algorithms import recipe_of
from lakehouse_assets.learners.evaluation import row_losses
from lakehouse_assets.learners.fold_rows import learnt, tested
from lakehouse_assets.learners.learner import OverBudget, Recipe
from lakehouse_assets.learners.search_spaces import SPACES, Range
from lakehouse_assets.learners.splits import Fold, WalkForward
from lakehouse_assets.learners.spool import Batches, Columns, outline
from lakehouse_assets.learners.training import TrainingPlan, split_of

if TYPE_CHECKING:
    import optuna

TRIALS_BEFORE_PRUNING = 5


@dataclass(frozen=True)
class StudyStorage:
    """Where a study is kept and by which name: `url` e.g. `sqlite:////folder/studies.db`.

    Rows, columns, plan or code that differ need another name.
    """

    url: str
    name: str


@dataclass(frozen=True)
class Trial:
    """One recipe that was tried.

    `state` is `complete`, `pruned` (worse than the median after some folds, or over its time budget) or `failed`
    (killed, or the rows were wrong). `fold_losses` are the log-losses of the folds it got to, in nats a row;
    `log_loss` is their mean, None unless complete.
    """

    number: int
    state: str
    parameters: Mapping[str, int | float]
    fold_losses: tuple[float, ...]
    log_loss: float | None
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """The recipe with the lowest mean log-loss over the folds, and every trial; the score itself is optimistic."""

    recipe: Recipe
    best: Trial
    trials: tuple[Trial, ...]


def tune(
    batches: Batches,
    columns: Columns,
    plan: TrainingPlan,
    storage: StudyStorage,
    *,
    trials: int,
    seconds: float,
    cache: Path | None = None,
    on_trial: Callable[[Trial], None] = lambda _: None,
) -> Tuned:
    """Try recipes until the study holds `trials` finished ones or has spent `seconds`, those before a kill included.

    The plan's own recipe is tried first. One process at a time: what another has begun counts as killed.

    Args:
        batches: starts a pass over all labelled rows; of the last span only the times are looked at, to find it.
        columns: which column is what.
        plan: split, and the recipe whose algorithm is searched and whose other parameters stay.
        storage: where the study is kept, and its name.
        trials: how many finished trials the study shall have.
        seconds: no trial is started once the finished ones took so long; at least one is.
        cache: a folder for recipes that keep rows on disk.
        on_trial: called with each trial of the study, those of earlier calls first: whoever writes them down may have
            been killed before it was done.

    Raises:
        ValueError: no folds before the last span, or no trials are asked for.
        TooLittleHistory: the rows span too few instants.
        OverBudget: not one trial came through its folds within the recipe's time budget.
    """
    if plan.folds < 1 or trials < 1:
        raise ValueError(f"tuning needs at least one fold and one trial, found {plan.folds} and {trials}")
    split = split_of(outline(batches, columns), plan)
    opened = _open(storage)
    objective = _Objective(batches, columns, plan, split, cache)
    for trial in _trials(opened):
        on_trial(trial)
    while True:
        known = _trials(opened)
        finished = [trial for trial in known if trial.state != "failed"]
        if len(finished) >= trials or (finished and sum(trial.seconds for trial in finished) >= seconds):
            return _tuned(known, plan)
        on_trial(_run(opened, objective, len(finished)))


def _open(storage: StudyStorage) -> "optuna.Study":
    """The study, with what a killed process left running written off."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=TRIALS_BEFORE_PRUNING)
    opened = optuna.create_study(
        storage=storage.url, study_name=storage.name, direction="minimize", pruner=pruner, load_if_exists=True
    )
    for left in opened.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        opened.tell(left.number, state=optuna.trial.TrialState.FAIL)
    return opened


def _run(opened: "optuna.Study", objective: "_Objective", finished: int) -> Trial:
    """One trial from its draw to its end."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    opened.sampler = TPESampler(seed=objective.plan.recipe.seed + finished)
    if not finished and not opened.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        opened.enqueue_trial(objective.own)
    trial = opened.ask(objective.distributions)
    try:
        losses = list(objective.losses(trial))
    except Exception:
        opened.tell(trial, state=TrialState.FAIL)
        raise
    if len(losses) < len(objective.split.folds):
        opened.tell(trial, state=TrialState.PRUNED)
    else:
        opened.tell(trial, sum(losses) / len(losses))
    return _trials(opened)[trial.number]


@dataclass(frozen=True)
class _Objective:
    """The log-loss of a drawn recipe, fold by fold."""

    batches: Batches
    columns: Columns
    plan: TrainingPlan
    split: WalkForward
    cache: Path | None

    @property
    def space(self) -> Mapping[str, Range]:
        return SPACES[self.plan.recipe.algorithm]

    @property
    def distributions(self) -> "dict[str, optuna.distributions.BaseDistribution]":
        return {name: found.distribution for name, found in self.space.items()}

    @property
    def own(self) -> dict[str, int | float]:
        """The plan's recipe within the space."""
        known = self.plan.recipe.as_parameters()
        return {name: found.nearest(known[name]) for name, found in self.space.items()}

    def losses(self, trial: "optuna.Trial") -> Iterator[float]:
        """The loss of each fold, until the trial is pruned or a fit is over its time budget."""
        recipe = recipe_of(self.plan.recipe.algorithm, {**self.plan.recipe.as_parameters(), **trial.params})
        total = 0.0
        for number, fold in enumerate(self.split.folds, start=1):
            try:
                loss = self._loss(recipe, fold)
            except OverBudget:
                return
            total += loss
            trial.set_user_attr(f"loss_{number}", loss)
            trial.report(total / number, step=number)
            yield loss
            if number < len(self.split.folds) and trial.should_prune():
                return

    def _loss(self, recipe: Recipe, fold: Fold) -> float:
        # Rows whose label reaches the last span, or the embargo before it, are nobody's here: they would tell of it.
        rows = learnt(self.split.holdout, self.batches, self.columns)
        judged = tested(fold, rows, self.columns)
        with TemporaryDirectory(dir=self.cache, prefix="trial-") as folder:
            mine = learnt(fold, rows, self.columns)
            model = recipe.fit(mine, self.columns.features, self.columns.label, cache=Path(folder)).model
        return float(row_losses(outline(judged, self.columns).label, model.predict(judged())).mean())


def _trials(opened: "optuna.Study") -> list[Trial]:
    """The study's trials in the order of their numbers."""
    return [_as_trial(kept) for kept in opened.get_trials(deepcopy=False)]


def _as_trial(kept: "optuna.trial.FrozenTrial") -> Trial:
    losses = tuple(kept.user_attrs[f"loss_{step}"] for step in sorted(kept.intermediate_values))
    state = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(kept.state.name, "failed")
    seconds = kept.duration.total_seconds() if kept.duration else 0.0
    value = kept.value if state == "complete" else None
    return Trial(kept.number, state, dict(kept.params), losses, value, seconds)


def _tuned(trials: list[Trial], plan: TrainingPlan) -> Tuned:
    complete = [(trial.log_loss, trial.number, trial) for trial in trials if trial.log_loss is not None]
    if not complete:
        raise OverBudget(
            f"none of {len(trials)} trials came through its folds within {plan.recipe.time_budget_seconds:g} s a fit: "
            "raise time_budget_seconds, or tune on fewer rows"
        )
    best = min(complete)[2]
    recipe = recipe_of(plan.recipe.algorithm, {**plan.recipe.as_parameters(), **best.parameters})
    return Tuned(recipe, best, tuple(trials))
