"""The measuring process's side: fresh children, alternating repeats, medians.

Belongs here: running a module of `work` and taking its numbers. Does not: what is measured.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
MB = 1_000_000
SHOWN_OF_LOG = 4_000
OWN_VARIABLES = ("LAKEHOUSE_", "DAGSTER_", "PYTHONPATH")
"""Settings of the caller that a measurement must not depend on."""


class WorkFailed(RuntimeError):
    """A measured process ended with an error; the message holds the end of its log."""


@dataclass(frozen=True)
class Measured:
    """One run of a piece of work, or the medians of several.

    `seconds` and `cpu_seconds` are of the work without interpreter start and imports; `process_seconds` is all of
    it; `peak_mb` is the highest resident memory of the process (or of its largest child), in MB of 1,000,000 bytes.
    """

    seconds: float
    cpu_seconds: float
    process_seconds: float
    peak_mb: float
    values: Mapping[str, Any]


def environment(home: Path | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a measured process: the caller's without its settings, failing at once, on its own state."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    own = {"LAKEHOUSE_RETRIES__TRIES": "0"}
    return kept | own | dict(extra or {}) | ({"LAKEHOUSE_HOME": str(home)} if home else {})


def run(
    work: str,
    arguments: Mapping[str, Any],
    *,
    home: Path | None = None,
    python: str = sys.executable,
    extra: Mapping[str, str] | None = None,
) -> Measured:
    """Run `benchmarks.work.<work>` (or a dotted module below `benchmarks`) once, in a fresh process.

    Raises:
        WorkFailed: it did not succeed.
    """
    module = f"benchmarks.{work}" if "." in work else f"benchmarks.work.{work}"
    os.sync()  # what the run before has written must not be flushed on this one's time
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as log:
        started = time.perf_counter()
        child = subprocess.Popen(
            [python, "-m", module, json.dumps(arguments)],
            cwd=PROJECT, env=environment(home, extra), stdin=subprocess.DEVNULL, stdout=output, stderr=log,
        )  # fmt: skip
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        log.seek(0)
        if child.returncode:
            raise WorkFailed(
                f"{module} {json.dumps(arguments)} ended with {child.returncode}:\n{log.read()[-SHOWN_OF_LOG:]}"
            )
        said = json.loads(output.read().strip().splitlines()[-1])
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Measured(said.pop("seconds"), said.pop("cpu_seconds"), seconds, kilobytes * 1024 / MB, said)


def alternate(repeats: int, sides: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Run each side once, then again from the first: A B A B A B."""
    runs: dict[str, list[Measured]] = {name: [] for name in sides}
    for number in range(repeats):
        for name, side in sides.items():
            one = side()
            said = f"{one.seconds:.2f} s, {one.cpu_seconds:.2f} s CPU, {one.peak_mb:.0f} MB"
            print(f"    {name} {number + 1}/{repeats}: {said}", file=sys.stderr, flush=True)
            runs[name].append(one)
    return runs


def middle(runs: Sequence[Measured]) -> Measured:
    """The median of each number on its own; of the peak memory, the highest."""
    numbers = {
        name: median(run.values[name] for run in runs)
        for name, value in runs[0].values.items()
        if isinstance(value, int | float)
    }
    return Measured(
        median(run.seconds for run in runs),
        median(run.cpu_seconds for run in runs),
        median(run.process_seconds for run in runs),
        max(run.peak_mb for run in runs),
        {**runs[0].values, **numbers},
    )


def ratio(above: Sequence[Measured], below: Sequence[Measured]) -> tuple[float, float]:
    """The median of the seconds of neighbouring runs, one by the other: wall, then CPU (less disturbed)."""
    pairs = list(zip(above, below, strict=True))
    return median(a.seconds / b.seconds for a, b in pairs), median(a.cpu_seconds / b.cpu_seconds for a, b in pairs)
