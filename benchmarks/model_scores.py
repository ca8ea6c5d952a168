"""The learners of ticks on real ticks beside simulated ones: their leaderboards, as they come out.

Belongs here: which ticks, and one table a source. Does not: any target; a score is what it is.
"""

import tempfile
from pathlib import Path

from benchmarks.findings import Figure, Finding
from benchmarks.measure import Measured, run
from benchmarks.state import DAY, SEED, Session
from lakehouse_assets.learners.judgement import FEWEST_BLOCKS
from lakehouse_assets_tests.paths import SHARED_DATA

LEAN = SHARED_DATA / "lean_us_options" / "Data"
DAYS, ROWS_A_DAY, QUICK_ROWS_A_DAY = 3, 80_000, 10_000
USUAL_ROWS = 5_000_000
READING = "Each score with its 95 % interval over blocks of half an hour; the naive split is a warning, not a result."


def measure(session: Session) -> list[Finding]:
    """Both sources, each in a state folder of its own."""
    rows = ROWS_A_DAY if session.rows >= USUAL_ROWS else QUICK_ROWS_A_DAY
    simulated = {"source": "simulated", "days": DAYS, "rows": rows, "seed": SEED, "last_date": DAY}
    real = "Lean's US options" if LEAN.is_dir() else "Lean's US options, the bundled sample alone"
    return [
        _finding(session, f"Real ticks: {real}", {"source": "real", "lean": str(LEAN)}),
        _finding(session, f"Simulated ticks: {DAYS} days of {rows:,}", simulated),
    ]


def _finding(session: Session, title: str, arguments: dict[str, object]) -> Finding:
    with tempfile.TemporaryDirectory(dir=session.folder) as home:
        one = run("score_ticks", arguments, home=Path(home))
    said = one.values
    if not said["board"]:
        return Finding(title, [Figure(title, "; ".join(f"{name}: {why}" for name, why in said["none"].items()))])
    figures = [Figure(f"{title}: accuracy of {name}", against) for name, against in said["against"].items()]
    return Finding(title, figures, said["head"], said["board"], _note(one))


def _note(one: Measured) -> str:
    said = one.values
    few = f" (fewer than {FEWEST_BLOCKS}: its intervals say little)" if said["blocks"] < FEWEST_BLOCKS else ""
    refused = "".join(f" No version of {name}: {why}." for name, why in said["none"].items())
    return (
        f"Trading dates {', '.join(said['stretches'])}; {said['labelled']:,} labelled rows, the last quarter held out, "
        f"{said['blocks']} blocks of time in it{few}. "
        f"There the majority of training is right on {said['majority']:.3f}, no "
        f"change on {said['no_change']:.3f}. {READING}{refused}"
    )
