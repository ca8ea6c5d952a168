"""The verb `reproduce`: train a registered version again and compare.

Belongs here: showing. Does not: training, nor comparing (`services.reproduction`).
"""

from dataclasses import asdict
from typing import Annotated

import typer

from lakehouse_assets.cli.rendering import say, write_json


def reproduce(
    uri: Annotated[str, typer.Argument(help="models:/<name>/<version> or models:/<name>@<alias>")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """Train a registered version again from its recorded snapshots, recipe, seed and threads, and compare predictions.

    The code and the libraries are those of this checkout. Prints REPRODUCED where every prediction on the hold-out is
    the same to the bit; else the first thing that differs from the record (code, library, data, hardware), and ends
    with exit code 1.

    Example: lakehouse reproduce models:/TickPricePredictor/1
    """
    from lakehouse_assets.cli.away import reached
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.services.mlflow import MlflowResource
    from lakehouse_assets.services.reproduction import reproduce as train_again
    from lakehouse_assets.settings import load_settings

    progress = (lambda _: None) if as_json else say
    result = train_again(Lake(load_settings()), reached(MlflowResource().store), uri, progress)
    if as_json:
        write_json({**asdict(result), "is_reproduced": result.is_equal})
    else:
        say(str(result))
    if not result.is_equal:
        raise typer.Exit(1)
