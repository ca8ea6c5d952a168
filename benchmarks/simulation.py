"""The simulator: rows a second, and memory.

Belongs here: one measurement.
"""

import tempfile
from pathlib import Path

from benchmarks.findings import Figure, Finding, Runs
from benchmarks.measure import Measured, alternate, middle, run
from benchmarks.state import DAY, SEED, Session

ROWS, QUICK_ROWS = 2_000_000, 200_000
USUAL_ROWS = 5_000_000
ABOUT_ROWS_A_SECOND = 1_000_000
NEAR_ENOUGH = 0.9


def measure(session: Session) -> list[Finding]:
    """A day of two million rows."""
    rows = ROWS if session.rows >= USUAL_ROWS else QUICK_ROWS

    def side() -> Measured:
        with tempfile.TemporaryDirectory(dir=session.folder) as home:
            return run("simulate", {"rows": rows, "day": DAY, "seed": SEED}, home=Path(home))

    typical = middle(alternate(session.repeats, {"simulator": side})["simulator"])
    runs = Runs()
    runs.add(f"one day of {rows / 1e6:g} M rows, profile realistic", typical, rows)
    label = f"simulator, {rows / 1e6:g} M rows: M rows a second"
    speed, wanted = rows / typical.seconds / 1e6, ABOUT_ROWS_A_SECOND / 1e6
    figure = Figure(label, f"{speed:.2f}", f"about {wanted:.2f}", speed >= NEAR_ENOUGH * wanted)
    return [Finding("Simulator", [figure], runs.columns, runs.rows)]
