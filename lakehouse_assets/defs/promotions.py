"""Models: the ledger of promotions as an asset.

Belongs here: the asset of `model_promotions`, and its result for whoever wrote to it. Does not: moving a champion
(services/promotions), which the evaluation and the console script do.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from lakehouse_assets.contracts.models import MODEL_PROMOTIONS
from lakehouse_assets.defs.tick_model import TRAINING_POOL
from lakehouse_assets.lake.asset import data_version, retry_policy
from lakehouse_assets.lake.describe import check_specs, code_references, table_schema
from lakehouse_assets.lake.io_manager import LakeResource, describe
from lakehouse_assets.lake.verdicts import check_results
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.promotion_ledger import GATES
from lakehouse_assets.settings import load_settings

if TYPE_CHECKING:
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.writing import Written

PROMOTIONS_SPEC = dg.AssetSpec(
    MODEL_PROMOTIONS.table,
    deps=["model_evaluation"],
    description=f"{MODEL_PROMOTIONS.description}\n\nGrain: {MODEL_PROMOTIONS.grain}.\n\nA move is written down where "
    "it is made, by the evaluation or by `lakehouse rollback`; this asset adds what a killed run has left out. It also "
    "makes the tags on the lake those of the versions that are registered: one that was deleted frees its snapshots.",
    group_name=MODEL_PROMOTIONS.layer,
    kinds={"iceberg", "mlflow"},
    owners=[load_settings().owner],
    tags={"layer": MODEL_PROMOTIONS.layer},
    metadata={
        "dagster/column_schema": table_schema(MODEL_PROMOTIONS),
        "dagster/code_references": code_references(__file__),
        "key": ", ".join(MODEL_PROMOTIONS.key),
    },
)
"""The table as Dagster shows it."""

PROMOTIONS_CHECKS = check_specs(MODEL_PROMOTIONS, GATES)


def promotions_result(written: "Written", lake: "Lake") -> dg.MaterializeResult[Any]:
    """The table as it was written or found: rows, snapshot, files, and what its gates said."""
    return dg.MaterializeResult(
        asset_key=MODEL_PROMOTIONS.table,
        metadata=describe(written.staged, written.published, lake),
        check_results=check_results(MODEL_PROMOTIONS.table, written.verdicts),
        data_version=dg.DataVersion(data_version(written.staged)),
    )


@dg.multi_asset(
    name=MODEL_PROMOTIONS.table,
    specs=[PROMOTIONS_SPEC],
    check_specs=PROMOTIONS_CHECKS,
    retry_policy=retry_policy(),
    pool=TRAINING_POOL,
)
def model_promotions(context: dg.AssetExecutionContext, lake: LakeResource, mlflow: MlflowResource) -> Iterator[Any]:
    """Every move of a champion, in order."""
    from lakehouse_assets.lake.writing import BatchRefused
    from lakehouse_assets.services.promotions import reconcile
    from lakehouse_assets.services.registry import keep_all_inputs

    try:
        written = reconcile(lake.lake, mlflow.registry, context.run.run_id)
    except BatchRefused as refused:
        yield from check_results(MODEL_PROMOTIONS.table, refused.verdicts)
        raise dg.Failure(str(refused), allow_retries=False) from refused
    kept = keep_all_inputs(lake.lake, mlflow.store)
    for warning in kept.warnings:
        context.log.warning(warning)
    result = promotions_result(written, lake.lake)
    counts = {"tags_set": len(kept.tagged), "tags_removed": len(kept.removed), "snapshots_lost": len(kept.lost)}
    lost = {"lost": "\n".join(kept.warnings)} if kept.lost else {}
    yield result._replace(metadata={**(result.metadata or {}), **counts, **lost})
