"""A server of the production profile that is away is one line: who, where, why, and what to do next."""

import os
import sqlite3
import time
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from lakehouse_assets.cli.away import RETRIES_VARIABLE, of_a_server, reached
from lakehouse_assets.cli.boundary import explain
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engines import EngineFailed
from lakehouse_assets.lake.strays import StrayRows
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import NAMESPACE, Settings, load_settings
from lakehouse_assets_tests.cli.conftest import Said, Script

PASSWORD = "swordfish"
NEXT = "; `lakehouse doctor` says what to do\n"


@pytest.fixture
def production(closed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The profile production in force, on servers none of which is there."""
    (tmp_path / "empty.toml").touch()
    known = {
        "CONFIG": str(tmp_path / "empty.toml"),
        "PROFILE": "production",
        "CATALOG__URI": f"postgresql+psycopg2://lakehouse@127.0.0.1:{closed}/lakehouse",
        "CATALOG__PASSWORD": PASSWORD,
        "STORAGE__WAREHOUSE": "s3://lakehouse/warehouse",
        "STORAGE__ENDPOINT": f"http://127.0.0.1:{closed}",
        "MLFLOW__URI": f"http://127.0.0.1:{closed}",
    }
    for name, value in known.items():
        monkeypatch.setenv(f"LAKEHOUSE_{name}", value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key-of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    load_settings.cache_clear()
    return load_settings()


def refuse_more_than_a_line(said: Said, settings: Settings) -> None:
    assert (said.code, said.out, said.err.count("\n")) == (1, "", 1)
    assert any(words in said.err for words in ("Connection refused", "Could not connect"))
    assert said.err.endswith(NEXT)
    assert PASSWORD not in said.err
    assert not (settings.home / "logs").exists()


@pytest.mark.parametrize(
    "verb", [("tables",), ("history", "bronze_option_ticks"), ("sql", "SELECT * FROM bronze_option_ticks")]
)
def test_a_catalog_that_is_away(verb: tuple[str, ...], lakehouse: Script, production: Settings, closed: int) -> None:
    said = lakehouse(*verb)
    refuse_more_than_a_line(said, production)
    assert said.err.startswith(
        f"error: the catalog at postgresql+psycopg2://lakehouse@127.0.0.1:{closed}/lakehouse does not answer: "
        'connection to server at "127.0.0.1", port '
    )
    assert "Connection refused" in said.err


def test_a_password_in_the_address_itself_is_not_said(
    lakehouse: Script, production: Settings, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAKEHOUSE_CATALOG__PASSWORD")
    monkeypatch.setenv("LAKEHOUSE_CATALOG__URI", f"postgresql+psycopg2://lakehouse:cod@127.0.0.1:{closed}/lakehouse")
    load_settings.cache_clear()
    said = lakehouse("tables")
    refuse_more_than_a_line(said, production)
    assert f"lakehouse:***@127.0.0.1:{closed}/lakehouse does not answer" in said.err


def test_a_rest_catalog_that_is_away(
    lakehouse: Script, production: Settings, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"http://localhost:{closed}/iceberg"
    monkeypatch.setenv("LAKEHOUSE_CATALOG__TYPE", "rest")
    monkeypatch.setenv("LAKEHOUSE_CATALOG__URI", uri)
    monkeypatch.delenv("LAKEHOUSE_CATALOG__PASSWORD")
    load_settings.cache_clear()
    said = lakehouse("tables")
    refuse_more_than_a_line(said, production)
    assert said.err.startswith(f"error: the catalog at {uri} does not answer: ")


@pytest.mark.slow
def test_an_object_store_that_is_away(
    lakehouse: Script, production: Settings, closed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CATALOG__URI", f"sqlite:///{tmp_path}/catalog.db")
    monkeypatch.delenv("LAKEHOUSE_CATALOG__PASSWORD")
    load_settings.cache_clear()
    assert Lake(load_settings()).catalog
    row = ("hive_prod", NAMESPACE, "bronze_option_ticks", "s3://lakehouse/warehouse/0.metadata.json", None, "TABLE")
    with sqlite3.connect(tmp_path / "catalog.db") as opened:
        opened.execute("INSERT INTO iceberg_tables VALUES (?, ?, ?, ?, ?, ?)", row)
    said = lakehouse("tables")
    refuse_more_than_a_line(said, production)
    assert said.err.startswith(f"error: the object store at http://127.0.0.1:{closed} does not answer: ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb", [("leaderboard",), ("rollback", "TickPricePredictor"), ("reproduce", "models:/TickPricePredictor/1")]
)
def test_an_mlflow_that_is_away_is_waited_for_in_seconds(
    verb: tuple[str, ...], lakehouse: Script, production: Settings, closed: int
) -> None:
    began = time.monotonic()
    said = lakehouse(*verb)
    assert time.monotonic() - began < 60
    refuse_more_than_a_line(said, production)
    assert said.err.startswith(f"error: MLflow at http://127.0.0.1:{closed} does not answer: ")


def test_only_the_first_question_is_impatient_and_the_environment_wins(
    production: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    monkeypatch.setattr(TrackingStore, "client", property(lambda _: seen.append(os.environ.get(RETRIES_VARIABLE))))
    store = TrackingStore(production.mlflow_uri, "")
    assert reached(store) is store
    assert RETRIES_VARIABLE not in os.environ
    monkeypatch.setenv(RETRIES_VARIABLE, "5")
    reached(store)
    reached(TrackingStore("sqlite:////nowhere/mlflow.db", ""))
    assert seen == ["2", "5"]


class FromDriver(Exception):
    """As psycopg2 raises it."""


FromDriver.__module__ = "psycopg2"


def database(words: str, statement: str | None = None) -> OperationalError:
    return OperationalError(statement, None, FromDriver(words))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EndpointConnectionError(endpoint_url="http://here"), "the object store at "),
        (ReadTimeoutError(endpoint_url="http://here"), "the object store at "),
        (database('at "db", port 1: timeout expired'), 'PostgreSQL does not answer: at "db", port 1: timeout expired'),
        (database('at "127.0.0.1": FATAL:  no such role\nmore'), "the catalog at "),
    ],
)
def test_what_the_clients_say_of_a_server_that_is_away(error: Exception, said: str, production: Settings) -> None:
    assert str(of_a_server(error, production)).startswith(said)


def test_a_refusal_is_not_called_silence(production: Settings) -> None:
    said = str(of_a_server(database('at "127.0.0.1" failed: FATAL:  no such role\nmore'), production))
    assert 'lets us not in: at "127.0.0.1" failed: FATAL: no such role;' in said


@pytest.mark.parametrize(
    "error",
    [
        database("deadlock detected", statement="UPDATE x"),
        OperationalError(None, None, sqlite3.OperationalError("unable to open database file")),
        MlflowException("RESOURCE_DOES_NOT_EXIST: no such run"),
        NoCredentialsError(),
        OSError("AWS Error ACCESS_DENIED during HeadObject"),
        KeyError("x"),
    ],
)
def test_other_failures_are_still_unexpected(error: Exception, production: Settings) -> None:
    assert of_a_server(error, production) is None
    assert "(unexpected; the traceback is in " in explain(error)


def raised_while_handling(error: Exception, other: Exception) -> Exception:
    other.__context__ = error
    return other


def test_a_bug_in_the_handling_of_silence_is_no_silence(production: Settings) -> None:
    away = EndpointConnectionError(endpoint_url="http://here")
    assert of_a_server(raised_while_handling(away, KeyError("x")), production) is None
    assert of_a_server(raised_while_handling(away, MlflowException("API request failed")), production) is not None


def test_the_embedded_profile_is_sent_to_the_doctor_of_production() -> None:
    said = str(of_a_server(database('at "db": timeout expired'), Settings()))
    assert said.endswith("; `lakehouse doctor --profile production` says what to do")


@pytest.mark.parametrize("error", [StrayRows("rows of another day"), EngineFailed("Trino at x:1: refused")])
def test_what_steps_say_to_people_is_said_as_it_is(error: Exception) -> None:
    assert explain(error) == str(error)
