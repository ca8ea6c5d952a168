"""The verb `sql`: a question over the catalog, read-only.

Belongs here: showing the answer as it streams. Does not: resolving tables or guarding the engine (`lake.sql`).
"""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse_assets.cli.rendering import cell, distinct, rows_of, say, show, write_csv_rows, write_json_rows

if TYPE_CHECKING:
    from lakehouse_assets.lake.sql import Answer

SHOWN = 50
BATCH = 10_000
"""Rows in memory at a time."""


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT in DuckDB's dialect.", show_default=False)],
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"Rows to write; {SHOWN} in a table, else all.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON array, one row a line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a header.")] = False,
) -> None:
    """Ask the catalog a question in SQL; tables are pinned to one instant, and nothing can be changed.

    A table is named bare, or as option_ticks_db.<table>, or as hive_prod.option_ticks_db.<table>, and may be read as it
    was: FOR VERSION AS OF <snapshot id>, or FOR TIMESTAMP AS OF TIMESTAMP '2026-11-20 09:00:00'.

    Example: lakehouse sql "SELECT symbol, AVG(last_price) FROM bronze_option_ticks GROUP BY symbol"
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other: choose one")
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.sql import ask
    from lakehouse_assets.settings import load_settings

    answer = ask(Lake(load_settings()), query)
    most = limit if limit is not None or as_json or as_csv else SHOWN
    with answer.batches(BATCH) as batches:
        columns = distinct(batches.schema.names)
        rows = islice(rows_of(batches), most)
        if as_json:
            write_json_rows(columns, rows)
        elif as_csv:
            write_csv_rows(columns, rows)
        else:
            _show(answer, columns, rows, most or SHOWN)


def _show(answer: "Answer", columns: list[str], rows: Iterable[tuple[Any, ...]], most: int) -> None:
    held = list(rows)
    numbers = [name for place, name in enumerate(columns) if held and _is_number(held[0][place])]
    show(columns, ([cell(value) for value in row] for row in held), right=numbers)
    total = answer.row_count() if len(held) == most else len(held)
    left_out = max(total - len(held), 0)
    more = f", {left_out:,} left out: --limit, --json or --csv writes more" if left_out else ""
    empty = sorted({table.contract.table for table in answer.views.values() if table.snapshot_id is None})
    if empty:
        say(f"no data yet in {', '.join(empty)}: materialize the asset of this name")
    say(f"{len(held):,} row{'' if len(held) == 1 else 's'}{more}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
