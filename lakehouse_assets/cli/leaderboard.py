"""The verb `leaderboard`: all models beside one another.

Belongs here: showing. Does not: reading the records (`services.leaderboard`).
"""

from dataclasses import asdict
from typing import Annotated

import typer

from lakehouse_assets.cli.rendering import say, show, write_json


def leaderboard(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """The latest version of every algorithm and the champion: scores with intervals, baselines, cost.

    The naive column is what a split that ignores time would have claimed for the same recipe.

    Example: lakehouse leaderboard
    """
    from lakehouse_assets.services.leaderboard import COLUMNS, cells
    from lakehouse_assets.services.leaderboard import leaderboard as standings
    from lakehouse_assets.services.mlflow import MlflowResource

    found = standings(MlflowResource().store)
    if as_json:
        write_json([asdict(one) for one in found])
        return
    if not found:
        say("no model is registered yet: run the job ml_pipeline, or `lakehouse demo`")
        return
    left = ("model", "algorithm", "aliases")
    show(
        tuple(COLUMNS.values()),
        [cells(one) for one in found],
        title="Leaderboard, each score with its 95 % interval",
        right=tuple(title for name, title in COLUMNS.items() if name not in left),
    )
