"""What takes seconds to make and none to read or copy: the schema of a store, two networks that were trained."""

import shutil
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.services.trained import NETWORKS, put_digits, store_at, train_network
from lakehouse_assets_tests.services.worlds import registry_in, store_in


@pytest.fixture(scope="session")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's schema and nothing in it."""
    folder = tmp_path_factory.mktemp("schema")
    assert store_in(folder).client
    return folder / "mlflow.db"


@pytest.fixture(scope="session")
def digits_home(schema: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with scikit-learn's digits and versions 1 and 2 of their model, by the recipes of `NETWORKS`.

    Only to be read or copied: files of the copied databases stay where they are.
    """
    for library in ("torch", "tensorflow", "sklearn"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("digits")
    shutil.copy(schema, folder)
    lake, store = Lake(Settings(home=folder)), store_at(folder)
    put_digits(lake)
    assert [train_network(lake, store, recipe).version for recipe in NETWORKS] == ["1", "2"]
    return folder


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
