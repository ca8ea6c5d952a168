"""Models as assets: one nested run and one version each, an evaluation that promotes on merit, and a ledger of it."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.definitions import defs
from lakehouse_assets.defs.evaluation import ON_MERIT
from lakehouse_assets.defs.tick_model import baselines_check, calibration_check, floor_check, too_good_check
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.tags import model_tags
from lakehouse_assets.layers import MODELS
from lakehouse_assets.partitions import range_tags
from lakehouse_assets.services import model_training
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking import EVALUATION_EXPERIMENT, PARENT_TAG, PIPELINE_EXPERIMENT
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.simulator import simulate
from lakehouse_assets_tests.services.conftest import schema

__all__ = ["schema"]

pytestmark = pytest.mark.slow

LAST = dt.date(2026, 11, 18)
FIRST = dt.date(2026, 11, 17)
LEARNERS = ("model_lightgbm", "model_random_forest", "model_xgboost")
TABLES = [name for name, contract in CONTRACTS.items() if contract.layer != MODELS and name != "raw_mnist_images"]
SMALL = {"ROUNDS": "10", "BOOTSTRAP_SAMPLES": "50", "RANDOM_FOREST__TREES": "5", "FOLDS": "1"}


def run(*assets: str, job: str = "ml_pipeline_end_to_end", config: Any = None) -> Any:
    """Run assets of a job over both days, in this process."""
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def(job).execute_in_process(
            instance=instance,
            tags=range_tags(FIRST, LAST) if job != "tune_model" else {},
            asset_selection=[dg.AssetKey(name) for name in assets],
            run_config=config or {},
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
        assert run(*TABLES).success
    load_settings.cache_clear()
    return home


@pytest.fixture
def registry(features: Path, schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    """An empty registry beside those features; the test's own settings are small and quick."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(features / "catalog.db", home)
    shutil.copy(schema, home)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home))
    for name, value in SMALL.items():
        monkeypatch.setenv(f"LAKEHOUSE_MODEL__{name}", value)
    load_settings.cache_clear()
    return MlflowResource().registry


def runs(registry: ModelRegistry, experiment: str = PIPELINE_EXPERIMENT) -> list[Any]:
    found: list[Any] = registry.store.client.search_runs([registry.store.experiment(experiment)])
    return found


def versions(registry: ModelRegistry) -> list[str]:
    return [str(found.version) for found in registry.store.client.search_model_versions("")]


def verdicts(result: Any) -> dict[str, bool]:
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def metadata(result: Any, asset: str = "model_xgboost") -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def failure_of(result: Any) -> Any:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data


def test_three_learners_are_judged_and_the_champion_is_written_down_and_nothing_is_trained_twice(
    registry: ModelRegistry,
) -> None:
    assets = (*LEARNERS, "model_evaluation", "model_promotions")
    first = run(*assets)
    assert first.success
    said = verdicts(first)
    for name in LEARNERS:
        assert said.keys() >= {too_good_check(name), baselines_check(name), calibration_check(name), floor_check(name)}
        assert said[too_good_check(name)]
    assert said[ON_MERIT]
    children = [found for found in runs(registry) if PARENT_TAG in found.data.tags]
    (parent,) = [found for found in runs(registry) if PARENT_TAG not in found.data.tags]
    assert {found.data.tags["dagster.asset"] for found in children} == set(LEARNERS)
    assert {found.data.tags[PARENT_TAG] for found in children} == {parent.info.run_id}
    assert {found.info.status for found in (*children, parent)} == {"FINISHED"}
    for child in children:
        assert {found.dataset.name for found in child.inputs.dataset_inputs} == {
            "feature_option_minutes", "feature_option_labels",
        }  # fmt: skip
    assert sorted(versions(registry)) == ["1", "2", "3"]
    for name in LEARNERS:
        assert registry.alias(name.removeprefix("model_")) == str(metadata(first, name)["model_version"])

    judged = metadata(first, "model_evaluation")
    assert registry.alias("challenger") == registry.alias("xgboost") == str(judged["model_version"])
    assert judged["judgement"].startswith(("promoted: ", "not promoted: "))
    for table in ("feature_option_minutes", "feature_option_labels"):  # which another instance judged
        words = f"the gates of {table} are not green: no verdict is on record for 2 dates, 2026-11-17 to 2026-11-18"
        assert words in judged["judgement"]
    assert (registry.champion is not None) is judged["is_champion"]
    assert "| TickPricePredictor |" in judged["leaderboard"]
    (evaluated,) = runs(registry, EVALUATION_EXPERIMENT)
    assert "leaderboard.md" in {file.path for file in registry.store.client.list_artifacts(evaluated.info.run_id)}
    moves = read(Lake(load_settings())).moves
    assert [str(move.to_version) for move in moves] == ([registry.champion] if judged["is_champion"] else [])
    tags = {(kept.table, kept.tag) for kept in model_tags(Lake(load_settings()))}
    assert tags >= {("feature_option_minutes", f"model.TickPricePredictor.v{number}") for number in (1, 2, 3)}

    again = run(*assets)
    assert again.success
    assert all(metadata(again, name)["is_reused"] for name in LEARNERS)
    assert sorted(versions(registry)) == ["1", "2", "3"]
    assert len(read(Lake(load_settings())).moves) == len(moves)


