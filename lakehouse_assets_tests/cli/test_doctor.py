"""`doctor`: a line a thing, an exit code for scripts, and words instead of a traceback."""

import json
from pathlib import Path

import pytest

from lakehouse_assets_tests.cli.conftest import Script

PRODUCTION = """
[production.catalog]
uri = "postgresql+psycopg2://lakehouse@127.0.0.1:1/lakehouse"
[production.storage]
warehouse = "s3://lakehouse/warehouse"
endpoint = "http://127.0.0.1:1"
[production.mlflow]
uri = "http://127.0.0.1:1"
"""


@pytest.fixture
def servers_that_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedded profile in force, and below [production] servers on a port that nobody listens on."""
    (tmp_path / "lakehouse.toml").write_text(PRODUCTION)
    monkeypatch.setenv("LAKEHOUSE_CONFIG", str(tmp_path / "lakehouse.toml"))
    monkeypatch.setenv("LAKEHOUSE_CATALOG__PASSWORD", "swordfish")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobodys-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobodys-secret")


def test_each_thing_is_one_line_that_begins_with_its_state(lakehouse: Script) -> None:
    said = lakehouse("doctor")
    lines = said.out.splitlines()
    assert len(lines) == 6
    assert all(line.startswith(("ok       ", "failed   ")) for line in lines)
    assert lines[0].startswith("ok       state folder: ")
    assert said.err == ""
    assert said.code == int(any(line.startswith("failed") for line in lines))


def test_a_failure_is_said_with_where_and_the_fix_and_the_exit_code_is_one(
    servers_that_are_gone: None, lakehouse: Script
) -> None:
    said = lakehouse("doctor", "--profile", "production")
    assert (said.code, said.err) == (1, "")
    (catalog,) = [line for line in said.out.splitlines() if " catalog: " in line]
    assert catalog.startswith("failed   catalog: does not answer: ")
    assert " - start PostgreSQL there, or correct catalog.uri (" in catalog
    assert catalog.endswith("(postgresql+psycopg2://lakehouse@127.0.0.1:1/lakehouse)") or ":***@" in catalog
    assert "swordfish" not in said.out
    assert "nobodys" not in said.out
    assert "Traceback" not in said.out


def test_a_script_reads_the_same(servers_that_are_gone: None, lakehouse: Script) -> None:
    said = lakehouse("doctor", "--profile", "production", "--json")
    findings = {one["check"]: one for one in json.loads(said.out)}
    assert said.code == 1
    assert set(findings["bucket"]) == {"check", "where", "state", "said", "fix"}
    assert {name for name, one in findings.items() if one["state"] == "failed"} == {
        "catalog", "bucket", "clock", "MLflow",
    }  # fmt: skip
    assert all(one["fix"] for one in findings.values() if one["state"] == "failed")


def test_the_profile_in_force_is_asked_where_none_is_named(servers_that_are_gone: None, lakehouse: Script) -> None:
    findings = [one["check"] for one in json.loads(lakehouse("doctor", "--json").out)]
    assert "bucket" not in findings
    assert "port of Dagster" in findings


def test_a_profile_without_its_servers_is_one_line(
    lakehouse: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.toml").write_text("")
    monkeypatch.setenv("LAKEHOUSE_CONFIG", str(tmp_path / "empty.toml"))
    said = lakehouse("doctor", "--profile", "production")
    assert (said.code, said.out) == (1, "")
    assert 'profile: "production" needs catalog.uri, storage.warehouse, mlflow.uri' in said.err
    assert said.err.count("\n") == 1


def test_an_unknown_profile_is_refused(lakehouse: Script) -> None:
    said = lakehouse("doctor", "--profile", "cloud")
    assert said.code == 2
    assert "'cloud' is not one of 'embedded', 'production'" in said.err
