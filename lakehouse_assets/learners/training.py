"""Train and judge one model: split, fold by fold, the last span; pure, from batches to dataclasses.

Belongs here: the order of the steps. Does not: the steps themselves (splits, fit, evaluation), the registry.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

from lakehouse_assets.learners.algorithms import recipe_of
from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.evaluation import Predictions, Scores, evaluate
from lakehouse_assets.learners.fold_rows import learnt, tested
from lakehouse_assets.learners.groups import GroupScores, evaluate_groups, group_majorities, groups_of
from lakehouse_assets.learners.learner import Fitted, Model, Recipe
from lakehouse_assets.learners.matrix import prediction_hash
from lakehouse_assets.learners.naive_split import naive_predictions
from lakehouse_assets.learners.splits import MICROSECONDS_A_MINUTE, Fold, WalkForward, leaking_rows, walk_forward
from lakehouse_assets.learners.spool import Batches, Columns, Outline, outline
from lakehouse_assets.learners.telltales import refuse_telltales
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe

Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class TrainingPlan:
    """All that decides a model and its scores besides the rows."""

    recipe: Recipe = field(default_factory=XGBoostRecipe)
    folds: int = 3
    holdout_share: float = 0.25
    embargo_minutes: int = 10
    resampling: Resampling = field(default_factory=Resampling)
    naive_split: bool = True

    def as_parameters(self) -> dict[str, str | int | float | bool]:
        """Every knob by its own name, flat."""
        return {
            "algorithm": self.recipe.algorithm,
            **self.recipe.as_parameters(),
            "folds": self.folds,
            "holdout_share": self.holdout_share,
            "embargo_minutes": self.embargo_minutes,
            "naive_split": self.naive_split,
            **{f"bootstrap_{name}": value for name, value in asdict(self.resampling).items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON values, so that another process can train the same again."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "algorithm": self.recipe.algorithm,
            "recipe": self.recipe.as_parameters(),
            "resampling": asdict(self.resampling),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "TrainingPlan":
        """The plan out of `to_dict`.

        Raises:
            ValueError: an algorithm or a parameter that is not known here.
        """
        known = {**saved}
        recipe = recipe_of(known.pop("algorithm"), known.pop("recipe"))
        try:
            return cls(recipe=recipe, resampling=Resampling(**known.pop("resampling")), **known)
        except TypeError as error:
            raise ValueError(f"the plan is another one than recorded: {error}") from error


@dataclass(frozen=True)
class Span:
    """The hold-out in the words that another process needs to find its rows again, and what training knew.

    `majority` is the share of class 1 among the training rows, `group_majorities` that within each group.
    """

    fold: Fold
    majority: float
    group_majorities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A model trained on all rows before the hold-out, and how it did on it.

    `fold_scores` are the walk-forward scores of models that were only trained to be judged, `naive_scores` those of
    one on a random split (None where the plan leaves it out), `group_scores` this model's on each group of the
    hold-out; `trained_until` is the end of the last label learnt from, microseconds.
    """

    fitted: Fitted
    columns: Columns
    plan: TrainingPlan
    span: Span
    predictions: Predictions
    scores: Scores
    fold_scores: Mapping[str, Scores]
    naive_scores: Scores | None
    group_scores: Mapping[str, GroupScores]
    rows: int
    trained_until: int
    seconds: float

    @property
    def prediction_hash(self) -> str:
        """What a reproduction must arrive at: the hash of the hold-out's predictions."""
        return prediction_hash(self.predictions.probability)

    @property
    def importance(self) -> dict[str, float]:
        """What each feature contributes, largest first."""
        return self.fitted.model.importance()


