"""From pinned tables to a judged version: train once, register what was trained, promote on merit.

Belongs here: the order of the steps and what a repeated or killed run finds. Does not: the steps themselves.

The same inputs, code and settings have one data key, and a data key has at most one version. A version is made only
after its run has ended well, so a killed or failed training leaves none. A run that is killed after registration is
completed by the next one: the version is found by its data key, and challenger and judgement are set where missing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse_assets.learners.evaluation import Predictions, Scores, evaluate
from lakehouse_assets.learners.judgement import Judgement, advantage, is_too_good, judge
from lakehouse_assets.learners.spool import Batches, Columns, spool
from lakehouse_assets.learners.training import TrainingPlan, predict_span, train
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking import RunIdentity, TrackedRun, evaluation_run, model_run
from lakehouse_assets.services.training_record import (
    TrainingInputs,
    TrainingRecord,
    as_text,
    data_key,
    record_inputs,
    record_model,
    record_training,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

JUDGEMENT_TAG = "judgement"
JUDGED_AGAINST_TAG = "judged_against"
NOBODY = "none"

Progress = Callable[[str], None]


class TooGoodToBeTrue(RuntimeError):
    """The score is beyond what the label allows: nothing was registered; the message names score and threshold."""

    def __init__(self, run_id: str, record: TrainingRecord, threshold: float) -> None:
        super().__init__(
            f"balanced accuracy {record.scores.balanced_accuracy} on the hold-out is above {threshold}: a leak until "
            f"proven otherwise, so nothing was registered. Look at the feature importance of run {run_id}; if the "
            "score is right, raise model.too_good_balanced_accuracy"
        )
        self.run_id = run_id
        self.record = record


@dataclass(frozen=True)
class ModelOutcome:
    """What a materialization of a model stands for; `is_reused` where its version was there already."""

    version: str
    run_id: str
    data_key: str
    record: TrainingRecord
    judgement: Judgement
    is_champion: bool
    is_reused: bool

    @property
    def scores(self) -> Scores:
        """The scores on the hold-out."""
        return self.record.scores


def train_and_register(
    inputs: TrainingInputs,
    plan: TrainingPlan,
    registry: ModelRegistry,
    identity: RunIdentity,
    *,
    too_good: float,
    progress: Progress = lambda _: None,
) -> ModelOutcome:
    """Train, register, judge; each only where it was not done before for the same data key.

    Raises:
        TooGoodToBeTrue: the score blocks registration; the run is FAILED and holds scores and plots.
        TooLittleHistory: the rows span too few instants.
        ValueError: the rows contradict themselves.
    """
    key = data_key(inputs, plan)
    known = registry.find(key)
    with _rows(inputs, progress) as batches:
        version = known or _train(inputs, plan, registry, identity, batches, key, too_good, progress)
        if known:
            progress(f"version {known.version} was trained from the same inputs, code and settings: nothing to train")
        record = TrainingRecord.read(registry.store, str(version.run_id))
        number = str(version.version)
        registry.challenge(number)
        judged = _Judge(registry, identity, inputs.columns, plan, too_good, batches)
        judgement = judged.settle(number, record)
    return ModelOutcome(
        version=number,
        run_id=str(version.run_id),
        data_key=key,
        record=record,
        judgement=judgement,
        is_champion=registry.champion == number,
        is_reused=known is not None,
    )


@contextmanager
def _rows(inputs: TrainingInputs, progress: Progress) -> Iterator[Batches]:
    """The rows in a file of their own, read from the lake at the first pass and not before."""
    with TemporaryDirectory(prefix="training-rows-") as folder:
        kept: list[Batches] = []

        def batches() -> Iterator[pa.RecordBatch]:
            if not kept:
                progress("reading features and labels")
                kept.append(spool(inputs.rows(), inputs.columns, Path(folder) / "rows.arrow"))
            return iter(kept[0]())

        yield batches


def _train(
    inputs: TrainingInputs,
    plan: TrainingPlan,
    registry: ModelRegistry,
    identity: RunIdentity,
    batches: Batches,
    key: str,
    too_good: float,
    progress: Progress,
) -> "ModelVersion":
    with model_run(registry.store, identity) as run, TemporaryDirectory(prefix="training-bins-") as cache:
        run.set_tags({"data_key": key})
        record_inputs(run, inputs.tables)
        trained = train(batches, inputs.columns, plan, cache=Path(cache), progress=progress)
        record = TrainingRecord.of(trained)
        record_training(run, trained)
        if is_too_good(trained.scores, too_good):
            run.set_tags({"refused": "too good to be true"})
            raise TooGoodToBeTrue(run.run_id, record, too_good)
        progress("keeping the model")
        model_id = record_model(run, trained, next(iter(batches())))
    tags = {
        **identity.tags(),
        "prediction_hash": record.prediction_hash,
        "trained_until": record.trained_until,
        **{f"snapshot.{table.name}": table.snapshot_id for table in inputs.tables},
    }
    return registry.register(run.run_id, model_id, key, as_text(tags))


@dataclass(frozen=True)
class _Judge:
    """Holds a version against the champion on the version's hold-out."""

    registry: ModelRegistry
    identity: RunIdentity
    columns: Columns
    plan: TrainingPlan
    too_good: float
    batches: Batches

    def settle(self, number: str, record: TrainingRecord) -> Judgement:
        """Judge, write the judgement down, promote; again where another run changed the champion meanwhile."""
        while True:
            champion = self.registry.champion
            judgement = self._remembered(number, champion) or self._judge(number, record, champion)
            if not judgement.promote or self.registry.promote(number, champion):
                return judgement

    def _remembered(self, number: str, champion: str | None) -> Judgement | None:
        """The judgement of an earlier run, as long as the champion is the one it was about, or the version itself."""
        tags = self.registry.version(number).tags
        if JUDGEMENT_TAG not in tags or champion not in (number, _somebody(tags[JUDGED_AGAINST_TAG])):
            return None
        verdict, _, reasons = tags[JUDGEMENT_TAG].partition(": ")
        return Judgement(verdict == "promoted", (reasons,))

    def _judge(self, number: str, record: TrainingRecord, champion: str | None) -> Judgement:
        with evaluation_run(self.registry.store, self.identity, f"version {number}") as run:
            judgement = self._compare(run, number, record, champion)
            tags = {JUDGEMENT_TAG: str(judgement), JUDGED_AGAINST_TAG: champion or NOBODY}
            run.set_tags({**tags, "model_version": number})
            self.registry.set_tags(number, tags)
        return judgement

    def _compare(self, run: TrackedRun, number: str, record: TrainingRecord, champion: str | None) -> Judgement:
        run.log_metrics(record.scores.as_metrics())
        if champion is None or champion == number:
            return judge(record.scores, None, None, too_good=self.too_good)
        theirs = self._predict(champion, record)
        if isinstance(theirs, Judgement):
            return theirs
        ours = self._predict(number, record)
        if isinstance(ours, Judgement):
            return ours
        scores, over = evaluate(theirs, self.plan.resampling), advantage(ours, theirs, self.plan.resampling)
        run.log_metrics({f"champion_{name}": value for name, value in scores.as_metrics().items()})
        run.log_metrics({"log_loss_advantage": over.value})
        judgement = judge(record.scores, scores, over, too_good=self.too_good)
        return Judgement(judgement.promote, (*judgement.reasons, *self._reservations(champion, record)))

    def _predict(self, number: str, record: TrainingRecord) -> Predictions | Judgement:
        """A version's predictions on the hold-out; a judgement where it reads what the rows no longer have."""
        model = self.registry.load(number)
        if missing := set(model.features) - set(self.columns.features):
            gone = ", ".join(sorted(missing))
            reason = f"champion {number} reads {gone}, which the rows no longer have: move the alias by hand"
            return Judgement(False, (reason,))
        return predict_span(model, self.batches, self.columns, record.span)

    def _reservations(self, champion: str, record: TrainingRecord) -> tuple[str, ...]:
        seen = int(self.registry.version(champion).tags.get("trained_until", 0))
        if seen < record.span.fold.test_start:
            return ()
        return (f"champion {champion} has seen part of this hold-out in training, which flatters it",)


def _somebody(tag: str) -> str | None:
    return None if tag == NOBODY else tag
