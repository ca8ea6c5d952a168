"""The verb `simulate`: landed files of a market that never was, with faults whose truth is known.

Belongs here: arguments, progress, the summary. Does not: the market (`sources.simulator`).
"""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import click
import typer

from lakehouse_assets.cli.rendering import say, show, size, write_json

if TYPE_CHECKING:
    from lakehouse_assets.settings import Settings
    from lakehouse_assets.sources.simulator import Profile, SimulationReport

VENUE = "KRX"
"""The simulated market keeps the hours and holidays of the Korea Exchange."""

ADAPTER = "parquet_ticks"
"""What reads the files that the simulator writes."""


def complete_source(incomplete: str) -> list[str]:
    """Sources of the settings that can read simulated files, for the shell's completion."""
    from lakehouse_assets.settings import load_settings

    return [name for name in _readable(load_settings()) if name.startswith(incomplete)]


def simulate(
    days: Annotated[int, typer.Option(min=1, max=1000, help="Trading days, ending with the last date.")] = 3,
    rows_per_day: Annotated[int, typer.Option(min=1, help="Ticks a day.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed writes the same bytes.")] = 7,
    profile: Annotated[Literal["realistic", "hostile"], typer.Option(help="How many faults.")] = "realistic",
    last_date: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Last trading date; the last complete one by default.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(help="Folder of the landing zone, a source of the settings.", autocompletion=complete_source)
    ] = "simulated",
    as_json: Annotated[bool, typer.Option("--json", help="The summary as one JSON document.")] = False,
) -> None:
    """Land simulated ticks with known faults; the truth about them goes to a folder that no pipeline reads.

    Example: lakehouse simulate --days 3 --rows-per-day 100000 --seed 7 --profile hostile
    """
    from lakehouse_assets.settings import load_settings

    settings = load_settings()
    if source not in _readable(settings):
        raise typer.BadParameter(
            f"'{source}' is not a source with adapter {ADAPTER}: choose one of {', '.join(_readable(settings))} "
            "or add it to lakehouse.toml",
            param_hint="--source",
        )
    last = last_date.date() if last_date else _last_complete_date()
    try:
        report = _with_progress(settings, days, rows_per_day, seed, profile, last, source)
    except (ValueError, FileExistsError) as error:  # the simulator says which argument, or which files are in the way
        raise click.ClickException(str(error)) from error
    if as_json:
        write_json(asdict(report) | {"last_date": last})
        return
    _show_summary(report, f"trading days: {days}, the last {last}, seed {seed}, {profile}")
    say(f"landed below {settings.raw / source}, the truth below {settings.home / 'truth'}")


def _show_summary(report: "SimulationReport", title: str) -> None:
    show(("fault", "ticks"), sorted(report.faults.items()), title=title, right=("ticks",))
    rate = round(report.rows / report.seconds) if report.seconds else 0
    say(f"{report.rows:,} option ticks in {report.files:,} files, {size(report.bytes)}, {rate:,} ticks a second")


def _readable(settings: "Settings") -> list[str]:
    return [name for name, source in settings.sources.items() if source.adapter == ADAPTER]


def _last_complete_date() -> date:
    from lakehouse_assets.sources.sessions import last_complete_trading_date

    return last_complete_trading_date(VENUE, datetime.now(UTC))


def _with_progress(
    settings: "Settings", days: int, rows_per_day: int, seed: int, profile: "Profile", last_date: date, source: str
) -> "SimulationReport":
    """Simulate behind a progress bar on stderr, which is silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from lakehouse_assets.sources.simulator import simulate as run

    terminal = Console(stderr=True)
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as progress:
        task = progress.add_task("ticks", total=days * rows_per_day)
        return run(
            settings.raw,
            settings.home / "truth",
            days=days,
            rows_per_day=rows_per_day,
            seed=seed,
            profile=profile,
            last_date=last_date,
            source=source,
            progress=lambda rows: progress.advance(task, rows),
        )
