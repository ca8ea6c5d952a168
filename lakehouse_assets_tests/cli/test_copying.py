"""`copy`: what cannot end well is one line that says what to do, before anything is written."""

from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets_tests.cli.conftest import Script
from lakehouse_assets_tests.services.trained import FIRST, put_day

SERVERS = {
    "LAKEHOUSE_CATALOG__URI": "postgresql+psycopg2://lakehouse@127.0.0.1:1/lakehouse",
    "LAKEHOUSE_STORAGE__WAREHOUSE": "s3://lakehouse/warehouse",
    "LAKEHOUSE_STORAGE__ENDPOINT": "http://127.0.0.1:1",
    "LAKEHOUSE_MLFLOW__URI": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "hidden-one",
}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A state folder with a day of rows."""
    put_day(Lake(Settings(home=tmp_path / "filled")), FIRST, seed=1)
    return tmp_path / "filled"


@pytest.fixture
def servers(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in SERVERS.items():
        monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    return filled


def test_production_without_settings_is_refused(lakehouse: Script) -> None:
    said = lakehouse("copy", "--to", "production")
    assert said.code == 1
    assert said.err.startswith('error: profile: "production" needs catalog.uri, storage.warehouse, mlflow.uri')


def test_a_profile_that_is_not_production_is_refused(lakehouse: Script) -> None:
    assert lakehouse("copy", "--to", "embedded").code == 2
    assert lakehouse("copy").code == 2


def test_two_ends_that_are_one_are_refused(servers: Path, lakehouse: Script) -> None:
    said = lakehouse("copy", "--to", "production")
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(
        "error: source and target are the same catalog, postgresql+psycopg2://lakehouse@127.0.0.1"
    )
    assert "--from" in said.err


def test_a_password_in_the_address_itself_is_not_shown(
    filled: Path, lakehouse: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql+psycopg2://lakehouse:swordfish@127.0.0.1:1/lakehouse"
    for name, value in {**SERVERS, "LAKEHOUSE_CATALOG__URI": address}.items():
        monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    said = lakehouse("copy", "--to", "production")
    assert "the same catalog, postgresql+psycopg2://lakehouse@127.0.0.1:1/lakehouse" in said.err
    assert "swordfish" not in said.err


def test_a_server_that_does_not_answer_is_named_with_the_fix(servers: Path, lakehouse: Script) -> None:
    said = lakehouse("copy", "--to", "production", "--from", str(servers))
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: catalog of the target is not in order: does not answer: connection")
    assert "lakehouse doctor --profile production" in said.err
    assert "hidden-one" not in said.err


def test_a_folder_that_is_no_state_folder_is_refused(servers: Path, lakehouse: Script, tmp_path: Path) -> None:
    said = lakehouse("copy", "--to", "production", "--from", str(tmp_path))
    assert said.code == 1
    assert said.err.endswith("is no state folder of the embedded profile: it has no catalog.db; correct --from\n")
    assert not (tmp_path / "catalog.db").exists()
