"""The verb `rollback`: a champion's predecessor is put back.

Belongs here: showing. Does not: which version that is, nor the move (`services.rollback`).
"""

from dataclasses import asdict
from typing import Annotated

import typer

from lakehouse_assets.cli.rendering import say, write_json


def complete_model(incomplete: str) -> list[str]:
    """Names of the models that begin as typed, for the shell's completion."""
    from lakehouse_assets.services.registry import DESCRIPTIONS

    return [name for name in DESCRIPTIONS if name.lower().startswith(incomplete.lower())]


def rollback(
    model: Annotated[str, typer.Argument(help="The registered model.", autocompletion=complete_model)],
    to: Annotated[
        int | None, typer.Option(min=1, help="This version, which served before; else the one before.")
    ] = None,
    why: Annotated[str | None, typer.Option(help="The reason, for those who read the ledger later.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """Put the version back that served before; again for the one before that. The ledger model_promotions keeps it.

    Example: lakehouse rollback TickPricePredictor --why "worse since Monday"
    """
    from lakehouse_assets.cli.away import reached
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.services.registry import ModelRegistry
    from lakehouse_assets.services.rollback import roll_back
    from lakehouse_assets.services.tracking_store import TrackingStore
    from lakehouse_assets.settings import load_settings

    settings = load_settings()
    registry = ModelRegistry(reached(TrackingStore(settings.mlflow_uri, settings.mlflow_artifacts)), model)
    moved = roll_back(Lake(settings), registry, to=None if to is None else str(to), why=why)
    if as_json:
        write_json(asdict(moved.move))
        return
    left = "no version" if moved.move.from_version is None else f"version {moved.move.from_version}"
    say(f"@champion of {model} is version {moved.move.to_version} again, after {left}: {moved.move.why}")
