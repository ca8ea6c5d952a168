"""Models: trained from the feature tables, judged in words, kept in the registry.

Belongs here: the assets and their checks. Does not: how a model learns (learners) or where it is kept (services).
"""

from collections.abc import Iterator
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
    from lakehouse_assets.services.model_training import ModelOutcome

NOT_TOO_GOOD = "model_xgboost_is_not_too_good"
BEATS_BASELINES = "model_xgboost_beats_its_baselines"
ON_MERIT = "model_xgboost_is_promoted_only_on_merit"
TRAINING_POOL = "training"
"""One training at a time: on a server store the pool, not a lock, orders two promotions."""


@dg.asset(
    ins={
        "feature_option_minutes": dg.AssetIn(input_manager_key=IO_MANAGER),
        "feature_option_labels": dg.AssetIn(input_manager_key=IO_MANAGER),
    },
    check_specs=[
        dg.AssetCheckSpec(NOT_TOO_GOOD, asset="model_xgboost", blocking=True,
                          description="Balanced accuracy is one that this label allows; above it is a leak."),
        dg.AssetCheckSpec(BEATS_BASELINES, asset="model_xgboost",
                          description="Accuracy surely beats the majority and no change, log-loss the majority's."),
        dg.AssetCheckSpec(ON_MERIT, asset="model_xgboost",
                          description="The champion is the model that won on the same hold-out; why or why not."),
    ],
    group_name=MODELS,
    kinds={"xgboost", "mlflow"},
    owners=[load_settings().owner],
    tags={"layer": MODELS},
    metadata={"dagster/code_references": code_references(__file__)},
    retry_policy=retry_policy(),
    pool=TRAINING_POOL,
    output_required=False,
)  # fmt: skip
def model_xgboost(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    mlflow: MlflowResource,
    feature_option_minutes: Table,
    feature_option_labels: Table,
) -> Iterator[Any]:
    """Gradient-boosted trees that predict whether an option's mid rises: `TickPricePredictor`."""
    from lakehouse_assets.lake.cut import Cut
    from lakehouse_assets.learners.splits import TooLittleHistory
    from lakehouse_assets.services.model_training import TooGoodToBeTrue, train_and_register
    from lakehouse_assets.services.training_rows import identity_of, plan_of, training_inputs

    # Loaded one after the other, the two tables could be of different moments: both are pinned anew in one cut.
    cut = Cut(lake.lake)
    settings = load_settings().model
    try:
        outcome = train_and_register(
            training_inputs(cut.pin(feature_option_minutes.contract), cut.pin(feature_option_labels.contract)),
            plan_of(settings),
            mlflow.registry,
            identity_of(context.run.run_id, "model_xgboost", span_of(context.run.tags)),
            too_good=settings.too_good_balanced_accuracy,
            progress=context.log.info,
        )
    except TooLittleHistory as short:
        raise dg.Failure(f"no model: {short}", allow_retries=False) from short
    except TooGoodToBeTrue as refused:
        yield _too_good(refused.record.scores, passed=False, words=str(refused))
        raise dg.Failure(str(refused), metadata={"mlflow_run_id": refused.run_id}, allow_retries=False) from refused
    yield dg.MaterializeResult(
        metadata=_metadata(outcome),
        data_version=dg.DataVersion(outcome.data_key),
        check_results=_verdicts(outcome),
    )


def _verdicts(outcome: "ModelOutcome") -> list[dg.AssetCheckResult]:
    from lakehouse_assets.learners.judgement import beaten_baselines

    beats, words = beaten_baselines(outcome.scores)
    return [
        _too_good(outcome.scores, passed=True, words="the score is one that this label allows"),
        dg.AssetCheckResult(
            check_name=BEATS_BASELINES,
            passed=beats,
            severity=dg.AssetCheckSeverity.WARN,
            description=words,
            metadata=_baselines(outcome.scores),
        ),
        dg.AssetCheckResult(
            check_name=ON_MERIT,
            passed=outcome.is_champion == outcome.judgement.promote,
            description=str(outcome.judgement),
            metadata={"is_champion": outcome.is_champion},
        ),
    ]


def _too_good(scores: "Scores", *, passed: bool, words: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=NOT_TOO_GOOD,
        asset_key="model_xgboost",
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


def _metadata(outcome: "ModelOutcome") -> dict[str, Any]:
    return {
        **outcome.scores.as_metrics(),
        "final_rows": outcome.record.rows,
        "model_version": int(outcome.version),
        "mlflow_run_id": outcome.run_id,
        "prediction_hash": outcome.record.prediction_hash,
        "data_key": outcome.data_key,
        "is_champion": outcome.is_champion,
        "is_reused": outcome.is_reused,
        "judgement": str(outcome.judgement),
    }
