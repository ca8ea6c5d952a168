"""The verb `demo`: the whole way once, from landed files to a registered model, ending with one page.

Belongs here: what lands, which dates run, progress. Does not: the page (`demo_page`), nor how a job runs (`services`).
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from lakehouse_assets.cli.demo_page import show_page
from lakehouse_assets.cli.rendering import say

if TYPE_CHECKING:
    from lakehouse_assets.services.pipeline import RunReport
    from lakehouse_assets.settings import Settings

JOB, NETWORKS_JOB = "ml_pipeline_end_to_end", "ml_pipeline"
NETWORKS = ("raw_mnist_images", "model_tensorflow_mnist_mlp", "model_tensorflow_mnist_cnn", "model_pytorch_mnist_mlp",
            "model_pytorch_mnist_cnn")  # fmt: skip
DAYS = 3
ROWS_PER_DAY = 80_000
SEED = 7
SOURCE = "simulated"


def demo() -> None:
    """Simulate three trading days, land them beside real ticks, run the whole way, and show what came out.

    A second demo on the same state lands nothing and publishes nothing that is there already.

    Example: lakehouse demo
    """
    from lakehouse_assets.settings import load_settings

    settings = load_settings()
    seconds: dict[str, float] = {}
    with _timed(seconds, "simulate and land"):
        _land(settings)
    with _timed(seconds, "scan for dates"):
        stretches = _stretches(settings)
    reports = []
    for first, last in stretches[:-1]:  # a model of the first days alone would be outdated at once
        with _timed(seconds, f"tables of {first} .. {last}"):
            reports.append(_run(settings, JOB, first, last, _tables()))
    for first, last in stretches[-1:]:
        with _timed(seconds, f"tables of {first} .. {last}, models"):
            reports.append(_run(settings, JOB, first, last))
        with _timed(seconds, "networks"):
            reports.append(_run(settings, NETWORKS_JOB, first, last, NETWORKS))
    show_page(settings, reports, seconds)
    failed = [report for report in reports if not report.succeeded]
    if failed:
        steps = ", ".join(f"{step}: {why}" for report in failed for step, why in report.failures.items())
        raise click.ClickException(f"{steps} (see `make dev`, Runs; details in {_log(settings)})")


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[stage] = time.monotonic() - started


def _land(settings: "Settings") -> None:
    """The bundled real ticks, and simulated days where none are there yet."""
    from lakehouse_assets.sources.samples import land_lean_sample
    from lakehouse_assets.sources.sessions import last_complete_trading_date
    from lakehouse_assets.sources.simulator import simulate

    real = land_lean_sample(settings.raw)
    say(f"landed {len(real)} files of real ticks" if real else "the real ticks are landed already")
    if len({path.parent for path in (settings.raw / SOURCE).glob("*/part-*.parquet")}) >= DAYS:
        say("the simulated days are landed already")
        return
    report = simulate(
        settings.raw,
        settings.home / "truth",
        days=DAYS,
        rows_per_day=ROWS_PER_DAY,
        seed=SEED,
        profile="realistic",
        last_date=last_complete_trading_date("KRX", datetime.now(UTC)),
        source=SOURCE,
    )
    say(f"landed {report.files} files with {report.rows:,} simulated ticks of {DAYS} trading days")


def _stretches(settings: "Settings") -> list[tuple[date, date]]:
    """Every complete landed trading date, as stretches of consecutive days, oldest first."""
    from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.table import pin
    from lakehouse_assets.partitions import ranges
    from lakehouse_assets.sources.landing import complete_dates, scan

    now = datetime.now(UTC)
    known = pin(Lake(settings), RAW_OPTION_TICK_FILES).batches().read_all()
    return list(ranges(complete_dates(scan(settings.raw, settings, known, now), settings, now)))


def _tables() -> list[str]:
    """The tables of the main job, up to features and labels."""
    from lakehouse_assets.contracts.catalog import CONTRACTS
    from lakehouse_assets.layers import MODELS

    return [name for name, contract in CONTRACTS.items() if contract.layer != MODELS and name not in NETWORKS]


def _run(settings: "Settings", job: str, first: date, last: date, assets: Sequence[str] | None = None) -> "RunReport":
    """One run of a job, with its steps shown as they go; Dagster's own lines go to a log file."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from lakehouse_assets.services.instance import embedded_instance
    from lakehouse_assets.services.pipeline import run_job

    with _logged(settings) as terminal, embedded_instance(settings) as instance:
        console = Console(file=terminal)
        columns = (TextColumn(f"{first} .. {last}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                   TextColumn("{task.description}"))  # fmt: skip
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("starting")

            def watch(step: str, report: "RunReport") -> None:
                done = len(report.seconds) + len(report.failures)
                progress.update(task, total=report.steps, completed=done, description=step)
                if not console.is_terminal and step in report.seconds:
                    console.print(f"{first} .. {last}  {done:>2}/{report.steps}  {step} {report.seconds[step]:.1f} s")

            return run_job(instance, job, first, last, watch, assets)


@contextmanager
def _logged(settings: "Settings") -> Iterator[TextIO]:
    """Send what this process and its steps write to stdout and stderr to a log file; yields the real stdout."""
    log = _log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("a", encoding="utf-8") as target, os.fdopen(os.dup(kept[0]), "w", encoding="utf-8") as terminal:
        os.dup2(target.fileno(), 1)
        os.dup2(target.fileno(), 2)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, saved in zip((1, 2), kept, strict=True):
                os.dup2(saved, number)
                os.close(saved)


def _log(settings: "Settings") -> Path:
    return settings.home / "logs" / "demo.log"
