"""Where errors become one line: what is wrong and what to do, never a traceback.

Belongs here: exit codes and the words of last resort. Does not: what an error means (whoever raises it says so).
"""

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import typer

SUCCESS, FAILED, MISUSED, STOPPED = 0, 1, 2, 130

SAYS_IT_ALL = {
    "lakehouse_assets.settings": {"SettingsError"},
    "lakehouse_assets.lake.catalog": {"TableMissing"},
    "lakehouse_assets.lake.inspection": {"UnknownTable"},
    "lakehouse_assets.lake.quarantined": {"UnknownReason"},
    "lakehouse_assets.lake.sql_guard": {"QueryRefused"},
    "lakehouse_assets.lake.engines": {"EngineFailed"},
    "lakehouse_assets.lake.strays": {"StrayRows"},
    "lakehouse_assets.lake.copies": {"CopyMismatch", "ForeignShape"},
    "lakehouse_assets.lake.schema": {"SchemaConflict"},
    "lakehouse_assets.lake.table": {"DeleteFilesFound", "SnapshotMissing"},
    "lakehouse_assets.lake.writing": {"BatchRefused"},
    "lakehouse_assets.learners.learner": {"UnknownRecipe"},
    "lakehouse_assets.learners.networks.network": {"NotInstalled"},
    "lakehouse_assets.learners.untrainable": {"Untrainable"},
    "lakehouse_assets.services.copying.artifacts": {"ArtifactDamaged"},
    "lakehouse_assets.services.copying.landing": {"LandedFileDamaged"},
    "lakehouse_assets.services.copying.report": {"CopyRefused"},
    "lakehouse_assets.services.copying.runs": {"ModelGone"},
    "lakehouse_assets.services.rollback": {"RollbackRefused"},
    "lakehouse_assets.services.reproduction": {"UnknownModel"},
    "lakehouse_assets.sources.samples": {"SampleDamaged"},
    "lakehouse_assets.lake.commit": {"PublishConflict", "PublishUnknown"},
    "lakehouse_assets.sources.adapter": {"FileRefused"},
    "lakehouse_assets.sources.venues": {"UnknownVenue"},
    "lakehouse_assets.transforms.portable": {"NotPortable"},
}
"""Errors whose message is written for people, by module: named, not imported, since importing takes a second."""


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run a Typer app; the exit code. Errors go to stderr as one line that begins with `error:`."""
    try:
        code = app(
            args=list(arguments) if arguments is not None else None, prog_name="lakehouse", standalone_mode=False
        )
        sys.stdout.flush()
        if code == STOPPED:  # Typer turns Ctrl-C into an exit code without a word
            raise click.Abort
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return MISUSED
    except click.ClickException as error:
        return _say(_usage(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("stopped before the end", STOPPED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last boundary: nothing is swallowed, it is said and logged
        return _say(explain(error), FAILED)
    return code if isinstance(code, int) else SUCCESS


def explain(error: Exception) -> str:
    """An exception in one line; what nobody foresaw is written to a log file, and the line names it."""
    kind = type(error)
    if any(one.__name__ in SAYS_IT_ALL.get(one.__module__, ()) for one in kind.__mro__):
        return _one_line(str(error))
    if (away := _of_a_server(error)) is not None:
        return away
    if kind.__module__.split(".")[0] in {"duckdb", "_duckdb"}:
        return _of_the_engine(error)
    return f"{kind.__name__}: {_one_line(str(error))} (unexpected; the traceback is in {_logged(error)})"


def _of_a_server(error: Exception) -> str | None:
    """What is said of a server that is away; None where the error means something else."""
    from lakehouse_assets.cli.away import of_a_server
    from lakehouse_assets.settings import SettingsError, load_settings

    try:
        return of_a_server(error, load_settings())
    except SettingsError:  # without settings no server was asked
        return None


def _of_the_engine(error: Exception) -> str:
    """DuckDB's first line, with its hint where it has one, and a way out where memory is short."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    hint = next((line for line in lines[1:] if line.startswith(("Candidate", "Did you mean"))), "")
    if type(error).__name__ == "OutOfMemoryException":
        hint = "raise LAKEHOUSE_ENGINE__MEMORY_LIMIT or ask for less"
    return " ".join([*lines[:1], *([f"- {hint}"] if hint else [])]) or type(error).__name__


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "lakehouse"
    message = _one_line(error.format_message()).rstrip(".")
    return f"{message}: see `{path} --help`" if error.exit_code == MISUSED else message


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _logged(error: Exception) -> Path:
    """Write the traceback below the state folder, or to the system's temporary folder where that fails."""
    name = f"lakehouse-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    text = "".join(traceback.format_exception(error))
    for folder in (_logs(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:  # a full or read-only disk may be the very error: try the next folder
            continue
        return folder / name
    return Path(os.devnull)


def _logs() -> Path:
    from lakehouse_assets.settings import SettingsError, load_settings

    try:
        return load_settings().home / "logs"
    except SettingsError:  # the settings are what failed
        return Path(tempfile.gettempdir())


def _say(words: str, code: int) -> int:
    sys.stderr.write(f"error: {words}\n")
    return code