def test_a_score_that_is_too_good_fails_its_check_and_registers_nothing(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_training, "is_too_good", lambda scores, threshold: True)
    result = run("model_xgboost")
    assert not result.success
    assert verdicts(result) == {too_good_check("model_xgboost"): False}
    assert versions(registry) == []
    assert {found.info.status for found in runs(registry)} == {"FAILED"}
    assert "so nothing was registered" in failure_of(result).user_failure_data.description
    assert not result.asset_materializations_for_node("model_xgboost")


def test_a_training_that_breaks_ends_failed_and_leaves_no_version(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(model_training, "save_model", broken)
    result = run("model_xgboost")
    assert not result.success
    assert versions(registry) == []
    assert {found.info.status for found in runs(registry)} == {"FAILED"}
    assert verdicts(result) == {}


def test_the_launchpad_sets_what_a_model_is_made_of_and_a_late_fit_is_given_up(registry: ModelRegistry) -> None:
    chosen = run("model_xgboost", config={"ops": {"model_xgboost": {"config": {"rounds": 3, "seed": 11}}}})
    assert chosen.success
    (child,) = [found for found in runs(registry) if PARENT_TAG in found.data.tags]
    assert (child.data.params["rounds"], child.data.params["seed"]) == ("3", "11")
    late = run("model_lightgbm", config={"ops": {"model_lightgbm": {"config": {"time_budget_seconds": 1e-6}}}})
    assert not late.success
    assert "over its time budget" in failure_of(late).user_failure_data.description
    assert versions(registry) == ["1"]


def test_a_study_logs_each_trial_and_registers_nothing(registry: ModelRegistry) -> None:
    config = {"ops": {"model_tuning": {"config": {"trials": 2, "algorithm": "lightgbm"}}}}
    first = run("model_tuning", job="tune_model", config=config)
    assert first.success
    said = metadata(first, "model_tuning")
    assert said["trials"] == 2
    assert "num_leaves" in said["recipe"]
    nested = [found for found in runs(registry) if found.data.tags.get(PARENT_TAG) == said["mlflow_run_id"]]
    assert {found.info.run_name for found in nested} == {"trial 0", "trial 1"}
    assert versions(registry) == []
    again = run("model_tuning", job="tune_model", config=config)
    assert metadata(again, "model_tuning")["study"] == said["study"]
    assert metadata(again, "model_tuning")["trials"] == 2  # the study was full already: nothing was tried again


def test_before_any_training_the_evaluation_says_what_to_materialize(registry: ModelRegistry) -> None:
    result = run("model_evaluation")
    assert "materialize model_xgboost" in failure_of(result).user_failure_data.description


def test_a_shorter_history_than_the_split_needs_says_what_to_do(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "empty"))
    load_settings.cache_clear()
    result = run("model_xgboost")
    assert "is empty: materialize it for some trading dates first" in failure_of(result).error.to_string()
