"""Verdicts in Dagster's words: check results, per-partition evaluations, and the refusal that fails a step.

Belongs here: the translation. Does not: judging.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (  # the class has no public name in 1.13
    AssetCheckEvaluation,
    AssetCheckEvaluationTargetMaterializationData,
)

from lakehouse_assets.lake.judging import Judged
from lakehouse_assets.lake.staging import WHOLE


def check_results(table: str, verdicts: Iterable[Judged]) -> list[dg.AssetCheckResult]:
    """One result a gate of the table for the whole run: the first failed partition's verdict, else the last one's."""
    by_gate: dict[str, list[Judged]] = {}
    for judged in verdicts:
        if judged.table == table:
            by_gate.setdefault(judged.gate.name, []).append(judged)
    return [_check_result(days) for days in by_gate.values()]


def _check_result(days: Sequence[Judged]) -> dg.AssetCheckResult:
    """The verdicts of one gate as one result, with the shown one's numbers as metadata."""
    failed = [judged for judged in days if not judged.verdict.passed]
    shown = (failed or days[-1:])[0]
    words = shown.verdict.words
    if len({judged.verdict.words for judged in days}) > 1:  # a word on the whole table is the same on every day
        words = f"{shown.partition_key}: {words}"
    if len(failed) > 1:
        words += f"; failed on {len(failed)} of {len(days)} days"
    return dg.AssetCheckResult(
        asset_key=shown.table,
        check_name=shown.gate.name,
        passed=shown.verdict.passed,
        severity=_severity(shown),
        description=words,
        metadata=dict(shown.verdict.values),
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
        description=judged.verdict.words,
        partition=judged.partition_key,
        blocking=judged.gate.is_blocking,
        target_materialization_data=_target(context, judged),
    )  # fmt: skip


def refusal(refused: Sequence[Judged], folders: Sequence[str] = ()) -> dg.Failure:
    """Why nothing was published, in words, and where the refused files lie until somebody removes them."""
    reasons = "; ".join(f"{_place(judged)}: {judged.gate.name} failed: {judged.verdict.words}" for judged in refused)
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


def _place(judged: Judged) -> str:
    return judged.table if judged.partition_key == WHOLE else f"{judged.table} {judged.partition_key}"
