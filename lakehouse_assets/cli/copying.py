"""The verb `copy`: the embedded tables and models, brought to the servers of production.

Belongs here: arguments, progress, the closing table. Does not: copying (`services.copying`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lakehouse_assets.cli.rendering import say, show, size, write_json

if TYPE_CHECKING:
    from lakehouse_assets.services.copying.report import Copied, Progress


def copy(
    to: Annotated[Literal["production"], typer.Option(help="The profile that is written to.")],
    from_folder: Annotated[
        Path | None,
        typer.Option("--from", help="State folder of the embedded profile; else the one in the settings.",
                     show_default=False),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave what production holds of its own, and bring the rest.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")] = False,
) -> None:  # fmt: skip
    """Bring the embedded profile's landed files, tables and models to production, each verified by hash.

    Stopped or killed, it goes on where it stood; again, it brings only what is missing. Rows, versions or aliases
    that production has of its own are never overwritten: they are named, and nothing is copied, unless --keep leaves
    them.

    Example: lakehouse copy --to production
    """
    from lakehouse_assets.services.copying import copy as bring
    from lakehouse_assets.services.copying import embedded_at
    from lakehouse_assets.settings import load_settings

    target = load_settings(to)
    with _progress() as progress:
        copied = bring(embedded_at(from_folder), target, keep=keep, progress=progress)
    if as_json:
        write_json({**asdict(copied), "is_new": copied.is_new})
        return
    _show(copied)


def _show(copied: "Copied") -> None:
    numbers = ("copied", "there", "left", "size")
    rows = [(one.what, one.copied, one.there, one.left, size(one.bytes), one.verified) for one in copied.lines]
    show(("what", *numbers, "verified by"), rows, right=numbers)
    for note in copied.notes:
        say(f"note: {note}")
    if not copied.is_new:
        say("everything was there already: nothing was changed")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """What is being copied and how fast, on stderr, which is silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
        task = shown.add_task("looking at both ends", total=None)

        def tell(what: str, count: int) -> None:
            shown.update(task, description=what, advance=count)

        yield tell
