"""Questions to PostgreSQL, as far as they can be asked without one; the others are in `stack/`."""

from pathlib import Path

import pytest

from lakehouse_assets.services.doctor.databases import (
    ask_catalog_database,
    ask_dagster_storage,
    dagster_database,
)
from lakehouse_assets.settings import PROJECT, CatalogSettings, Settings
from lakehouse_assets_tests.services.doctor.conftest import ailment, not_asked


def test_a_database_that_is_not_there(production: Settings, closed: int) -> None:
    what, fix = ailment(lambda: ask_catalog_database(production))
    assert what.startswith("does not answer")
    assert str(closed) in what
    assert "catalog.uri" in fix


def test_an_address_that_is_none() -> None:
    settings = Settings(catalog=CatalogSettings(uri="lakehouse on port 5432"))
    what, fix = ailment(lambda: ask_catalog_database(settings))
    assert what == "catalog.uri is no address"
    assert "postgresql+psycopg2://user@host:port/database" in fix


def test_dagster_is_asked_only_where_its_instance_is_in_postgresql(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert "DAGSTER_HOME" in not_asked(ask_dagster_storage)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert "names no folder with a dagster.yaml" in not_asked(ask_dagster_storage)
    for text in ("", "storage: {sqlite: {base_dir: x}}"):
        (tmp_path / "dagster.yaml").write_text(text)
        assert "keeps its runs elsewhere" in not_asked(ask_dagster_storage)


def test_the_production_instance_names_its_database_by_variables(
    monkeypatch: pytest.MonkeyPatch, closed: int, tmp_path: Path
) -> None:
    folder = str(PROJECT / "deploy" / "dagster")
    monkeypatch.delenv("DAGSTER_POSTGRES_PASSWORD", raising=False)
    monkeypatch.setenv("DAGSTER_POSTGRES_HOST", "127.0.0.1")
    what, fix = ailment(lambda: str(dagster_database(folder)))
    assert what == "DAGSTER_POSTGRES_PASSWORD is not set, which dagster.yaml asks for"
    assert fix == "set DAGSTER_POSTGRES_PASSWORD"
    monkeypatch.setenv("DAGSTER_POSTGRES_PASSWORD", "swordfish")
    assert dagster_database(folder) == {
        "username": "dagster", "password": "swordfish", "hostname": "127.0.0.1", "port": 5432, "db_name": "dagster",
    }  # fmt: skip
    text = (PROJECT / "deploy" / "dagster" / "dagster.yaml").read_text().replace("5432", str(closed))
    (tmp_path / "dagster.yaml").write_text(text)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    what, fix = ailment(ask_dagster_storage)
    assert what.startswith("does not answer")
    assert "swordfish" not in what
    assert "dagster.yaml" in fix
