"""MLflow's tracking and registry store, opened safely.

Belongs here: the client, the store's lock, experiments, MLflow's global state. Does not: runs (tracking).
The fluent API keeps global state, so all goes through the client; the few calls that have no client form (saving and
loading a model) run under `pointed_at`.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOG = logging.getLogger(__name__)
SQLITE = "sqlite:///"
QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Before MLflow is imported: nothing is sent to its makers, no bars in the logs, no addresses on stdout."""
_OPENED: dict[str, "MlflowClient"] = {}
_POINTING = threading.RLock()
_HELD = threading.local()


@dataclass(frozen=True)
class TrackingStore:
    """A tracking and registry store, and the URI of the folder of its artifacts; empty where a server decides."""

    uri: str
    artifacts: str

    @property
    def database(self) -> Path | None:
        """The file of an embedded store; None for a server."""
        return Path(self.uri.removeprefix(SQLITE)) if self.uri.startswith(SQLITE) else None

    @property
    def is_made(self) -> bool:
        """Whether an embedded store was ever opened: who only looks makes none. A server is always there."""
        return self.database is None or self.database.exists()

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
                with _default_artifacts(self.artifacts):
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
            location = f"{self.artifacts}/{name}" if self.artifacts else None
            return str(self.client.create_experiment(name, artifact_location=location))

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


@contextmanager
def _default_artifacts(root: str) -> Iterator[None]:
    """Give MLflow's own default experiment a place; it would make `mlruns` in the working directory instead.

    The variable is the one by which MLflow's server tells its workers; a test notices if it is renamed.
    """
    variable = "_MLFLOW_SERVER_ARTIFACT_ROOT"
    before = os.environ.get(variable)
    os.environ[variable] = root
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
