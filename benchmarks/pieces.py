"""Small pieces of work that every start or every model pays.

Belongs here: their targets.
"""

from benchmarks.findings import Finding, at_most
from benchmarks.measure import alternate, middle, run
from benchmarks.state import Session

TARGETS = {
    "check_seconds": ("every SQL text checked for portability: seconds", 2.0),
    "date_seconds": ("a million timestamps to trading dates: seconds", 0.5),
    "evaluate_seconds": ("scores of 20,000 rows with intervals of 400 samples: seconds", 1.0),
}


def measure(session: Session) -> list[Finding]:
    """Each piece once a process, after a warm-up."""
    typical = middle(alternate(session.repeats, {"pieces": lambda: run("pieces", {})})["pieces"])
    return [Finding("Pieces", [at_most(label, typical.values[part], most) for part, (label, most) in TARGETS.items()])]
