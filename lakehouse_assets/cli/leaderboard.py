"""The verb `leaderboard`: all models beside one another.

Belongs here: showing. Does not: reading the records (`services.leaderboard`).
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse_assets.cli.rendering import say, show, write_json

if TYPE_CHECKING:
    from lakehouse_assets.services.leaderboard import Standing

WORDS = ("model", "algorithm", "aliases")
"""The columns that are no numbers."""


def leaderboard(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """The latest version of every algorithm and the champion: scores with intervals, baselines, cost.

    The naive column is what a split that ignores time would have claimed for the same recipe.

    Example: lakehouse leaderboard
    """
    from lakehouse_assets.services.leaderboard import leaderboard as standings
    from lakehouse_assets.services.mlflow import MlflowResource

    found = standings(MlflowResource().store)
    if as_json:
        write_json([asdict(one) for one in found])
    elif not found:
        say("no model is registered yet: run the job ml_pipeline, or `lakehouse demo`")
    else:
        for model in dict.fromkeys(one.model for one in found):
            show_standings(model, [one for one in found if one.model == model])


def show_standings(model: str, standings: "Sequence[Standing]") -> None:
    """The versions of one model; columns that mean nothing to any of them are left out.

    Titles and intervals take two lines: in one, a page is too narrow for all columns.
    """
    from lakehouse_assets.services.leaderboard import COLUMNS, cells, remarks

    meant = [name for name in COLUMNS if name != "model" and any(getattr(one, name) is not None for one in standings)]
    names = list(COLUMNS)
    rows = [[_on_two_lines(name, cells(one)[names.index(name)]) for name in meant] for one in standings]
    titles = ["\n".join(COLUMNS[name].rsplit(" ", 1)) for name in meant]
    right = [title for name, title in zip(meant, titles, strict=True) if name not in WORDS]
    show(titles, rows, title=f"{model}, each score with its 95 % interval", right=right)
    for remark in remarks(standings):
        say(remark)


def _on_two_lines(column: str, shown: str) -> str:
    return shown.replace(" ", "\n", 1) if column == "judged_from" else shown.replace(" [", "\n[")
