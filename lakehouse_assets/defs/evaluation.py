"""Which model serves: the challenger against the champion.

Belongs here: the asset and what it says. Does not: the rules of merit (learners/judgement), moving the alias
(services/promotions), the ledger of moves (`promotions`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.defs.tick_model import TRAINING_POOL
from lakehouse_assets.lake.asset import retry_policy
from lakehouse_assets.lake.describe import code_references
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.layers import MODELS
from lakehouse_assets.partitions import span_of
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings

if TYPE_CHECKING:
    from lakehouse_assets.services.model_evaluation import Evaluation

ON_MERIT = "model_evaluation_promotes_on_merit_only"
DATA = (FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS)


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
    """Challenger and champion on the same hold-out: who serves, why or why not, and all models side by side."""
    from lakehouse_assets.services.model_evaluation import Bounds, Evaluator, NobodyToJudge
    from lakehouse_assets.services.training_rows import identity_of, inputs_again

    settings = load_settings().model
    evaluator = Evaluator(
        lake.lake,
        mlflow.registry,
        identity_of(context.run.run_id, "model_evaluation", span_of(context.run.tags)),
        inputs_of=lambda record: inputs_again(record, lake.lake),
        bounds=Bounds(settings.too_good_balanced_accuracy, settings.most_miscalibrated),
        doubts=_doubts(context.instance),
    )
    try:
        evaluation = evaluator.settle(settings.algorithm)
    except NobodyToJudge as nobody:
        raise dg.Failure(str(nobody), allow_retries=False) from nobody
    context.log.info(str(evaluation.judgement))
    yield _told(evaluation, mlflow)


def _doubts(instance: dg.DagsterInstance) -> list[str]:
    """What the gates of the training data last said against it; promotion needs them all green."""
    from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord

    verdicts = VerdictsOfRecord(load_settings(), instance).latest(contract.table for contract in DATA)
    return [
        f"the gates of {table} are not green: {said.words}" for table, said in verdicts.items() if not said.is_green
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
                passed=evaluation.is_champion == evaluation.judgement.promote,
                description=judgement,
                metadata={"is_champion": evaluation.is_champion},
            )
        ],
    )
