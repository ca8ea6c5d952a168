"""From the table of images to a registered version of `DigitClassifier`: train once, register what was trained.

Belongs here: the order of the steps for networks. Does not: the steps themselves; ticks (model_training).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from lakehouse_assets.lake.io_manager import peak_memory_mb
from lakehouse_assets.lake.table import Table
from lakehouse_assets.learners.networks.evaluation import ImagePredictions, ImageResampling, evaluate_images
from lakehouse_assets.learners.networks.images import COLUMNS, Images, images_of
from lakehouse_assets.learners.networks.network import FittedNetwork, ImageRecipe, OnEpoch, require_library, silent
from lakehouse_assets.services.digit_record import DigitRecord, interface, plan_of, record_network
from lakehouse_assets.services.environment import Environment
from lakehouse_assets.services.input_tables import InputTable, record_inputs
from lakehouse_assets.services.model_training import Progress
from lakehouse_assets.services.provenance import Provenance, data_key
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.saved_model import save_model
from lakehouse_assets.services.tracking import RunIdentity, model_run

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


@dataclass(frozen=True)
class NetworkOutcome:
    """What a materialization of a network stands for; `is_reused` where its version was there already."""

    version: str
    run_id: str
    record: DigitRecord
    is_reused: bool


def train_and_register_network(
    images: Table,
    recipe: ImageRecipe,
    registry: ModelRegistry,
    identity: RunIdentity,
    progress: Progress = lambda _: None,
) -> NetworkOutcome:
    """Train and register, unless the same was done before, and point the algorithm's alias at the version.

    Raises:
        NotInstalled: the recipe's library is not there.
        OverBudget: the fit took longer than it may.
        ValueError: there are no images of a split.
    """
    require_library(recipe.algorithm, recipe.library)
    training = _Training(images, recipe, registry, identity, progress)
    known = registry.find(training.key)
    if known:
        progress(f"version {known.version} was trained from the same images, code and settings: nothing to train")
    version = known or training.run()
    registry.point(recipe.algorithm, str(version.version))
    record = DigitRecord.read(registry.store, str(version.run_id))
    return NetworkOutcome(str(version.version), str(version.run_id), record, is_reused=known is not None)


@dataclass(frozen=True)
class Attempt:
    """A network that was trained on the training images and judged on the test images; `seconds` in all."""

    fitted: FittedNetwork
    predictions: ImagePredictions
    judged: Images
    seconds: float


def attempt(images: Table, recipe: ImageRecipe, on_epoch: OnEpoch = silent) -> Attempt:
    """Train on one split, predict the other; the test images are watched, and nothing is chosen by them."""
    started = time.perf_counter()
    learnt, judged = (images_of(images.batches(COLUMNS), split) for split in ("train", "test"))
    fitted = recipe.fit(learnt, watched=judged, on_epoch=on_epoch)
    predictions = ImagePredictions(judged.labels, fitted.model.predict(judged.pixels), learnt.majority)
    return Attempt(fitted, predictions, judged, time.perf_counter() - started)


@dataclass(frozen=True)
class _Training:
    images: Table
    recipe: ImageRecipe
    registry: ModelRegistry
    identity: RunIdentity
    progress: Progress
    resampling: ImageResampling = field(default_factory=ImageResampling)

    @cached_property
    def environment(self) -> Environment:
        return Environment.here(self.recipe.library)

    @property
    def key(self) -> str:
        tables = (InputTable.of(self.images),)
        return data_key(tables, plan_of(self.recipe, self.resampling), self.environment)

    def run(self) -> "ModelVersion":
        with model_run(self.registry.store, self.identity) as run:
            run.set_tags({"data_key": self.key})
            record_inputs(run, [InputTable.of(self.images)])

            def on_epoch(number: int, figures: Mapping[str, float]) -> None:
                run.log_metrics(figures, step=number)
                self.progress(f"epoch {number}: " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()))

            self.progress("reading the images")
            made = attempt(self.images, self.recipe, on_epoch)
            record = self._record(made)
            record_network(run, made.fitted, record, made.predictions, made.judged)
            self.progress("keeping the model")
            about = {"algorithm": self.recipe.algorithm}
            model_id = save_model(
                run, self.recipe.library, made.fitted.model.native, interface(made.judged), metadata=about
            )
        tags = {**self.identity.tags(), **record.provenance.tags()}
        return self.registry.register(run.run_id, model_id, record.provenance, tags)

    def _record(self, made: Attempt) -> DigitRecord:
        provenance = Provenance(
            algorithm=self.recipe.algorithm,
            library=self.recipe.library,
            plan=plan_of(self.recipe, self.resampling),
            tables=(InputTable.of(self.images),),
            environment=self.environment,
            data_key=self.key,
            prediction_hash=made.predictions.hash,
            seconds=made.seconds,
            peak_memory_mb=peak_memory_mb(),
        )
        return DigitRecord(provenance, evaluate_images(made.predictions, self.resampling), made.fitted.rows)
