"""Servers that do not answer: how long a person waits for one, and what is said then.

Belongs here: which exceptions of the clients mean it, and whose server it was. Does not: what to do (the doctor).
Classes are named, not imported: their libraries are loaded only where a verb has used them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from lakehouse_assets.services.tracking_store import TrackingStore
    from lakehouse_assets.settings import Settings

RETRIES_VARIABLE = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
RETRIES = "2"
"""MLflow's own 7, each wait twice as long as the one before, are four minutes; these are 6 s."""

DATABASE = "sqlalchemy.exc.OperationalError"
MLFLOW = "mlflow.exceptions.MlflowException"
OVER_HTTP = {f"requests.exceptions.{name}" for name in ("ConnectionError", "Timeout", "RetryError")}
OF_THE_STORE = {f"botocore.exceptions.{name}" for name in ("ConnectionError", "HTTPClientError")}
ARROW_S3 = "AWS Error NETWORK_CONNECTION"
"""Arrow's words, which raises the built-in OSError."""

Server = tuple[str, str]
"""Who, and the address of the settings or of the request; empty where neither is known."""


def reached(store: "TrackingStore") -> "TrackingStore":
    """The store, once its server has answered: one that is away is asked for seconds, since a person waits.

    Raises:
        mlflow.exceptions.MlflowException: it does not answer.
    """
    if store.database is None:
        with _few_retries():
            _ = store.client
    return store


def of_a_server(error: BaseException, settings: "Settings") -> str | None:
    """Which server does not answer, in a line without secrets; None where the error means something else."""
    for one in _chain(error):
        if (server := _server(one, settings)) is not None:
            return _said(server, _words(one), settings)
    return None


def _said(server: Server, words: str, settings: "Settings") -> str:
    from lakehouse_assets.services.doctor.finding import hidden

    who, where = server
    verb = "lets us not in" if "FATAL:" in words else "does not answer"
    profile = "" if settings.profile == "production" else " --profile production"
    said = hidden(f"{who}{f' at {where}' if where else ''} {verb}: {words}", settings)
    return f"{said}; `lakehouse doctor{profile}` says what to do"


def _server(error: BaseException, settings: "Settings") -> Server | None:
    kinds = {f"{one.__module__}.{one.__name__}" for one in type(error).__mro__}
    if DATABASE in kinds:
        return _database(error, settings)
    if kinds & OVER_HTTP:
        return _asked_over_http(error, settings)
    if kinds & OF_THE_STORE or (isinstance(error, OSError) and ARROW_S3 in str(error)):
        return "the object store", settings.storage.endpoint or ""
    return None


def _database(error: Any, settings: "Settings") -> Server | None:
    """PostgreSQL, where no connection came about or one was cut; any other failure is that of a statement."""
    if not type(error.orig).__module__.startswith("psycopg"):
        return None
    if error.statement is not None and not error.connection_invalidated:
        return None
    host = urlsplit(settings.catalog_uri).hostname
    if settings.catalog.type == "sql" and host and host in str(error.orig):
        return "the catalog", settings.catalog_uri
    return "PostgreSQL", ""


def _asked_over_http(error: Any, settings: "Settings") -> Server:
    url = str(getattr(error.request, "url", None) or "")
    known = {"MLflow": settings.mlflow_uri, "the catalog": settings.catalog_uri}
    for who, address in known.items():
        if urlsplit(address).netloc.rpartition("@")[2] == urlsplit(url).netloc.rpartition("@")[2]:
            return who, address
    return "a server", urlsplit(url).netloc


def _words(error: Any) -> str:
    """The first line of what the client says: a database's without what SQLAlchemy adds, of HTTP's the cause alone."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].rpartition("(Caused by ")[2].removesuffix(")").strip() if lines else type(error).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from; MLflow raises its own of a client's without saying so."""
    following: BaseException | None = error
    while following is not None:
        yield following
        is_mlflow = f"{type(following).__module__}.{type(following).__name__}" == MLFLOW
        following = following.__cause__ or (following.__context__ if is_mlflow else None)


@contextmanager
def _few_retries() -> Iterator[None]:
    """Have MLflow's client give up after seconds, unless the environment says how often it asks."""
    if RETRIES_VARIABLE in os.environ:
        yield
        return
    os.environ[RETRIES_VARIABLE] = RETRIES
    try:
        yield
    finally:
        del os.environ[RETRIES_VARIABLE]
