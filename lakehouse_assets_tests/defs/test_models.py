"""The model as an asset: one nested run, one version, three verdicts; nothing of it where it is refused or breaks."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.definitions import defs
from lakehouse_assets.defs.models import BEATS_BASELINES, NOT_TOO_GOOD, ON_MERIT
from lakehouse_assets.partitions import range_tags
from lakehouse_assets.services import model_training
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking import PARENT_TAG, PIPELINE_EXPERIMENT
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.simulator import simulate
from lakehouse_assets_tests.services.conftest import schema

__all__ = ["schema"]

pytestmark = pytest.mark.slow

LAST = dt.date(2026, 11, 18)
FIRST = dt.date(2026, 11, 17)


def run(*assets: str) -> Any:
    """Run assets of the main job over both days, in this process."""
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("ml_pipeline_end_to_end").execute_in_process(
            instance=instance,
            tags=range_tags(FIRST, LAST),
            asset_selection=[dg.AssetKey(name) for name in assets],
            raise_on_error=False,
        )


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with features of two small simulated days."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_HOME", str(home))
        load_settings.cache_clear()
        simulate(home / "raw", home / "truth", days=2, rows_per_day=4_000, seed=7, profile="realistic", last_date=LAST)
        assert run(*CONTRACTS).success
    load_settings.cache_clear()
    return home


@pytest.fixture
def registry(features: Path, schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    """An empty registry beside those features; the test's own settings are small and quick."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(features / "catalog.db", home)
    shutil.copy(schema, home)
    for name, value in {"HOME": str(home), "MODEL__ROUNDS": "10", "MODEL__BOOTSTRAP_SAMPLES": "50"}.items():
        monkeypatch.setenv(f"LAKEHOUSE_{name}", value)
    load_settings.cache_clear()
    return MlflowResource().registry


def runs(registry: ModelRegistry) -> list[Any]:
    found: list[Any] = registry.store.client.search_runs([registry.store.experiment(PIPELINE_EXPERIMENT)])
    return found


def versions(registry: ModelRegistry) -> list[str]:
    return [str(found.version) for found in registry.store.client.search_model_versions("")]


def verdicts(result: Any) -> dict[str, bool]:
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def metadata(result: Any) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node("model_xgboost")
    return {name: value.value for name, value in made.metadata.items()}


def test_a_model_is_one_nested_run_and_one_version_and_the_same_inputs_train_once(registry: ModelRegistry) -> None:
    first = run("model_xgboost")
    assert first.success
    assert verdicts(first).keys() == {NOT_TOO_GOOD, BEATS_BASELINES, ON_MERIT}
    assert verdicts(first)[NOT_TOO_GOOD]
    (child,) = [found for found in runs(registry) if PARENT_TAG in found.data.tags]
    (parent,) = [found for found in runs(registry) if PARENT_TAG not in found.data.tags]
    assert child.data.tags[PARENT_TAG] == parent.info.run_id
    assert (child.info.status, parent.info.status) == ("FINISHED", "FINISHED")
    assert child.data.tags["dagster.run_id"] == parent.data.tags["dagster.run_id"] == first.run_id
    assert {found.dataset.name for found in child.inputs.dataset_inputs} == {
        "feature_option_minutes", "feature_option_labels",
    }  # fmt: skip
    said = metadata(first)
    assert registry.version(str(said["model_version"])).run_id == child.info.run_id == said["mlflow_run_id"]
    assert registry.alias("challenger") == str(said["model_version"])
    assert (registry.champion == "1") is said["is_champion"]
    assert 0 < said["accuracy"] < 1
    assert said["judgement"].startswith(("promoted: ", "not promoted: "))

    again = run("model_xgboost")
    assert again.success
    assert metadata(again)["is_reused"] is True
    assert versions(registry) == ["1"]


def test_a_score_that_is_too_good_fails_its_check_and_registers_nothing(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_training, "is_too_good", lambda scores, threshold: True)
    result = run("model_xgboost")
    assert not result.success
    assert verdicts(result) == {NOT_TOO_GOOD: False}
    assert versions(registry) == []
    assert {found.info.status for found in runs(registry)} == {"FAILED"}
    (event,) = [event for event in result.all_events if event.is_step_failure]
    failure = event.step_failure_data.user_failure_data
    assert "so nothing was registered" in failure.description
    assert not result.asset_materializations_for_node("model_xgboost")


def test_a_training_that_breaks_ends_failed_and_leaves_no_version(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(model_training, "record_model", broken)
    result = run("model_xgboost")
    assert not result.success
    assert versions(registry) == []
    assert {found.info.status for found in runs(registry)} == {"FAILED"}
    assert verdicts(result) == {}


def test_a_shorter_history_than_the_split_needs_says_what_to_do(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "empty"))
    load_settings.cache_clear()
    result = run("model_xgboost")
    (event,) = [event for event in result.all_events if event.is_step_failure]
    assert "is empty: materialize it for some trading dates first" in event.step_failure_data.error.to_string()
