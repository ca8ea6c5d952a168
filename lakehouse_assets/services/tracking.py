"""Runs in MLflow that say where they come from and how they ended.

Belongs here: the parent run of a Dagster run, the run of one model, what is logged to them. Does not: opening the
store (tracking_store), versions and aliases (registry), what is trained.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakehouse_assets.services.tracking_store import TrackingStore

PIPELINE_EXPERIMENT: Final = "lakehouse-tick-pipeline"
EVALUATION_EXPERIMENT: Final = "lakehouse_ml_pipeline"

RUN_TAG: Final = "dagster.run_id"
ASSET_TAG: Final = "dagster.asset"
PARENT_TAG: Final = "mlflow.parentRunId"
STUDY_TAG: Final = "study"


@dataclass(frozen=True)
class RunIdentity:
    """Where a run comes from; `partition` are the run's trading dates, None where it has none."""

    dagster_run_id: str
    asset: str
    git_sha: str
    lock_sha256: str
    partition: str | None = None

    def tags(self) -> dict[str, str]:
        """The tags that every run and version carries."""
        tags = {RUN_TAG: self.dagster_run_id, ASSET_TAG: self.asset, "git.sha": self.git_sha}
        return tags | {"lock.sha256": self.lock_sha256, "dagster.partition": self.partition or ""}


@dataclass(frozen=True)
class TrackedRun:
    """An open run."""

    store: TrackingStore
    run_id: str

    def log_parameters(self, parameters: Mapping[str, object]) -> None:
        """Parameters by name; one that MLflow logged by itself stays as it is."""
        from mlflow.entities import Param

        known = self.store.client.get_run(self.run_id).data.params
        fresh = [Param(name, str(value)) for name, value in parameters.items() if name not in known]
        self.store.client.log_batch(self.run_id, params=fresh)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Metrics by name, at one step."""
        self.log_curves({name: [value] for name, value in metrics.items()}, first_step=step)

    def log_curves(self, curves: Mapping[str, Any], first_step: int = 1) -> None:
        """Metrics by name, one value a step; MLflow takes a thousand at a time."""
        from mlflow.entities import Metric

        now = int(time.time() * 1_000)
        points = [
            Metric(name, float(value), now, step)
            for name, values in curves.items()
            for step, value in enumerate(values, start=first_step)
        ]
        for start in range(0, len(points), 1_000):
            self.store.client.log_batch(self.run_id, metrics=points[start : start + 1_000])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Tags by name."""
        for name, value in tags.items():
            self.store.client.set_tag(self.run_id, name, value)

    @contextmanager
    def child(self, name: str, identity: RunIdentity, status: str) -> Iterator["TrackedRun"]:
        """A run nested under this one, that ends with `status`, or FAILED when the block raises."""
        client = self.store.client
        experiment = client.get_run(self.run_id).info.experiment_id
        tags = {**identity.tags(), PARENT_TAG: self.run_id}
        run_id = str(client.create_run(experiment, tags=tags, run_name=name).info.run_id)
        end = "FAILED"
        try:
            yield TrackedRun(self.store, run_id)
            end = status
        finally:
            client.set_terminated(run_id, end)

    def finished_children(self) -> set[str]:
        """The names of the runs nested under this one that have ended; one that was cut short is deleted."""
        found = _runs_where(self.store, self.store.experiment(PIPELINE_EXPERIMENT), PARENT_TAG, self.run_id)
        for run in found:
            if run.info.status == "RUNNING":
                self.store.client.delete_run(run.info.run_id)
        return {str(run.info.run_name) for run in found if run.info.status != "RUNNING"}

    def log_files(self, folder: Path, into: str) -> None:
        """All files of a folder as artifacts below `into`."""
        self.store.client.log_artifacts(self.run_id, str(folder), artifact_path=into)

    def log_text(self, name: str, text: str) -> None:
        """A text artifact."""
        self.store.client.log_text(self.run_id, text, name)

    def log_record(self, name: str, record: Mapping[str, Any]) -> None:
        """A JSON artifact that `read_record` reads again."""
        self.log_text(name, json.dumps(record, indent=1, sort_keys=True))


def read_record(store: TrackingStore, run_id: str, name: str) -> dict[str, Any]:
    """A JSON artifact of a run.

    Raises:
        mlflow.exceptions.MlflowException: run or artifact are gone.
    """
    from mlflow.artifacts import load_text

    uri = store.client.get_run(run_id).info.artifact_uri
    with store.pointed_at():
        record: dict[str, Any] = json.loads(load_text(f"{uri}/{name}"))
    return record


