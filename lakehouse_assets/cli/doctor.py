"""The verb `doctor`: one line for each thing that the settings rely on.

Belongs here: showing. Does not: asking (`services.doctor`).
"""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from lakehouse_assets.cli.rendering import say, write_json

FAILED = 1


def doctor(
    profile: Annotated[
        Literal["embedded", "production"] | None, typer.Option(help="Another profile than the one in force.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:
    """Ask everything that the settings name whether it is there, lets us in and fits; the fix of what fails.

    Example: lakehouse doctor --profile production
    """
    from lakehouse_assets.services.doctor import examine
    from lakehouse_assets.settings import load_settings

    findings = []
    for one in examine(load_settings(profile)):
        findings.append(one)
        if not as_json:
            fix = f" - {one.fix}" if one.fix else ""
            say(f"{one.state:<9}{one.check}: {one.said}{fix} ({one.where})")
    if as_json:
        write_json([asdict(one) for one in findings])
    if any(one.state == "failed" for one in findings):
        raise typer.Exit(FAILED)
