"""Which model serves: the challenger against the champion.

Belongs here: the asset and what it says. Does not: the rules of merit (learners/judgement), moving the alias
(services/promotions), the ledger of moves (`promotions`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.defs.tick_model import TRAINING_POOL
from lakehouse_assets.lake.asset import retry_policy
from lakehouse_assets.lake.describe import code_references
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.layers import MODELS
from lakehouse_assets.partitions import span_of
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings

if TYPE_CHECKING:
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.services.model_evaluation import Evaluation
    from lakehouse_assets.services.training_record import TrainingRecord

ON_MERIT = "model_evaluation_promotes_on_merit_only"


@dg.asset(
    deps=["model_random_forest", "model_xgboost", "model_lightgbm"],
    check_specs=[
        dg.AssetCheckSpec(
            ON_MERIT,
            asset="model_evaluation",
            description="The champion is the model that won on the same hold-out; why or why not.",
        )
    ],
    group_name=MODELS,
    kinds={"mlflow"},
    owners=[load_settings().owner],
    tags={"layer": MODELS},
    metadata={"dagster/code_references": code_references(__file__)},
    retry_policy=retry_policy(),
    pool=TRAINING_POOL,
)
def model_evaluation(
    context: dg.AssetExecutionContext, lake: LakeResource, mlflow: MlflowResource
) -> Iterator[dg.MaterializeResult[Any]]:
    """Challenger and champion on the same hold-out: who serves, why or why not, and all models side by side.

    All learners of ticks must have passed, whichever challenges: the leaderboard shows them of one and the same data,
    and a learner that fails is a fault to mend before anybody's place changes. Until then the champion serves on.
    """
    from lakehouse_assets.lake.table import SnapshotMissing
    from lakehouse_assets.lake.writing import BatchRefused
    from lakehouse_assets.learners.untrainable import Untrainable
    from lakehouse_assets.services.model_evaluation import Bounds, Evaluator, NobodyToJudge
    from lakehouse_assets.services.training_record import RecordUnreadable
    from lakehouse_assets.services.training_rows import identity_of, inputs_again

    settings = load_settings().model
    evaluator = Evaluator(
        lake.lake,
        mlflow.registry,
        identity_of(context.run.run_id, "model_evaluation", span_of(context.run.tags)),
        inputs_of=lambda record: inputs_again(record, lake.lake),
        bounds=Bounds(settings.too_good_balanced_accuracy, settings.most_miscalibrated),
        doubts_of=lambda record: _doubts(record, lake.lake, context.instance),
    )
    try:
        evaluation = evaluator.settle(settings.algorithm)
    except (NobodyToJudge, RecordUnreadable, SnapshotMissing, Untrainable, BatchRefused) as hopeless:
        raise dg.Failure(str(hopeless), allow_retries=False) from hopeless
    context.log.info(str(evaluation.judgement))
    yield _told(evaluation, mlflow)


def _doubts(record: "TrainingRecord", lake: "Lake", instance: dg.DagsterInstance) -> list[str]:
    """What the gates said against the rows that the model was trained from; promotion needs them all green."""
    from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord

    verdicts = VerdictsOfRecord(load_settings(), instance)
    return [
        doubt
        for table in record.provenance.tables
        for doubt in verdicts.doubts(lake, CONTRACTS[table.name], table.snapshot_id)
    ]


def _told(evaluation: "Evaluation", mlflow: MlflowResource) -> dg.MaterializeResult[Any]:
    from lakehouse_assets.services.leaderboard import as_markdown, leaderboard

    judgement = str(evaluation.judgement)
    return dg.MaterializeResult(
        metadata={
            **evaluation.record.scores.as_metrics(),
            **(evaluation.contest.as_metrics() if evaluation.contest else {}),
            "model_version": int(evaluation.number),
            "is_champion": evaluation.is_champion,
            "judgement": judgement,
            "leaderboard": dg.MetadataValue.md(as_markdown(leaderboard(mlflow.store))),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=ON_MERIT,
                passed=evaluation.is_champion or not evaluation.judgement.promote,
                description=judgement,
                metadata={"is_champion": evaluation.is_champion},
            )
        ],
    )
