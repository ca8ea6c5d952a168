"""Verdicts in Dagster's words: check results, per-partition evaluations, and the refusal that fails a step.

Belongs here: the translation. Does not: judging.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (  # the class has no public name in 1.13
    AssetCheckEvaluation,
    AssetCheckEvaluationTargetMaterializationData,
)

from lakehouse_assets.lake.judging import Judged
from lakehouse_assets.lake.staging import WHOLE


def check_result(judged: Judged) -> dg.AssetCheckResult:
    """A verdict as the result of its check, with its numbers as metadata."""
    return dg.AssetCheckResult(
        asset_key=judged.table,
        check_name=judged.gate.name,
        passed=judged.verdict.passed,
        severity=_severity(judged),
        description=_words(judged),
        metadata=dict(judged.verdict.values),
    )


def evaluation(context: dg.AssetExecutionContext, judged: Judged) -> AssetCheckEvaluation:
    """A verdict on one day of a range; without its target the UI leaves the day out."""
    return AssetCheckEvaluation(
        asset_key=dg.AssetKey(judged.table),
        check_name=judged.gate.name,
        passed=judged.verdict.passed,
        metadata={name: dg.MetadataValue.text(v) if isinstance(v, str) else _number(v)
                  for name, v in judged.verdict.values.items()},
        severity=_severity(judged),
        description=_words(judged),
        partition=judged.partition_key,
        blocking=judged.gate.is_blocking,
        target_materialization_data=_target(context, judged),
    )  # fmt: skip


def refusal(refused: Sequence[Judged], folders: Sequence[str] = ()) -> dg.Failure:
    """Why nothing was published, in words, and where the refused files lie until they are swept."""
    reasons = "; ".join(
        f"{judged.table} {_day(judged)}: {judged.gate.name} failed: {judged.verdict.words}" for judged in refused
    )
    return dg.Failure(
        description=f"Refused, nothing was published: {reasons}",
        metadata={"refused_files": "\n".join(folders)},
        allow_retries=False,
    )


def _target(context: dg.AssetExecutionContext, judged: Judged) -> AssetCheckEvaluationTargetMaterializationData | None:
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(judged.table), asset_partitions=[judged.partition_key]), limit=1
    ).records
    if not records:
        return None
    record = records[0]
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
    )


def _number(value: float) -> Any:
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(value)


def _severity(judged: Judged) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if judged.gate.is_blocking else dg.AssetCheckSeverity.WARN


def _day(judged: Judged) -> str:
    return "" if judged.partition_key == WHOLE else judged.partition_key


def _words(judged: Judged) -> str:
    return f"{_day(judged)}: {judged.verdict.words}".removeprefix(": ")
