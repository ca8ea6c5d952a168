"""The learners of ticks: a fit against the bare library call, and what memory does as rows grow.

Belongs here: both comparisons. Does not: how good the models are.
"""

from functools import partial
from typing import Any

from benchmarks.findings import Figure, Finding, Runs, at_most
from benchmarks.measure import Measured, alternate, middle, ratio, run
from benchmarks.state import Session

ROWS, QUICK_ROWS = 1_000_000, 20_000
USUAL_ROWS = 5_000_000
MOST_TIMES = 1.2
ON_ALL_ROWS: dict[str, dict[str, Any]] = {
    "xgboost": {},
    "lightgbm": {},
    "random_forest": {"sample_rows": 2 * ROWS},  # the bare call has no sample
}
ROUNDS = {"rounds": 50}
GROWING: dict[str, tuple[dict[str, Any], dict[int, float | None]]] = {
    "xgboost": ({**ROUNDS, "external_memory": True}, {2_000_000: 387, 8_000_000: 616, 20_000_000: 1_228}),
    "lightgbm": (ROUNDS, {2_000_000: 423, 8_000_000: 857}),
    "random_forest": ({}, {2_000_000: None, 8_000_000: 445}),
}
"""Parameters, and the memory aimed at by number of rows, in MB: what each library takes alone, fed the same way."""
NEAR = 1.1


def measure(session: Session) -> list[Finding]:
    """Seconds at one size, memory at several."""
    return [_against_bare(session), _memory(session)]


def _against_bare(session: Session) -> Finding:
    rows = ROWS if session.rows >= USUAL_ROWS else QUICK_ROWS
    figures, runs = [], Runs()
    for algorithm, parameters in ON_ALL_ROWS.items():
        asked = {"algorithm": algorithm, "rows": rows, "parameters": parameters, "folder": str(session.folder)}
        sides = {
            f"{algorithm}: ours": partial(run, "fit_ours", asked),
            f"{algorithm}: the bare call": partial(run, "fit_bare", asked),
        }
        found = alternate(session.repeats, sides)
        ours, bare = found.values()
        times, cpu = ratio(ours, bare)
        label = f"{algorithm}, {rows / 1e6:g} M x 25: fit against the bare library call"
        figures.append(at_most(label, times, MOST_TIMES, "{:.2f} x", cpu))
        for name, side in found.items():
            runs.add(name, middle(side), rows)
    note = (
        "Ours reads the rows from their file batch by batch; the bare call has "
        "them in memory as float32. The forest grows on quantile codes; both sides learn from all rows. Two threads."
    )
    return Finding("Fit of a learner", figures, runs.columns, runs.rows, note)


def _memory(session: Session) -> Finding:
    figures, runs = [], Runs()
    for algorithm, (parameters, aims) in GROWING.items():
        for rows, aim in aims.items() if session.rows >= USUAL_ROWS else [(QUICK_ROWS, None)]:
            asked = {"algorithm": algorithm, "rows": rows, "parameters": parameters, "folder": str(session.folder)}
            found = alternate(1, {f"{algorithm}, {rows:,} rows": partial(run, "fit_ours", asked)})
            for name, side in found.items():
                one = middle(side)
                runs.add(name, one, rows)
                if aim:
                    figures.append(_aimed(name, one, aim))
    note = (
        "Each in a fresh process, once, 25 features, five of them null on a tenth of the rows. XGBoost keeps its bins "
        "on disk; both boosters make 50 rounds. The forest learns from 500,000 rows drawn by hash, whatever there is."
    )
    return Finding("Memory of a fit", figures, runs.columns, runs.rows, note)


def _aimed(name: str, one: Measured, aim: float) -> Figure:
    return Figure(f"{name}: peak memory in MB", f"{one.peak_mb:,.0f}", f"about {aim:,.0f}", one.peak_mb <= NEAR * aim)
