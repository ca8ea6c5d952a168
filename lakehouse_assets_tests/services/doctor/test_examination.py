"""The whole examination: every question has its answer, whatever happens, and no answer holds a secret."""

import socket
import sqlite3
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.doctor import examine
from lakehouse_assets.services.doctor.finding import Ailment, NotAsked, Question, found, hidden
from lakehouse_assets.settings import CatalogSettings, Settings, load_settings

EVERYWHERE = ["state folder", "disk", "catalog"]
SERVERS = [*EVERYWHERE, "bucket", "clock", "MLflow", "Dagster's storage", "Spark", "Trino"]


def test_a_fresh_embedded_home_is_in_order_and_is_left_as_it_was(own_home: Path) -> None:
    findings = {one.check: one for one in examine(load_settings())}
    assert list(findings) == [*EVERYWHERE, "MLflow", "port of Dagster", "port of MLflow"]
    assert [findings[name].state for name in (*EVERYWHERE, "MLflow")] == ["ok"] * 4
    assert findings["catalog"].said == "is not there yet: the first run makes it"
    assert not own_home.exists()


def test_a_catalog_that_is_there_opens() -> None:
    assert Lake(load_settings()).catalog
    (catalog,) = [one for one in examine(load_settings()) if one.check == "catalog"]
    assert (catalog.state, catalog.said) == ("ok", "opens and is whole")


def test_a_damaged_catalog_is_one_failed_line_and_the_rest_is_asked(own_home: Path) -> None:
    own_home.mkdir(parents=True)
    (own_home / "catalog.db").write_text("this is no database at all, however long it may be")
    states = {one.check: one.state for one in examine(load_settings())}
    assert states["catalog"] == "failed"
    assert (states["state folder"], states["MLflow"]) == ("ok", "ok")


def test_servers_that_are_not_there_are_a_line_each_with_its_fix(production: Settings) -> None:
    findings = {one.check: one for one in examine(production)}
    assert list(findings) == SERVERS
    failed = {name for name, one in findings.items() if one.state == "failed"}
    assert failed == {"catalog", "bucket", "clock", "MLflow"}
    assert {name for name, one in findings.items() if one.state == "not used"} == {
        "Dagster's storage", "Spark", "Trino",
    }  # fmt: skip
    for name in failed:
        assert findings[name].said.startswith("does not answer"), name
        assert findings[name].fix, name
        assert "\n" not in findings[name].said
    assert findings["catalog"].fix == "start PostgreSQL there, or correct catalog.uri"
    assert findings["bucket"].fix == "start the store there, or correct storage.endpoint"


def test_no_secret_is_in_a_finding(production: Settings) -> None:
    text = repr(list(examine(production)))
    assert "swordfish" not in text
    assert "of-nobody" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pass/word@host/db", "postgresql://me:***@host/db"),
        ("http://me@host and http://you:x@host", "http://me@host and http://you:***@host"),
        ("sc://host/;token=abc;user_id=me", "sc://host/;token=***;user_id=me"),
        ("it said swordfish\n  twice: swordfish", "it said *** twice: ***"),
        ("x" * 400, "x" * 300 + ".."),
    ],
)
def test_what_is_shown_is_one_line_without_secrets(text: str, shown: str, production: Settings) -> None:
    assert hidden(text, production) == shown


def test_a_password_in_the_address_itself_is_not_shown(closed: int) -> None:
    uri = f"postgresql+psycopg2://lakehouse:swordfish@127.0.0.1:{closed}/lakehouse"
    settings = Settings(profile="production", catalog=CatalogSettings(uri=uri))
    (catalog,) = [one for one in examine(settings) if one.check == "catalog"]
    assert catalog.state == "failed"
    assert "swordfish" not in repr(catalog)
    assert f"lakehouse@127.0.0.1:{closed}/lakehouse" in catalog.where


def test_missing_keys_are_said_by_name(production: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (bucket,) = [one for one in examine(production) if one.check == "bucket"]
    assert bucket.state == "failed"
    assert "AWS_SECRET_ACCESS_KEY" in bucket.said


def test_what_nobody_foresaw_is_a_failed_line_too() -> None:
    def ask() -> str:
        raise sqlite3.OperationalError("disk I/O error")

    answer = found(Question("disk", "here", ask), load_settings())
    assert (answer.state, answer.said) == ("failed", "OperationalError: disk I/O error")
    assert answer.fix


def test_the_three_answers(production: Settings) -> None:
    def refuse() -> str:
        raise Ailment("broken", "mend it")

    def skip() -> str:
        raise NotAsked("nobody needs it")

    answers = [found(Question("a", "b", ask), production) for ask in (lambda: "fine", refuse, skip)]
    assert [(one.state, one.said, one.fix) for one in answers] == [
        ("ok", "fine", ""), ("failed", "broken", "mend it"), ("not used", "nobody needs it", ""),
    ]  # fmt: skip


def test_a_server_that_accepts_and_never_answers_does_not_hold_the_doctor_up(production: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        settings = production.model_copy(update={"mlflow": production.mlflow.model_copy(update={"uri": uri})})
        (mlflow,) = [one for one in examine(settings) if one.check == "MLflow"]
    assert mlflow.state == "failed"
    assert "Timeout" in mlflow.said
