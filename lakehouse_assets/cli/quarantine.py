"""The verb `quarantine`: what the rules refused, and why.

Belongs here: showing. Does not: counting (`lake.quarantined`).
"""

from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse_assets.cli.rendering import cell, rows_of, say, show, write_json, write_json_rows

if TYPE_CHECKING:
    from lakehouse_assets.lake.quarantined import Quarantine

BRIEF = (
    "trading_date", "source", "reason_codes", "symbol", "event_type", "timestamp", "last_price", "last_size",
    "bid_px_00", "ask_px_00", "source_file", "source_seq",
)  # fmt: skip
"""What a terminal has room for; --json writes all columns."""


def complete_reason(incomplete: str) -> list[str]:
    """Reason codes that begin as typed, for the shell's completion."""
    from lakehouse_assets.contracts.silver import HARD_CODES

    return [code for code in HARD_CODES if code.startswith(incomplete.upper())]


def quarantine(
    trading_date: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Of this trading date alone.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="With this reason code alone.", autocompletion=complete_reason)
    ] = None,
    show_rows: Annotated[bool, typer.Option("--show", help="The rows themselves.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows that --show writes.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """Refused ticks a trading date, source and reason code; a tick with two codes counts under both.

    Example: lakehouse quarantine --date 2026-11-20 --reason CROSSED --show
    """
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.quarantined import quarantine as look
    from lakehouse_assets.settings import load_settings

    found = look(Lake(load_settings()), trading_date.date() if trading_date else None, reason)
    if show_rows:
        _show_rows(found, limit, as_json)
    else:
        _show_counts(found, as_json)


def _show_counts(found: "Quarantine", as_json: bool) -> None:
    counts = found.counts()
    if as_json:
        write_json([asdict(one) for one in counts])
        return
    rows = [(one.trading_date, one.source, one.reason_code, one.rows) for one in counts]
    show(("trading date", "source", "reason", "rows"), rows, right=("rows",))
    say(f"{found.row_count():,} rows in quarantine; --show writes them")


def _show_rows(found: "Quarantine", limit: int, as_json: bool) -> None:
    with found.rows() as batches:
        columns = list(batches.schema.names)
        rows = islice(rows_of(batches), limit)
        if as_json:
            write_json_rows(columns, rows)
            return
        chosen = [columns.index(name) for name in BRIEF]
        held = [[cell(row[place]) for place in chosen] for row in rows]
    show(BRIEF, held)
    left_out = found.row_count() - len(held)
    say(f"{len(held):,} rows" + (f", {left_out:,} left out: --limit shows more" if left_out else ""))
