"""Questions over HTTP: the MLflow server, and a REST catalog.

Belongs here: health, version, who is let in, one artifact that comes and goes. Does not: what the servers hold.
"""

import os
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from lakehouse_assets.services.doctor.finding import SECONDS, Ailment
from lakehouse_assets.settings import Settings

ARTIFACT = b"written by the doctor"
ARTIFACT_SECONDS = 20.0
"""The server's own client asks its bucket again where a request fails."""


def ask_mlflow(uri: str) -> str:
    """Whether the server is healthy, of the client's version, lets us in, reaches its database and keeps artifacts."""
    let_in = _tracking_credentials()
    health = _answer("GET", f"{uri}/health", let_in)
    if health.status_code == 403:
        raise Ailment(
            "refuses the name that it is called by (403)", "add host:port of mlflow.uri to the server's --allowed-hosts"
        )
    if health.status_code != 200 or health.text.strip() != "OK":
        raise Ailment(f"answers /health with {health.status_code}", "see that mlflow.uri is an MLflow server")
    theirs, ours = _answer("GET", f"{uri}/version", let_in).text.strip(), version("mlflow")
    if _release(theirs) != _release(ours):
        raise Ailment(f"the server is MLflow {theirs}, this client {ours}", "install the same release on both sides")
    asked = _answer("POST", f"{uri}/api/2.0/mlflow/experiments/search", let_in, json={"max_results": 1})
    if asked.status_code in (401, 403):
        raise Ailment(
            f"lets us not in ({asked.status_code})", "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    if asked.status_code != 200:
        raise Ailment(
            f"cannot list its experiments ({asked.status_code})", "see the server's log: it may not reach its database"
        )
    return f"MLflow {theirs} is healthy, reaches its database and {_keeps_artifacts(uri, let_in)}"


def _keeps_artifacts(uri: str, let_in: tuple[str, str] | None) -> str:
    """Put, get and delete one artifact, where the server is the one that keeps them."""
    path = f"{uri}/api/2.0/mlflow-artifacts/artifacts/doctor/{uuid4()}"
    put = _answer("PUT", path, let_in, data=ARTIFACT, seconds=ARTIFACT_SECONDS)
    if put.status_code == 503 and "--no-serve-artifacts" in put.text:
        return "leaves artifacts to its clients"
    got, deleted = (_answer(method, path, let_in, seconds=ARTIFACT_SECONDS) for method in ("GET", "DELETE"))
    for step, answer in {"put": put, "get": got, "delete": deleted}.items():
        if answer.status_code != 200:
            raise Ailment(
                f"cannot {step} an artifact ({answer.status_code})",
                "see the server's log: it may not reach its bucket, or its keys are refused there",
            )
    if got.content != ARTIFACT:
        raise Ailment("gives back another artifact than it was given", "see where the server keeps its artifacts")
    return "keeps artifacts"


def ask_rest_catalog(settings: Settings) -> str:
    """Whether the catalog's server answers as the protocol says."""
    answer = _answer(
        "GET", f"{settings.catalog_uri.rstrip('/')}/v1/config", params={"warehouse": settings.storage.warehouse}
    )
    if answer.status_code in (401, 403):
        raise Ailment(f"lets us not in ({answer.status_code})", "let the server answer without a login: none is sent")
    if answer.status_code != 200:
        raise Ailment(
            f"answers /v1/config with {answer.status_code}", "see that catalog.uri is an Iceberg REST catalog"
        )
    return "answers as an Iceberg REST catalog"


def _tracking_credentials() -> tuple[str, str] | None:
    """MLflow's own, which no other server may see."""
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return (user, password) if user and password else None


def _answer(
    method: str, url: str, let_in: tuple[str, str] | None = None, *, seconds: float = SECONDS, **sent: Any
) -> Any:
    import requests

    try:
        return requests.request(method, url, timeout=seconds, auth=let_in, **sent)
    except requests.RequestException as error:
        raise Ailment(
            f"does not answer: {type(error).__name__}", "start the server there, or correct its uri"
        ) from error


def _release(text: str) -> list[str]:
    return text.split(".")[:2]
