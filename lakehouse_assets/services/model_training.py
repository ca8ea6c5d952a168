"""From pinned tables to a registered version: train once, register what was trained.

Belongs here: the order of the steps and what a repeated or killed run finds. Does not: the steps themselves, nor
whether the version becomes the champion (model_evaluation).

The same inputs, code and plan have one data key, and a data key has at most one version. A version is made only after
its training has ended well, so a killed or failed one leaves none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from lakehouse_assets.lake.io_manager import peak_memory_mb
from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.judgement import is_too_good
from lakehouse_assets.learners.spool import Batches, spool
from lakehouse_assets.learners.training import Trained, TrainingPlan, train
from lakehouse_assets.services.autolog import autologged
from lakehouse_assets.services.environment import Environment
from lakehouse_assets.services.input_tables import record_inputs
from lakehouse_assets.services.provenance import Provenance, data_key
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.saved_model import save_model
from lakehouse_assets.services.scratch import scratch_folder
from lakehouse_assets.services.tracking import RunIdentity, TrackedRun, model_run
from lakehouse_assets.services.training_record import TrainingInputs, TrainingRecord, interface, record_training

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

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
    """What a materialization of a tick model stands for; `is_reused` where its version was there already."""

    version: str
    run_id: str
    record: TrainingRecord
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
    """Train and register, unless the same was done before, and point the algorithm's alias at the version.

    Raises:
        TooGoodToBeTrue: the score blocks registration; the run is FAILED and holds scores and plots.
        TooLittleHistory: the rows span too few instants.
        OverBudget: a fit took longer than it may.
        ValueError: the rows contradict themselves.
    """
    training = _Training(inputs, plan, Environment.here(plan.recipe.library), registry, identity, progress)
    known = registry.find(training.key)
    if known:
        progress(f"version {known.version} was trained from the same inputs, code and settings: nothing to train")
    version = known or training.run(too_good)
    registry.point(plan.recipe.algorithm, str(version.version))
    record = TrainingRecord.read(registry.store, str(version.run_id))
    return ModelOutcome(str(version.version), str(version.run_id), record, is_reused=known is not None)


def rows_on_disk(inputs: TrainingInputs, folder: Path) -> Batches:
    """The rows in a file of their own, in the order of their key; read once, passed over as often as it takes."""
    return spool(inputs.rows(), inputs.columns, folder / "rows.arrow")


@contextmanager
def training_rows(inputs: TrainingInputs, progress: Progress) -> Iterator[tuple[Batches, Path]]:
    """The rows on disk, and an empty folder for what a learner keeps there; both are removed at the end."""
    with scratch_folder("training-") as folder:
        progress("reading features and labels")
        cache = Path(folder) / "cache"
        cache.mkdir()
        yield rows_on_disk(inputs, Path(folder)), cache


@dataclass(frozen=True)
class _Training:
    inputs: TrainingInputs
    plan: TrainingPlan
    environment: Environment
    registry: ModelRegistry
    identity: RunIdentity
    progress: Progress

    @property
    def key(self) -> str:
        columns = {"features": self.inputs.columns.features, "label": self.inputs.columns.label}
        return data_key(
            self.inputs.tables, self.plan.to_dict(), self.environment, columns=columns, query=self.inputs.query
        )

    def run(self, too_good: float) -> "ModelVersion":
        library = self.plan.recipe.library
        with (
            model_run(self.registry.store, self.identity) as run,
            training_rows(self.inputs, self.progress) as (rows, cache),
        ):
            run.set_tags({"data_key": self.key})
            record_inputs(run, self.inputs.tables)
            trained = train(
                rows,
                self.inputs.columns,
                self.plan,
                cache=cache,
                progress=self.progress,
                around_last_fit=lambda: autologged(run, library),
            )
            record = TrainingRecord.of(trained, self._provenance(trained))
            record_training(run, trained, record)
            self._refuse_wonders(run, record, too_good)
            self.progress("keeping the model")
            model_id = self._save(run, trained, next(iter(rows())))
        tags = {**self.identity.tags(), **record.provenance.tags(), "trained_until": str(record.trained_until)}
        return self.registry.register(run.run_id, model_id, record.provenance, tags)

    def _provenance(self, trained: Trained) -> Provenance:
        return Provenance(
            algorithm=self.plan.recipe.algorithm,
            library=self.plan.recipe.library,
            plan=self.plan.to_dict(),
            tables=self.inputs.tables,
            environment=self.environment,
            data_key=self.key,
            prediction_hash=trained.prediction_hash,
            seconds=trained.seconds,
            peak_memory_mb=peak_memory_mb(),
        )

    def _refuse_wonders(self, run: TrackedRun, record: TrainingRecord, too_good: float) -> None:
        if is_too_good(record.scores, too_good):
            run.set_tags({"refused": "too good to be true"})
            raise TooGoodToBeTrue(run.run_id, record, too_good)

    def _save(self, run: TrackedRun, trained: Trained, example: pa.RecordBatch) -> str:
        model = trained.fitted.model
        return save_model(
            run,
            self.plan.recipe.library,
            model.native,
            interface(model.features, example),
            {"algorithm": self.plan.recipe.algorithm, "features": list(model.features)},
        )
