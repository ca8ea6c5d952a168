"""The verb `leaderboard`: all models beside one another.

Belongs here: showing. Does not: reading the records (`services.leaderboard`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse_assets.cli.rendering import console, say, show, write_json

if TYPE_CHECKING:
    from lakehouse_assets.services.leaderboard import Standing

WORDS = ("model", "algorithm", "aliases")
"""The columns that are no numbers."""
DISPENSABLE = (
    "peak_memory_mb", "seconds", "brier", "judged_from", "roc_auc", "naive_accuracy", "rows", "lift_over_majority",
    "lift_over_no_change", "aliases",
)  # fmt: skip
"""The columns by how little they are missed, least first."""
GAP = 3
"""Characters between two columns."""


def leaderboard(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """The latest version of every algorithm and the champion: scores with intervals, baselines, cost.

    The naive column is what a split that ignores time would have claimed for the same recipe.

    Example: lakehouse leaderboard
    """
    from lakehouse_assets.cli.away import reached
    from lakehouse_assets.services.leaderboard import leaderboard as standings
    from lakehouse_assets.services.mlflow import MlflowResource

    found = standings(reached(MlflowResource().store))
    if as_json:
        write_json([asdict(one) for one in found])
    elif not found:
        say("no model is registered yet: run the job ml_pipeline, or `lakehouse demo`")
    else:
        for model in dict.fromkeys(one.model for one in found):
            show_standings(model, [one for one in found if one.model == model])


def show_standings(model: str, standings: "Sequence[Standing]") -> None:
    """The versions of one model; columns that mean nothing to any of them are left out.

    Titles and intervals take two lines. Where the page is too narrow all the same, the columns that matter least are
    left out, and it is said which.
    """
    from lakehouse_assets.services.leaderboard import COLUMNS, cells, remarks

    table = {
        name: ["\n".join(title.rsplit(" ", 1)), *(_on_two_lines(name, cells(one)[place]) for one in standings)]
        for place, (name, title) in enumerate(COLUMNS.items())
        if name != "model" and any(getattr(one, name) is not None for one in standings)
    }
    left_out = _fit(table)
    titles = [column[0] for column in table.values()]
    right = [column[0] for name, column in table.items() if name not in WORDS]
    rows = list(zip(*(column[1:] for column in table.values()), strict=True))
    show(titles, rows, title=f"{model}, each score with its 95 % interval", right=right)
    if left_out:
        say(f"no room for {', '.join(COLUMNS[name] for name in left_out)}: a wider terminal or --json shows them")
    for remark in remarks(standings):
        say(remark)


def _fit(table: dict[str, list[str]]) -> list[str]:
    """Take columns away until the rest fits the page; their names."""
    room = console().width
    widths = {
        name: max(len(line) for text in column for line in text.split("\n")) + GAP for name, column in table.items()
    }
    left_out = []
    for name in DISPENSABLE:
        if name in table and sum(widths[kept] for kept in table) > room:
            del table[name]
            left_out.append(name)
    return left_out


def _on_two_lines(column: str, shown: str) -> str:
    if column == "aliases":
        return shown.replace(", ", ",\n")
    return shown.replace(" ", "\n", 1) if column == "judged_from" else shown.replace(" [", "\n[")
