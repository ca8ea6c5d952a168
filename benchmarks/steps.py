"""What a step costs beyond its work when it runs through the executor.

Belongs here: steps of small gated tables and steps that do nothing, from the events of their runs.
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.findings import Finding, at_most
from benchmarks.measure import Measured, alternate, run
from benchmarks.state import Session

MOST_SECONDS = 0.5
Times = Sequence[Mapping[str, float]]


def measure(session: Session) -> list[Finding]:
    """Both jobs; the first step of a run starts the fork server and is told apart."""

    def side(job: str) -> Measured:
        with tempfile.TemporaryDirectory(dir=session.folder) as home:
            return run("step_times", {"job": job}, home=Path(home))

    side("nothing")  # the first one of a session compiles the modules
    jobs = {"gated table of one row": "small_tables", "nothing": "nothing"}
    found = alternate(session.repeats, {name: partial(side, job) for name, job in jobs.items()})
    rows, overhead = [], 0.0
    for name, runs in found.items():
        typical, first = _split(runs)
        rows += [_row(f"a step: {name}", typical), _row(f"the first step of a run: {name}", first)]
        overhead = overhead or typical["overhead"]
    figure = at_most("a step through the executor: seconds beyond its work", overhead, MOST_SECONDS)
    columns = ("", "whole step", "process ready", "setting up", "work", "the rest", "beyond the work")
    note = (
        "Whole step: from STEP_WORKER_STARTING to STEP_SUCCESS. Process ready: until STEP_WORKER_STARTED (fork). "
        "Setting up: from there to STEP_START (instance, definitions, resources). Work: stage, judge, measures and "
        "publish with the imports they cause. The rest: events, checks and metadata. One step runs at a time."
    )
    return [Finding("A step through the executor", [figure], columns, rows, note)]


def _split(runs: Sequence[Measured]) -> tuple[dict[str, float], dict[str, float]]:
    """Medians over the later steps, and over the first step, of all runs."""
    later, first = [], []
    for one in runs:
        inside = one.values["inside"]
        steps = [_parts(step, inside[place] if inside else 0.0) for place, step in enumerate(one.values["times"])]
        first.append(steps[0])
        later += steps[1:]
    return _medians(later), _medians(first)


def _parts(step: Mapping[str, float], work: float) -> dict[str, float]:
    whole = step["success"] - step["starting"]
    return {
        "whole": whole,
        "ready": step["started"] - step["starting"],
        "setting_up": step["begins"] - step["started"],
        "work": work,
        "rest": step["success"] - step["begins"] - work,
        "overhead": whole - work,
    }


def _medians(steps: Times) -> dict[str, float]:
    return {name: median(step[name] for step in steps) for name in steps[0]}


def _row(name: str, parts: Mapping[str, float]) -> Sequence[str]:
    return (name, *(f"{seconds:.2f} s" for seconds in parts.values()))
