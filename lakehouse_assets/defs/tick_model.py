"""The shape of a tick model's asset: what it reads, its checks, and what a run of it says.

Belongs here: what the learners of ticks share in Dagster. Does not: any one of them (`models`), nor the training.
"""

import inspect
from collections.abc import Callable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

import dagster as dg

from lakehouse_assets.lake.asset import IO_MANAGER, retry_policy
from lakehouse_assets.lake.describe import code_references
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import MODELS
from lakehouse_assets.partitions import span_of
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings

if TYPE_CHECKING:
    from lakehouse_assets.learners.evaluation import Scores
    from lakehouse_assets.learners.learner import Recipe
    from lakehouse_assets.services.digit_training import NetworkOutcome
    from lakehouse_assets.services.model_training import ModelOutcome
    from lakehouse_assets.services.training_record import TrainingRecord

Train = Callable[..., Iterator[Any]]
TRAINING_POOL = "training"
"""One training at a time: each takes all threads, and on a server store the pool, not a lock, orders two promotions."""


def tick_model(name: str, library: str) -> Callable[[Train], dg.AssetsDefinition]:
    """Make a function that trains from features and labels the asset `name`, with the checks of every tick model."""
    return lambda train: dg.asset(
        name=name,
        ins={
            "feature_option_minutes": dg.AssetIn(input_manager_key=IO_MANAGER),
            "feature_option_labels": dg.AssetIn(input_manager_key=IO_MANAGER),
        },
        check_specs=[
            dg.AssetCheckSpec(too_good_check(name), asset=name, blocking=True,
                              description="Balanced accuracy is one that this label allows; above it is a leak."),
            dg.AssetCheckSpec(baselines_check(name), asset=name,
                              description="Accuracy surely beats the majority and no change, log-loss the majority's."),
            dg.AssetCheckSpec(calibration_check(name), asset=name,
                              description="What the model says with 60 % comes true about six times in ten."),
            dg.AssetCheckSpec(floor_check(name), asset=name,
                              description="No underlying is surely served worse than by its majority."),
        ],
        group_name=MODELS,
        kinds={library, "mlflow"},
        owners=[load_settings().owner],
        tags={"layer": MODELS},
        metadata=written_at(train),
        retry_policy=retry_policy(),
        pool=TRAINING_POOL,
        output_required=False,
    )(train)  # fmt: skip


def written_at(train: Train) -> dict[str, Any]:
    """The metadata that leads from an asset to the function that makes it."""
    code = inspect.unwrap(train).__code__
    return {"dagster/code_references": code_references(code.co_filename, code.co_firstlineno)}


def too_good_check(asset: str) -> str:
    """The name of the check that refuses wonders."""
    return f"{asset}_is_not_too_good"


def baselines_check(asset: str) -> str:
    """The name of the check that warns where a model beats nothing."""
    return f"{asset}_beats_its_baselines"


def calibration_check(asset: str) -> str:
    """The name of the check that warns where probabilities may not be taken at their word."""
    return f"{asset}_is_calibrated"


def floor_check(asset: str) -> str:
    """The name of the check that warns where an underlying is served worse than by its majority."""
    return f"{asset}_holds_its_floor_on_each_underlying"