def train(
    batches: Batches,
    columns: Columns,
    plan: TrainingPlan,
    *,
    cache: Path | None = None,
    progress: Progress = lambda _: None,
    around_last_fit: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Trained:
    """Walk forward through the folds, then train on everything before the hold-out and judge on it.

    Args:
        batches: starts a pass over all labelled rows, in the order of their key (see `spool`).
        columns: which column is what.
        plan: recipe, split and bootstrap.
        cache: an empty folder, needed where the recipe keeps rows on disk.
        progress: called with a sentence before each fit.
        around_last_fit: entered for the fit of the model that is kept, and for no other.

    Raises:
        TooLittleHistory: the rows span too few instants.
        TellsTheLabel: a feature is the label in disguise.
        ValueError: the rows contradict themselves (see `spool`, `fit`, `Predictions`).
        RuntimeError: a training label reaches into a test span, i.e. the split is wrong.
        OverBudget: a fit took longer than the recipe allows.
    """
    started = time.perf_counter()
    rows = outline(batches, columns)
    split = split_of(rows, plan)
    refuse_telltales(learnt(split.holdout, batches, columns), columns)
    course = _Course(batches, columns, plan, rows, cache, progress)
    fold_scores = {fold.name: course.fold_scores(fold) for fold in split.folds}
    last = split.holdout
    naive = course.naive_scores(last) if plan.naive_split else None
    progress(_announce(last, rows))
    with around_last_fit():
        fitted = course.fit(last, watch=True)
    span = _span(last, rows)
    predictions = predict_span(fitted.model, batches, columns, span)
    return Trained(
        fitted=fitted,
        columns=columns,
        plan=plan,
        span=span,
        predictions=predictions,
        scores=evaluate(predictions, plan.resampling),
        fold_scores=fold_scores,
        naive_scores=naive,
        group_scores=evaluate_groups(predictions, plan.resampling),
        rows=len(rows.t0),
        trained_until=int(rows.t1[last.trains(rows.t1)].max()),
        seconds=time.perf_counter() - started,
    )


def split_of(rows: Outline, plan: TrainingPlan) -> WalkForward:
    """The plan's folds and hold-out over the rows.

    Raises:
        TooLittleHistory: the rows span too few instants.
        RuntimeError: a training label reaches into a test span, i.e. the split is wrong.
    """
    embargo_us = plan.embargo_minutes * MICROSECONDS_A_MINUTE
    split = walk_forward(rows.t0, rows.t1, folds=plan.folds, holdout_share=plan.holdout_share, embargo_us=embargo_us)
    for fold in split.every:
        if leaking := len(leaking_rows(fold, rows.t0, rows.t1)):
            raise RuntimeError(f"{fold.name}: {leaking} training labels reach into the test span")
    return split


def predict_span(model: Model, batches: Batches, columns: Columns, span: Span) -> Predictions:
    """Any learner's model on the rows of a test span, in the order of the rows.

    Raises:
        ValueError: the span is empty or holds one class only, or the rows lack a feature of the model.
    """
    judged = tested(span.fold, batches, columns)
    kept = outline(judged, columns)
    guessed = model.predict(judged())
    groups = groups_of(kept, span.group_majorities, span.majority)
    return Predictions(kept.label, guessed, kept.t0, kept.last_direction, span.majority, groups)


@dataclass(frozen=True)
class _Course:
    """The fits of one training."""

    batches: Batches
    columns: Columns
    plan: TrainingPlan
    rows: Outline
    cache: Path | None
    progress: Progress

    def fit(self, fold: Fold, watch: bool = False) -> Fitted:
        validation = tested(fold, self.batches, self.columns) if watch else None
        mine, folder = learnt(fold, self.batches, self.columns), self._folder(fold.name)
        return self.plan.recipe.fit(
            mine, self.columns.features, self.columns.label, validation=validation, cache=folder
        )

    def fold_scores(self, fold: Fold) -> Scores:
        self.progress(_announce(fold, self.rows))
        judged = predict_span(self.fit(fold).model, self.batches, self.columns, _span(fold, self.rows))
        return evaluate(judged, self.plan.resampling)

    def naive_scores(self, last: Fold) -> Scores:
        share = float(last.tests(self.rows.t0).mean())
        self.progress(f"naive_split: learning from rows drawn at random, judging on about {share:.0%} of them")
        recipe, folder = self.plan.recipe, self._folder("naive_split")
        judged = naive_predictions(self.batches, self.columns, recipe, test_share=share, cache=folder)
        return evaluate(judged, self.plan.resampling)

    def _folder(self, name: str) -> Path | None:
        if self.cache is None:
            return None
        folder = self.cache / name
        folder.mkdir()
        return folder


def _span(fold: Fold, rows: Outline) -> Span:
    trained = fold.trains(rows.t1)
    return Span(fold, float(rows.label[trained].mean()), group_majorities(rows, trained))


def _announce(fold: Fold, rows: Outline) -> str:
    learnt, judged = int(fold.trains(rows.t1).sum()), int(fold.tests(rows.t0).sum())
    return f"{fold.name}: learning from {learnt:,} rows, judging on {judged:,}"