def parent_run(store: TrackingStore, identity: RunIdentity) -> str:
    """The one parent run of a Dagster run: found by its tag, else made; of several the oldest wins."""
    experiment = store.experiment(PIPELINE_EXPERIMENT)
    with store.exclusive():
        found = [
            run
            for run in _runs_where(store, experiment, RUN_TAG, identity.dagster_run_id)
            if PARENT_TAG not in run.data.tags
        ]
        if found:
            return str(found[0].info.run_id)
        tags = {name: value for name, value in identity.tags().items() if name not in (ASSET_TAG, "dagster.partition")}
        name = f"dagster {identity.dagster_run_id[:8]}"
        return str(store.client.create_run(experiment, tags=tags, run_name=name).info.run_id)


@contextmanager
def model_run(store: TrackingStore, identity: RunIdentity) -> Iterator[TrackedRun]:
    """The nested run of one model asset; FINISHED at the end, FAILED when the block raises.

    A run of the same asset and Dagster run that was killed before is closed as KILLED. The parent is RUNNING meanwhile;
    then it shows the worst end among its children.
    """
    experiment = store.experiment(PIPELINE_EXPERIMENT)
    _close_killed(store, experiment, identity)
    parent = parent_run(store, identity)
    tags = {**identity.tags(), PARENT_TAG: parent}
    run_id = str(store.client.create_run(experiment, tags=tags, run_name=identity.asset).info.run_id)
    with _under(parent, TrackedRun(store, run_id)) as run:
        yield run


@contextmanager
def study_run(store: TrackingStore, identity: RunIdentity, study: str) -> Iterator[TrackedRun]:
    """The one run of a study: found by its tag and opened again, else made; it ends as `model_run`'s do.

    It is nested under the Dagster run that asked last.
    """
    found = _runs_where(store, store.experiment(PIPELINE_EXPERIMENT), STUDY_TAG, study)
    if not found:
        with model_run(store, identity) as run:
            run.set_tags({STUDY_TAG: study})
            yield run
        return
    run, parent = TrackedRun(store, str(found[0].info.run_id)), parent_run(store, identity)
    run.set_tags({**identity.tags(), PARENT_TAG: parent})
    store.client.update_run(run.run_id, "RUNNING")
    with _under(parent, run):
        yield run


@contextmanager
def evaluation_run(store: TrackingStore, identity: RunIdentity, name: str) -> Iterator[TrackedRun]:
    """A run of the experiment in which models are compared and promoted."""
    experiment = store.experiment(EVALUATION_EXPERIMENT)
    run_id = str(store.client.create_run(experiment, tags=identity.tags(), run_name=name).info.run_id)
    status = "FAILED"
    try:
        yield TrackedRun(store, run_id)
        status = "FINISHED"
    finally:
        store.client.set_terminated(run_id, status)


@contextmanager
def _under(parent: str, run: TrackedRun) -> Iterator[TrackedRun]:
    """Let an open run go on to its end, and the parent with it."""
    client = run.store.client
    client.update_run(parent, "RUNNING")
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    finally:
        client.set_terminated(run.run_id, status)
        _settle_parent(run.store, parent)


def _runs_where(store: TrackingStore, experiment: str, tag: str, value: str) -> list[Any]:
    """The runs with a tag of this value, the oldest first."""
    return list(
        store.client.search_runs(
            [experiment],
            filter_string=f"tags.`{tag}` = '{value}'",
            order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
        )
    )


def _close_killed(store: TrackingStore, experiment: str, identity: RunIdentity) -> None:
    for run in _runs_where(store, experiment, RUN_TAG, identity.dagster_run_id):
        is_same = run.data.tags.get(ASSET_TAG) == identity.asset and PARENT_TAG in run.data.tags
        if is_same and run.info.status == "RUNNING":
            store.client.set_terminated(run.info.run_id, "KILLED")


def _settle_parent(store: TrackingStore, parent: str) -> None:
    """Each asset counts with its latest run: a retry that succeeds heals the parent."""
    children = _runs_where(store, store.experiment(PIPELINE_EXPERIMENT), PARENT_TAG, parent)
    latest = {run.data.tags[ASSET_TAG]: run.info.status for run in children}
    for status in ("RUNNING", "FAILED", "KILLED"):
        if status in latest.values():
            break
    else:
        status = "FINISHED"
    if status != "RUNNING":
        store.client.set_terminated(parent, status)
