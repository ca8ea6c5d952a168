"""A study of recipes for the learner that challenges: on demand, in no pipeline.

Belongs here: the asset and what it says. Does not: drawing and judging recipes (learners/tuning).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from lakehouse_assets.defs.model_configs import CONFIGS, default_recipe
from lakehouse_assets.defs.tick_model import TRAINING_POOL, plan_for
from lakehouse_assets.lake.asset import IO_MANAGER
from lakehouse_assets.lake.describe import code_references
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import MODELS
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings

if TYPE_CHECKING:
    from lakehouse_assets.services.model_tuning import TuningOutcome

BEATS_BASELINES = "model_tuning_beats_its_baselines"
_MODEL = load_settings().model


class TuningConfig(dg.Config):
    """Which learner is studied, and for how long; the same rows and code go on with the same study."""

    algorithm: str = Field(_MODEL.algorithm, description=f"One of {', '.join(CONFIGS)}.")
    trials: int = Field(_MODEL.tuning.trials, ge=1)
    seconds: float = Field(_MODEL.tuning.seconds, gt=0)


@dg.asset(
    ins={
        "feature_option_minutes": dg.AssetIn(input_manager_key=IO_MANAGER),
        "feature_option_labels": dg.AssetIn(input_manager_key=IO_MANAGER),
    },
    check_specs=[
        dg.AssetCheckSpec(
            BEATS_BASELINES,
            asset="model_tuning",
            description="On the last span the recipe that was found surely beats the majority and no change.",
        )
    ],
    group_name=MODELS,
    kinds={"optuna", "mlflow"},
    owners=[load_settings().owner],
    tags={"layer": MODELS},
    metadata={"dagster/code_references": code_references(__file__)},
    pool=TRAINING_POOL,
)
def model_tuning(
    context: dg.AssetExecutionContext,
    config: TuningConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    feature_option_minutes: Table,
    feature_option_labels: Table,
) -> Iterator[dg.MaterializeResult[Any]]:
    """The recipe with the lowest log-loss over the walk-forward folds, judged once on the span that no trial has seen.

    Nothing is registered: put `recipe` of its metadata into `lakehouse.toml` and the model's asset learns by it.
    """
    from lakehouse_assets.learners.untrainable import Untrainable
    from lakehouse_assets.services.abandoned_runs import close_abandoned
    from lakehouse_assets.services.model_tuning import Budget, tune_and_log
    from lakehouse_assets.services.training_rows import identity_of, inputs_at_once

    if config.algorithm not in CONFIGS:
        known = ", ".join(CONFIGS)
        raise dg.Failure(
            f"algorithm {config.algorithm!r}: there is none of this name; use one of {known}", allow_retries=False
        )
    close_abandoned(mlflow.store, context.instance)
    try:
        outcome = tune_and_log(
            inputs_at_once(lake.lake, feature_option_minutes.contract, feature_option_labels.contract),
            plan_for(default_recipe(config.algorithm)),
            mlflow.store,
            identity_of(context.run.run_id, "model_tuning"),
            load_settings().home / "studies.db",
            Budget(config.trials, config.seconds),
            progress=context.log.info,
        )
    except Untrainable as hopeless:
        raise dg.Failure(f"no recipe: {hopeless}", allow_retries=False) from hopeless
    yield dg.MaterializeResult(metadata=_metadata(outcome), check_results=[_verdict(outcome)])


def _verdict(outcome: "TuningOutcome") -> dg.AssetCheckResult:
    from lakehouse_assets.learners.judgement import beaten_baselines

    beats, words = beaten_baselines(outcome.scores)
    return dg.AssetCheckResult(
        check_name=BEATS_BASELINES, passed=beats, severity=dg.AssetCheckSeverity.WARN, description=words
    )


def _metadata(outcome: "TuningOutcome") -> dict[str, Any]:
    tuned = outcome.tuned
    return {
        **outcome.scores.as_metrics(),
        "mlflow_run_id": outcome.run_id,
        "study": outcome.study,
        "trials": len(tuned.trials),
        "pruned_trials": sum(trial.state == "pruned" for trial in tuned.trials),
        "best_fold_log_loss": tuned.best.log_loss or 0.0,
        "recipe": dg.MetadataValue.md(f"```toml\n{outcome.toml}\n```"),
        "all_trials": dg.MetadataValue.md(_table(tuned.trials)),
    }


def _table(trials: Any) -> str:
    lines = ["| trial | end | mean log-loss | seconds | recipe |", "| --- | --- | --- | --- | --- |"]
    for trial in sorted(trials, key=lambda one: (one.log_loss is None, one.log_loss or 0.0)):
        loss = "" if trial.log_loss is None else f"{trial.log_loss:.4f}"
        recipe = ", ".join(f"{name} {value:g}" for name, value in trial.parameters.items())
        lines.append(f"| {trial.number} | {trial.state} | {loss} | {trial.seconds:.1f} | {recipe} |")
    return "\n".join(lines)
