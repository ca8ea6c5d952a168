"""A store whose schema was made once: making it takes seconds, copying it none."""

import shutil
from pathlib import Path

import pytest

from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.services.worlds import registry_in, store_in


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's schema and nothing in it."""
    folder = tmp_path_factory.mktemp("schema")
    assert store_in(folder).client
    return folder / "mlflow.db"


@pytest.fixture
def store(schema: Path, tmp_path: Path) -> TrackingStore:
    """An empty store of the test's own."""
    shutil.copy(schema, tmp_path / "mlflow.db")
    return store_in(tmp_path)


@pytest.fixture
def registry(store: TrackingStore, tmp_path: Path) -> ModelRegistry:
    """The registry of the test's own store."""
    assert store.database == tmp_path / "mlflow.db"
    return registry_in(tmp_path)
