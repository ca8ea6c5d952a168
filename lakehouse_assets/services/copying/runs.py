"""MLflow runs and the models that they logged, made again in another store.

Belongs here: parameters, metrics, tags, datasets, artifacts of one run, its parents and its models. Does not: versions
and aliases (`versions`).

MLflow gives the new run an id of its own; the tag `copied.run` keeps the old one, by which it is found again. A copy
that was cut short lacks the tag `copied.complete`: it is deleted and made anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakehouse_assets.services.copying.artifacts import copy_artifacts
from lakehouse_assets.services.copying.report import Progress, silent
from lakehouse_assets.services.tracking import PARENT_TAG
from lakehouse_assets.services.tracking_store import TrackingStore

if TYPE_CHECKING:
    from mlflow.entities import Run

RUN_COPIED: Final = "copied.run"
MODEL_COPIED: Final = "copied.model"
COMPLETE: Final = "copied.complete"
METRICS_AT_ONCE: Final = 1_000
PARAMETERS_AT_ONCE: Final = 100
"""MLflow takes no more in one request."""


class ModelGone(LookupError):
    """A version is made of a model that its run does not name; the message says which."""


@dataclass
class RunCopy:
    """Copies runs from one store to another; `bytes` counts those of the artifacts that were copied."""

    source: TrackingStore
    target: TrackingStore
    progress: Progress = silent
    bytes: int = 0
    _known: dict[str, str] = field(default_factory=dict)

    def bring(self, run_id: str) -> str:
        """The run's id in the target, where it is made with its parents if it is not there whole.

        Raises:
            ArtifactDamaged: a file arrived otherwise.
            mlflow.exceptions.MlflowException: the run is gone, or the server refuses.
        """
        if run_id not in self._known:
            self._known[run_id] = self._brought(self.source.client.get_run(run_id))
        return self._known[run_id]

    def model(self, run_id: str, model_id: str) -> str:
        """The id in the target of a model that a run has logged.

        Raises:
            ModelGone: the run names no such model.
        """
        experiment = self.target.client.get_run(self.bring(run_id)).info.experiment_id
        found = self.target.client.search_logged_models(
            [experiment], filter_string=f"tags.`{MODEL_COPIED}` = '{model_id}'"
        )
        whole = [one for one in found if one.source_run_id == self.bring(run_id)]
        if not whole:
            raise ModelGone(
                f"run {run_id} of {self.source.uri} has no model {model_id} any more: restore it from a copy, or "
                "delete the version that is made of it, then copy again"
            )
        return str(whole[0].model_id)

    def _brought(self, run: "Run") -> str:
        client = self.target.client
        parent = run.data.tags.get(PARENT_TAG)
        tags = {**run.data.tags, RUN_COPIED: run.info.run_id}
        if parent:
            tags[PARENT_TAG] = self.bring(parent)
        experiment = self.target.experiment(self.source.client.get_experiment(run.info.experiment_id).name)
        for known in client.search_runs([experiment], filter_string=f"tags.`{RUN_COPIED}` = '{run.info.run_id}'"):
            if COMPLETE in known.data.tags:
                return str(known.info.run_id)
            client.delete_run(known.info.run_id)
        made = client.create_run(experiment, start_time=run.info.start_time, tags=tags, run_name=run.info.run_name)
        run_id = str(made.info.run_id)
        models = self._models(run, experiment, run_id)
        self._values(run, run_id, models)

        def put(folder: Path) -> None:
            client.log_artifacts(run_id, str(folder))

        self._artifacts(f"run {run.info.run_name}", str(run.info.artifact_uri), put, str(made.info.artifact_uri))
        client.set_terminated(run_id, run.info.status, run.info.end_time)
        client.set_tag(run_id, COMPLETE, "true")
        return run_id

    def _values(self, run: "Run", run_id: str, models: Mapping[str, str]) -> None:
        """Parameters, every value of every metric, and the datasets that were read."""
        from mlflow.entities import Metric, Param

        client = self.target.client
        parameters = [Param(name, value) for name, value in run.data.params.items()]
        for start in range(0, len(parameters), PARAMETERS_AT_ONCE):
            client.log_batch(run_id, params=parameters[start : start + PARAMETERS_AT_ONCE])
        points = [
            Metric(one.key, one.value, one.timestamp, one.step, models.get(str(one.model_id)), one.dataset_name,
                   one.dataset_digest)
            for name in run.data.metrics
            for one in self.source.client.get_metric_history(run.info.run_id, name)
        ]  # fmt: skip
        for start in range(0, len(points), METRICS_AT_ONCE):
            client.log_batch(run_id, metrics=points[start : start + METRICS_AT_ONCE])
        if run.inputs and run.inputs.dataset_inputs:
            client.log_inputs(run_id, datasets=run.inputs.dataset_inputs)

    def _models(self, run: "Run", experiment: str, run_id: str) -> dict[str, str]:
        """The models that the run has logged, by their ids; the new run names them as its outputs."""
        from mlflow.entities import LoggedModelOutput

        outputs = run.outputs.model_outputs if run.outputs else []
        made = {one.model_id: self._model(one.model_id, experiment, run_id) for one in outputs}
        if made:
            self.target.client.log_outputs(
                run_id, models=[LoggedModelOutput(made[one.model_id], one.step) for one in outputs]
            )
        return made

    def _model(self, model_id: str, experiment: str, run_id: str) -> str:
        client = self.target.client
        known: Any = self.source.client.get_logged_model(model_id)
        made = client.create_logged_model(
            experiment,
            name=known.name,
            source_run_id=run_id,
            tags={**known.tags, MODEL_COPIED: model_id},
            params=dict(known.params or {}),
            model_type=known.model_type,
        )

        def put(folder: Path) -> None:
            client.log_model_artifacts(made.model_id, str(folder))

        self._artifacts(f"model {model_id}", known.artifact_location, put, str(made.artifact_location))
        client.finalize_logged_model(made.model_id, known.status)
        return str(made.model_id)

    def _artifacts(self, what: str, uri: str, put: Callable[[Path], None], there: str) -> None:
        written = copy_artifacts(self.source, uri, self.target, put, there)
        self.bytes += written
        self.progress(what, written)
