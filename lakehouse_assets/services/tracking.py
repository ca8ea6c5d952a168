"""MLflow's tracking store: opened safely, runs that say where they come from and how they ended.

Belongs here: the store, experiments, the parent run of a Dagster run and the run of one model. Does not: versions and
aliases (registry), what is trained. The fluent API keeps global state, so all goes through the client; the two calls
that have no client form (saving and loading a model) run under `pointed_at`.
"""

import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mlflow import MlflowClient

PIPELINE_EXPERIMENT: Final = "lakehouse-tick-pipeline"
EVALUATION_EXPERIMENT: Final = "lakehouse_ml_pipeline"

RUN_TAG: Final = "dagster.run_id"
ASSET_TAG: Final = "dagster.asset"
PARENT_TAG: Final = "mlflow.parentRunId"

LOG = logging.getLogger(__name__)
SQLITE = "sqlite:///"
QUIET: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
"""Before MLflow is imported: nothing is sent to its makers, no bars in the logs."""
_OPENED: dict[str, "MlflowClient"] = {}
_POINTING = threading.RLock()
_HELD = threading.local()


@dataclass(frozen=True)
class RunIdentity:
    """Where a run comes from; `partition` is None for an asset without partitions."""

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
class TrackingStore:
    """A tracking and registry store, and the folder (as URI) below which artifacts lie."""

    uri: str
    artifacts: str

    @property
    def database(self) -> Path | None:
        """The file of an embedded store; None for a server."""
        return Path(self.uri.removeprefix(SQLITE)) if self.uri.startswith(SQLITE) else None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes and threads out of a look-then-write on the embedded store; re-entrant.

        A server gets no lock: there, two writers at once are kept apart by the job's concurrency pool alone.
        """
        depth = getattr(_HELD, self.uri, 0)
        if self.database is None or depth:
            yield
            return
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with self.database.with_suffix(".lock").open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)  # released when the file is closed, also by a kill
            setattr(_HELD, self.uri, depth + 1)
            try:
                yield
            finally:
                setattr(_HELD, self.uri, depth)

    @property
    def client(self) -> "MlflowClient":
        """The store's client; at first use the schema is made, by one process only (2.5 s measured)."""
        if self.uri not in _OPENED:
            for name, value in QUIET.items():
                os.environ.setdefault(name, value)
            from mlflow import MlflowClient

            started = time.perf_counter()
            with self.exclusive():
                if self.database is not None and not self.database.exists():
                    LOG.info("making MLflow's database %s: once, some seconds", self.database)
                opened = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
                opened.search_experiments(max_results=1)  # the first question makes the schema
                opened.search_registered_models(max_results=1)
            LOG.info("MLflow's store is open after %.1f s", time.perf_counter() - started)
            _OPENED[self.uri] = opened
        return _OPENED[self.uri]

    def experiment(self, name: str) -> str:
        """The experiment's id, made with its artifacts below the store's folder where it is missing."""
        with self.exclusive():
            found = self.client.get_experiment_by_name(name)
            if found is not None:
                return str(found.experiment_id)
            return str(self.client.create_experiment(name, artifact_location=f"{self.artifacts}/{name}"))

    @contextmanager
    def pointed_at(self) -> Iterator[None]:
        """Point MLflow's global state at this store for a while; one thread of the process at a time."""
        _ = self.client
        import mlflow

        with _POINTING:
            untyped: Any = mlflow
            before = mlflow.get_tracking_uri() if untyped.is_tracking_uri_set() else None
            mlflow.set_tracking_uri(self.uri)
            try:
                yield
            finally:
                untyped.set_tracking_uri(before)  # None, which its types leave out, unsets it


@dataclass(frozen=True)
class TrackedRun:
    """An open run."""

    store: TrackingStore
    run_id: str

    def log_parameters(self, parameters: Mapping[str, object]) -> None:
        """Parameters by name."""
        from mlflow.entities import Param

        self.store.client.log_batch(self.run_id, params=[Param(k, str(v)) for k, v in parameters.items()])

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

    def log_files(self, folder: Path, into: str) -> None:
        """All files of a folder as artifacts below `into`."""
        self.store.client.log_artifacts(self.run_id, str(folder), artifact_path=into)

    def log_record(self, name: str, record: Mapping[str, Any]) -> None:
        """A JSON artifact that `read_record` reads again."""
        self.store.client.log_text(self.run_id, json.dumps(record, indent=1, sort_keys=True), name)


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
        found = [run for run in _runs_of(store, experiment, identity) if PARENT_TAG not in run.data.tags]
        if found:
            return str(found[0].info.run_id)
        tags = {name: value for name, value in identity.tags().items() if name not in (ASSET_TAG, "dagster.partition")}
        name = f"dagster {identity.dagster_run_id[:8]}"
        return str(store.client.create_run(experiment, tags=tags, run_name=name).info.run_id)


@contextmanager
def model_run(store: TrackingStore, identity: RunIdentity) -> Iterator[TrackedRun]:
    """The nested run of one model asset; FINISHED at the end, FAILED when the block raises.

    A run of the same asset and Dagster run that was killed before is closed as KILLED. The parent then shows the
    worst end among its children.
    """
    parent = parent_run(store, identity)
    experiment = store.experiment(PIPELINE_EXPERIMENT)
    _close_killed(store, experiment, identity)
    tags = {**identity.tags(), PARENT_TAG: parent}
    run_id = str(store.client.create_run(experiment, tags=tags, run_name=identity.asset).info.run_id)
    status = "FAILED"
    try:
        yield TrackedRun(store, run_id)
        status = "FINISHED"
    finally:
        store.client.set_terminated(run_id, status)
        _settle_parent(store, experiment, identity, parent)


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


def _runs_of(store: TrackingStore, experiment: str, identity: RunIdentity) -> list[Any]:
    return list(
        store.client.search_runs(
            [experiment],
            filter_string=f"tags.`{RUN_TAG}` = '{identity.dagster_run_id}'",
            order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
        )
    )


def _close_killed(store: TrackingStore, experiment: str, identity: RunIdentity) -> None:
    for run in _runs_of(store, experiment, identity):
        is_same = run.data.tags.get(ASSET_TAG) == identity.asset and PARENT_TAG in run.data.tags
        if is_same and run.info.status == "RUNNING":
            store.client.set_terminated(run.info.run_id, "KILLED")


def _settle_parent(store: TrackingStore, experiment: str, identity: RunIdentity, parent: str) -> None:
    """Each asset counts with its latest run: a retry that succeeds heals the parent."""
    children = [run for run in _runs_of(store, experiment, identity) if run.data.tags.get(PARENT_TAG) == parent]
    latest = {run.data.tags[ASSET_TAG]: run.info.status for run in children}
    for status in ("RUNNING", "FAILED", "KILLED"):
        if status in latest.values():
            break
    else:
        status = "FINISHED"
    if status == "RUNNING":
        return
    store.client.set_terminated(parent, status)
