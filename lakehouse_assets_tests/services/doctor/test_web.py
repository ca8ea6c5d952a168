"""Questions over HTTP."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from email.message import Message
from importlib.metadata import version

import pytest

from lakehouse_assets.services.doctor.web import ARTIFACT, ask_mlflow, ask_rest_catalog
from lakehouse_assets.settings import CatalogSettings, Settings
from lakehouse_assets_tests.services.doctor.conftest import ailment

SEARCH = "/api/2.0/mlflow/experiments/search"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/doctor/"
HEALTHY = {"/health": (200, "OK"), "/version": (200, version("mlflow")), SEARCH: (200, "{}")}
KEPT = {"PUT": (200, "{}"), "GET": (200, ARTIFACT.decode()), "DELETE": (200, "{}")}
Answer = tuple[int, str]


def answering(
    changed: Mapping[str, Answer] = HEALTHY, kept: Mapping[str, Answer] = KEPT
) -> Callable[[str, str], Answer | None]:
    """A healthy server but for what is changed by path, or of an artifact by method."""
    known = {**HEALTHY, **changed}
    return lambda method, path: {**KEPT, **kept}[method] if path.startswith(ARTIFACTS) else known.get(path)


def test_a_healthy_server_of_the_same_release(serve: Callable[..., str], heard: list[tuple[str, Message]]) -> None:
    said = ask_mlflow(serve(answering()))
    assert said == f"MLflow {version('mlflow')} is healthy, reaches its database and keeps artifacts"
    assert len({path for path, _ in heard if path.startswith(ARTIFACTS)}) == 1


def test_a_server_that_keeps_no_artifacts_is_as_well(serve: Callable[..., str]) -> None:
    off = (503, "Endpoint disabled due to the mlflow server running in `--no-serve-artifacts` mode")
    assert ask_mlflow(serve(answering(kept={"PUT": off}))).endswith("leaves artifacts to its clients")


@pytest.mark.parametrize("method", KEPT)
def test_a_server_that_does_not_reach_its_bucket(
    method: str, serve: Callable[..., str], heard: list[tuple[str, Message]]
) -> None:
    what, fix = ailment(lambda: ask_mlflow(serve(answering(kept={method: (500, "AccessDenied")}))))
    assert what == f"cannot {method.lower()} an artifact (500)"
    assert "its bucket" in fix
    assert len([path for path, _ in heard if path.startswith(ARTIFACTS)]) == len(KEPT)  # deleted whatever happened


def test_an_artifact_that_comes_back_as_another(serve: Callable[..., str]) -> None:
    what, _ = ailment(lambda: ask_mlflow(serve(answering(kept={"GET": (200, "something else")}))))
    assert what == "gives back another artifact than it was given"


@pytest.mark.parametrize(
    ("path", "answer", "what", "fix"),
    [
        ("/health", (403, "Invalid Host header"), "refuses the name that it is called by", "--allowed-hosts"),
        ("/health", (200, "<html>"), "answers /health with 200", "is an MLflow server"),
        ("/version", (200, "2.19.0"), "the server is MLflow 2.19.0, this client", "the same release"),
        (SEARCH, (401, ""), "lets us not in (401)", "MLFLOW_TRACKING_PASSWORD"),
        (SEARCH, (500, ""), "cannot list its experiments (500)", "its database"),
    ],
)
def test_each_failure_of_a_server_has_its_own_words(
    path: str, answer: tuple[int, str], what: str, fix: str, serve: Callable[..., str]
) -> None:
    found, do = ailment(lambda: ask_mlflow(serve(answering({path: answer}))))
    assert found.startswith(what)
    assert fix in do


def test_a_rest_catalog(serve: Callable[..., str], closed: int) -> None:
    def asked(uri: str) -> Settings:
        return Settings(catalog=CatalogSettings(type="rest", uri=uri))

    uri = serve({"/iceberg/v1/config": (200, "{}")})
    assert ask_rest_catalog(asked(f"{uri}/iceberg/")) == "answers as an Iceberg REST catalog"
    assert ailment(lambda: ask_rest_catalog(asked(uri)))[0] == "answers /v1/config with 404"
    refusing = serve({"/v1/config": (401, "")})
    assert ailment(lambda: ask_rest_catalog(asked(refusing)))[0] == "lets us not in (401)"
    assert ailment(lambda: ask_rest_catalog(asked(f"http://127.0.0.1:{closed}")))[0].startswith("does not answer")


def test_mlflow_s_password_is_for_mlflow_alone(
    serve: Callable[..., str], heard: list[tuple[str, Message]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "swordfish")
    ask_mlflow(serve(answering()))
    assert {headers["Authorization"] for _, headers in heard} == {f"Basic {b64encode(b'me:swordfish').decode()}"}
    heard.clear()
    uri = serve({"/v1/config": (200, "{}")})
    ask_rest_catalog(Settings(catalog=CatalogSettings(type="rest", uri=uri)))
    assert [(path, headers["Authorization"]) for path, headers in heard] == [("/v1/config", None)]
