"""The study as an asset: on demand alone, and in one line what is in its way."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.definitions import defs
from lakehouse_assets.defs import tuning
from lakehouse_assets.learners.tuning import Trial
from lakehouse_assets.learners.xgboost_trees import XGBoostRecipe
from lakehouse_assets_tests.services.trained import lake_with_signal


def run(**config: Any) -> Any:
    """The job of the study, in this process."""
    with dg.DagsterInstance.ephemeral() as instance:
        return defs.resolve_job_def("tune_model").execute_in_process(
            instance=instance,
            run_config={"ops": {"model_tuning": {"config": config}}},
        )


def refusal(**config: Any) -> str:
    """The words of the failure, which no retry repeats."""
    with pytest.raises(dg.Failure) as caught:
        run(**config)
    assert caught.value.allow_retries is False
    return str(caught.value.description)


def test_an_algorithm_that_is_none_is_refused_with_those_there_are(own_home: Path) -> None:
    assert refusal(algorithm="oracle") == (
        "algorithm 'oracle': there is none of this name; use one of xgboost, lightgbm, random_forest"
    )
    assert not (own_home / "studies.db").exists()


def test_without_features_it_says_what_to_materialize(own_home: Path) -> None:
    words = refusal(algorithm="xgboost", trials=1)
    assert words.startswith("no recipe: feature_option_minutes is empty: materialize it")
    assert not (own_home / "mlflow.db").exists()


@pytest.mark.slow
def test_a_study_without_any_trial_in_time_says_what_to_raise(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = XGBoostRecipe(time_budget_seconds=0.0, threads=1)
    monkeypatch.setattr(tuning, "default_recipe", lambda _: late)
    lake_with_signal(own_home)
    words = refusal(algorithm="xgboost", trials=1)
    assert words.startswith("no recipe: none of 1 trials came through its folds within 0 s a fit: raise time_budget")
    assert (own_home / "studies.db").exists()


@pytest.mark.parametrize("wrong", [{"trials": 0}, {"seconds": 0.0}, {"trails": 3}])
def test_a_budget_that_is_none_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((dg.DagsterInvalidConfigError, ValueError), match=next(iter(wrong))):
        run(**wrong)


def test_no_schedule_or_pipeline_runs_it() -> None:
    key = dg.AssetKey("model_tuning")
    jobs = {job.name for job in defs.get_repository_def().get_all_jobs() if not job.name.startswith("__")}
    holding = {name for name in jobs if key in defs.resolve_job_def(name).asset_layer.executable_asset_keys}
    assert holding == {"tune_model"}
    assert all(schedule.job_name != "tune_model" for schedule in defs.get_repository_def().schedule_defs)


def test_the_trials_are_shown_the_best_first_and_those_without_a_mean_last() -> None:
    pruned = Trial(0, "pruned", {"max_depth": 6}, (0.7,), None, 1.0)
    worse = Trial(1, "complete", {"max_depth": 3, "learning_rate": 0.05}, (0.68, 0.7), 0.69, 2.04)
    best = Trial(2, "complete", {"max_depth": 2}, (0.66, 0.68), 0.67, 2.0)
    assert tuning._table([pruned, worse, best]).splitlines()[2:] == [
        "| 2 | complete | 0.6700 | 2.0 | max_depth 2 |",
        "| 1 | complete | 0.6900 | 2.0 | max_depth 3, learning_rate 0.05 |",
        "| 0 | pruned |  | 1.0 | max_depth 6 |",
    ]
