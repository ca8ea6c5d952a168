"""How a step gets at the store."""

from pathlib import Path

from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings


def test_without_fields_the_store_is_that_of_the_settings(own_home: Path) -> None:
    store = MlflowResource().store
    assert store.uri == f"sqlite:///{own_home / 'mlflow.db'}" == load_settings().mlflow_uri
    assert store.artifacts == (own_home / "mlartifacts").as_uri()


def test_fields_win_over_the_settings_each_by_itself(own_home: Path, tmp_path: Path) -> None:
    named = MlflowResource(tracking_uri="http://127.0.0.1:5000", artifact_root="s3://models")
    assert (named.store.uri, named.store.artifacts) == ("http://127.0.0.1:5000", "s3://models")
    half = MlflowResource(tracking_uri=f"sqlite:///{tmp_path / 'other.db'}")
    assert half.store.artifacts == load_settings().mlflow_artifacts


def test_naming_a_store_opens_nothing(own_home: Path) -> None:
    assert MlflowResource().registry.store.uri.endswith("mlflow.db")
    assert not own_home.exists()
