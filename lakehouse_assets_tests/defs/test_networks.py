"""A network as an asset: registered once, told in numbers, and one plain line where its library is missing."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.definitions import defs
from lakehouse_assets.defs.automation import NETWORKS
from lakehouse_assets.defs.networks import majority_check
from lakehouse_assets.defs.tick_model import TRAINING_POOL
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.tags import model_tags
from lakehouse_assets.learners.networks import network
from lakehouse_assets.learners.networks.algorithms import NETWORKS as RECIPES
from lakehouse_assets.services import digit_training
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.registry import DIGIT_MODEL, ModelRegistry
from lakehouse_assets.services.tracking import PARENT_TAG, PIPELINE_EXPERIMENT
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.services.conftest import schema

__all__ = ["schema"]

ASSET = "model_tensorflow_mnist_mlp"
CHECK = majority_check(ASSET)
ASSETS = tuple(f"model_{algorithm}" for algorithm in RECIPES)


def run(*assets: str, raising: bool = False, **config: Any) -> tuple[Any, list[tuple[int | str, str]]]:
    """Run assets in this process; what came of it, and every log line with its level."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name) for name in assets],
            run_config={"ops": {ASSET: {"config": config}}} if config else {},
            raise_on_error=raising,
        )
        logged = [(entry.level, entry.user_message) for entry in instance.all_logs(result.run_id)]
    return result, logged


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with scikit-learn's digits, landed by their asset."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_HOME", str(home))
        load_settings.cache_clear()
        assert run("raw_mnist_images")[0].success
    load_settings.cache_clear()
    return home


@pytest.fixture
def registry(images: Path, schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    """An empty registry beside those images."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(images / "catalog.db", home)
    shutil.copy(schema, home)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home))
    load_settings.cache_clear()
    return ModelRegistry(MlflowResource().store, DIGIT_MODEL)


def runs(registry: ModelRegistry) -> list[Any]:
    found: list[Any] = registry.store.client.search_runs([registry.store.experiment(PIPELINE_EXPERIMENT)])
    return found


def metadata(result: Any) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(ASSET)
    return {name: value.value for name, value in made.metadata.items()}


@pytest.mark.slow
def test_a_network_is_registered_told_and_not_trained_twice(registry: ModelRegistry) -> None:
    pytest.importorskip("tensorflow")
    first, logged = run(ASSET, epochs=1, seed=11)
    assert first.success
    said = metadata(first)
    assert (said["model_version"], said["is_reused"], said["final_rows"]) == (1, False, 1_437)
    assert 0.3 < said["accuracy"] <= 1
    assert said["duration_seconds"] > 0
    assert said["peak_memory_mb"] > 50
    (verdict,) = first.get_asset_check_evaluations()
    assert (verdict.check_name, verdict.passed, verdict.severity) == (CHECK, True, dg.AssetCheckSeverity.WARN)
    assert "on 360 images, above the majority's by" in verdict.description
    assert any(line.startswith("epoch 1: ") for _, line in logged), logged

    version: Any = registry.version("1")
    (child,) = [found for found in runs(registry) if PARENT_TAG in found.data.tags]
    assert version.run_id == said["mlflow_run_id"] == child.info.run_id
    assert version.tags["prediction_hash"] == said["prediction_hash"]
    assert (child.data.params["seed"], child.data.params["epochs"]) == ("11", "1")
    assert child.data.tags["dagster.run_id"] == first.run_id
    assert registry.alias("tensorflow_mnist_mlp") == "1"
    assert [(kept.table, kept.tag) for kept in model_tags(Lake(load_settings()))] == [
        ("raw_mnist_images", "model.DigitClassifier.v1")
    ]

    again, _ = run(ASSET, epochs=1, seed=11)
    assert again.success
    assert (metadata(again)["model_version"], metadata(again)["is_reused"]) == (1, True)
    assert metadata(again)["prediction_hash"] == said["prediction_hash"]
    assert registry.numbers() == ("1",)
    assert len([found for found in runs(registry) if PARENT_TAG in found.data.tags]) == 1


@pytest.mark.slow
def test_where_libraries_are_missing_each_network_says_in_one_line_how_to_install_it_and_the_run_goes_on(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda _: None)
    result, logged = run(*ASSETS)
    assert result.success
    warned = [line for level, line in logged if level == 30]
    assert len(warned) == len(ASSETS)
    for algorithm, recipe in RECIPES.items():
        (line,) = [line for line in warned if line.startswith(f"{algorithm} needs {recipe.library}, which is not")]
        assert "run `make install-deep`" in line
        assert "\n" not in line
    verdicts = {found.check_name: found for found in result.get_asset_check_evaluations()}
    assert set(verdicts) == {majority_check(name) for name in ASSETS}
    assert not any(found.passed for found in verdicts.values())
    assert {found.severity for found in verdicts.values()} == {dg.AssetCheckSeverity.WARN}
    assert {found.description for found in verdicts.values()} == set(warned)
    assert not any(result.asset_materializations_for_node(name) for name in ASSETS)
    assert registry.numbers() == ()
    assert runs(registry) == []


@pytest.mark.slow
def test_a_late_network_fails_without_another_try_and_registers_nothing(registry: ModelRegistry) -> None:
    pytest.importorskip("tensorflow")
    with pytest.raises(dg.Failure, match="no model: tensorflow_mnist_mlp: not done after") as caught:
        run(ASSET, raising=True, time_budget_seconds=1e-9)
    assert caught.value.allow_retries is False
    assert registry.numbers() == ()
    assert {found.info.status for found in runs(registry)} == {"FAILED"}


@pytest.mark.slow
def test_a_network_that_breaks_ends_failed_and_leaves_no_version(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorflow")

    def broken(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(digit_training, "save_model", broken)
    result, _ = run(ASSET, epochs=1)
    assert not result.success
    assert registry.numbers() == ()
    assert {found.info.status for found in runs(registry)} == {"FAILED"}
    assert list(model_tags(Lake(load_settings()))) == []


@pytest.mark.parametrize("wrong", [{"layers": 9}, {"threads": 0}, {"epochs": "many"}])
def test_an_unknown_knob_or_one_out_of_range_is_refused_and_named(
    registry: ModelRegistry, wrong: dict[str, Any]
) -> None:
    with pytest.raises((dg.DagsterInvalidConfigError, ValueError), match=next(iter(wrong))):
        run(ASSET, raising=True, **wrong)
    assert not (load_settings().home / "mlartifacts").exists()


def test_every_network_has_an_asset_that_reads_the_images_alone_and_trains_one_at_a_time() -> None:
    graph = defs.resolve_asset_graph()
    assert {key.to_user_string() for key in NETWORKS.resolve(graph)} == {"raw_mnist_images", *ASSETS}
    for name in ASSETS:
        node = graph.get(dg.AssetKey(name))
        assert {key.to_user_string() for key in node.parent_keys} == {"raw_mnist_images"}
        assert node.pools == {TRAINING_POOL}
        assert {key.name for key in node.check_keys} == {majority_check(name)}