def trained(
    context: dg.AssetExecutionContext,
    recipe: "Recipe",
    lake: LakeResource,
    mlflow: MlflowResource,
    features: Table,
    labels: Table,
) -> Iterator[Any]:
    """Train, register and tell: the verdicts and the numbers of the version.

    Raises:
        dg.Failure: no model can come of these rows and settings, or its score is too good; neither is tried again.
    """
    from lakehouse_assets.learners.untrainable import Untrainable
    from lakehouse_assets.services.abandoned_runs import close_abandoned
    from lakehouse_assets.services.model_training import TooGoodToBeTrue, train_and_register
    from lakehouse_assets.services.registry import keep_inputs
    from lakehouse_assets.services.training_rows import identity_of, inputs_at_once

    asset = context.asset_key.path[-1]
    close_abandoned(mlflow.store, context.instance)
    try:
        outcome = train_and_register(
            inputs_at_once(lake.lake, features.contract, labels.contract),
            plan_for(recipe),
            mlflow.registry,
            identity_of(context.run.run_id, asset, span_of(context.run.tags)),
            too_good=load_settings().model.too_good_balanced_accuracy,
            progress=context.log.info,
        )
    except Untrainable as hopeless:
        raise dg.Failure(f"no model: {hopeless}", allow_retries=False) from hopeless
    except TooGoodToBeTrue as refused:
        yield _too_good(asset, refused.record.scores, passed=False, words=str(refused))
        raise dg.Failure(str(refused), metadata={"mlflow_run_id": refused.run_id}, allow_retries=False) from refused
    for lost in keep_inputs(lake.lake, mlflow.registry, outcome.version).warnings:
        context.log.warning(lost)
    yield dg.MaterializeResult(
        metadata=numbers_of(outcome),
        data_version=dg.DataVersion(outcome.record.provenance.data_key),
        check_results=_verdicts(asset, outcome.record),
    )


def numbers_of(outcome: "ModelOutcome | NetworkOutcome") -> dict[str, Any]:
    """What a materialization shows of its version: scores with intervals, run, what it was made of and what it took."""
    record, made = outcome.record, outcome.record.provenance
    return {
        **record.scores.as_metrics(),
        "final_rows": record.rows,
        "model_version": int(outcome.version),
        "mlflow_run_id": outcome.run_id,
        "prediction_hash": made.prediction_hash,
        "data_key": made.data_key,
        "duration_seconds": round(made.seconds, 3),
        "peak_memory_mb": made.peak_memory_mb,
        "is_reused": outcome.is_reused,
    }


def plan_for(recipe: "Recipe") -> Any:
    """The training plan of the settings, for a recipe."""
    from lakehouse_assets.learners.bootstrap import Resampling
    from lakehouse_assets.learners.training import TrainingPlan

    settings = load_settings().model
    return TrainingPlan(
        recipe=recipe,
        folds=settings.folds,
        holdout_share=settings.holdout_share,
        embargo_minutes=settings.embargo_minutes,
        resampling=Resampling(samples=settings.bootstrap_samples, seed=settings.seed),
    )


def _verdicts(asset: str, record: "TrainingRecord") -> list[dg.AssetCheckResult]:
    from lakehouse_assets.learners.judgement import beaten_baselines, holds_its_floor, is_calibrated

    scores = record.scores
    beats, beating = beaten_baselines(scores)
    calibrated, calibration = is_calibrated(scores, load_settings().model.most_miscalibrated)
    holds, floor = holds_its_floor(record.group_scores)
    off = {"bias": scores.bias.value, "calibration_error": scores.calibration_error.value}
    lifts = {name: group.lift_over_majority.value for name, group in record.group_scores.items()}
    return [
        _too_good(asset, scores, passed=True, words="the score is one that this label allows"),
        _warning(asset, baselines_check(asset), passed=beats, words=beating, values=_baselines(scores)),
        _warning(asset, calibration_check(asset), passed=calibrated, words=calibration, values=off),
        _warning(asset, floor_check(asset), passed=holds, words=floor, values=lifts),
    ]


def _warning(asset: str, check: str, *, passed: bool, words: str, values: dict[str, float]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check,
        asset_key=asset,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
        metadata={name: value for name, value in values.items() if isfinite(value)},
    )


def _too_good(asset: str, scores: "Scores", *, passed: bool, words: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=too_good_check(asset),
        asset_key=asset,
        passed=passed,
        description=words,
        metadata={"balanced_accuracy": scores.balanced_accuracy.value},
    )


def _baselines(scores: "Scores") -> dict[str, float]:
    return {
        "accuracy": scores.accuracy.value,
        "majority_accuracy": scores.majority_accuracy,
        "no_change_accuracy": scores.no_change_accuracy,
        "lift_over_majority_low": scores.lift_over_majority.low,
        "lift_over_no_change_low": scores.lift_over_no_change.low,
    }
