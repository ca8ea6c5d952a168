"""The verbs `tables` and `history`: what lies in the lake, and how it came there.

Belongs here: showing. Does not: reading the metadata (`lake.inspection`) nor the verdicts (`services`).
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse_assets.cli.rendering import MISSING, cell, say, show, size, write_json

if TYPE_CHECKING:
    from lakehouse_assets.lake.inspection import SnapshotRecord
    from lakehouse_assets.services.verdicts_of_record import RunVerdict

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]
RUN_DIGITS = 8
"""As many digits of a run id as Dagster's UI shows."""


def complete_table(incomplete: str) -> list[str]:
    """Names of tables that begin as typed, for the shell's completion."""
    from lakehouse_assets.contracts.catalog import CONTRACTS

    return [name for name in CONTRACTS if name.startswith(incomplete.lower())]


def tables(as_json: AsJson = False) -> None:
    """Every table: rows, bytes, files, snapshots, last partition, last verdict.

    Example: lakehouse tables --json
    """
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.inspection import overviews
    from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord
    from lakehouse_assets.settings import load_settings

    settings = load_settings()
    found = list(overviews(Lake(settings)))
    with VerdictsOfRecord(settings) as record:
        verdicts = record.latest(one.table for one in found)
    if as_json:
        write_json([asdict(one) | {"last_verdict": _said(verdicts.get(one.table))} for one in found])
        return
    numbers = ("rows", "bytes", "files", "snapshots")
    show(
        ("table", *numbers, "last partition", "last verdict"),
        (
            (one.table, one.rows, size(one.bytes), one.files, one.snapshots, one.last_partition,
             _words(verdicts.get(one.table)))
            for one in found
        ),
        right=numbers,
    )  # fmt: skip


def history(
    table: Annotated[str, typer.Argument(help="The table, bare or with its namespace.", autocompletion=complete_table)],
    limit: Annotated[int, typer.Option(min=1, help="Snapshots to show, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The snapshots of a table: when, by which run, which partitions, what it did to the rows, and the verdicts.

    Example: lakehouse history bronze_option_ticks --limit 5
    """
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.inspection import contract_named, snapshots
    from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord
    from lakehouse_assets.settings import load_settings

    settings = load_settings()
    contract = contract_named(table)
    found = snapshots(Lake(settings), contract)
    shown = found[:limit]
    with VerdictsOfRecord(settings) as record:
        verdicts = [record.of_run(one.run_id, contract.table) for one in shown]
    if as_json:
        write_json([asdict(one) | {"verdict": _said(v)} for one, v in zip(shown, verdicts, strict=True)])
        return
    numbers = ("added", "removed", "total")
    show(
        ("snapshot", "time (UTC)", "run", "partitions", "operation", *numbers, "verdict"),
        [_snapshot_row(one, verdict) for one, verdict in zip(shown, verdicts, strict=True)],
        title=contract.table,
        right=numbers,
    )
    if len(found) > limit:
        say(f"{len(found) - limit:,} older snapshots left out: --limit {len(found)} shows them")


def _snapshot_row(one: "SnapshotRecord", verdict: "RunVerdict | None") -> tuple[Any, ...]:
    return (
        f"{one.snapshot_id}{' *' if one.is_current else ''}",
        cell(one.committed_at.replace(microsecond=0)),
        one.run_id[:RUN_DIGITS] if one.run_id else MISSING,
        _partitions(one.partitions),
        one.operation,
        one.rows_added,
        one.rows_removed,
        one.rows_total,
        _words(verdict),
    )


def _partitions(keys: tuple[str, ...]) -> str:
    """One date, or the first and last of several with their number."""
    if len(keys) <= 1:
        return keys[0] if keys else MISSING
    return f"{min(keys)} .. {max(keys)} ({len(keys)})"


def _words(verdict: "RunVerdict | None") -> str:
    return verdict.words if verdict else MISSING


def _said(verdict: "RunVerdict | None") -> dict[str, Any] | None:
    return asdict(verdict) | {"words": verdict.words} if verdict else None
