"""Bronze to features: ten gated tables against a plain script of the same SQL texts.

Belongs here: the comparison at one size.
"""

from collections.abc import Sequence

from benchmarks.findings import Finding, at_most
from benchmarks.measure import Measured, alternate, middle, ratio, run
from benchmarks.state import DAY, Session

MOST_TIMES = 1.35


def measure(session: Session) -> list[Finding]:
    """Three sides at `rows`: ours, and the plain script with bronze shown to the engine in two ways."""
    home = session.refined_home(session.rows)

    def side(work: str, **arguments: object) -> Measured:
        with session.copy(home) as copy:
            return run(work, {"day": DAY, **arguments}, home=copy)

    sides = {
        "ours": lambda: side("refine_ours"),
        "plain": lambda: side("refine_plain"),
        "plain, by field id": lambda: side("refine_plain", by_field_id=True),
    }
    found = alternate(session.repeats, sides)
    if len({one.values["rows"] for runs in found.values() for one in runs}) != 1:
        raise RuntimeError("the sides did not write the same rows")
    times, cpu = max(ratio(found["ours"], found[name]) for name in found if name != "ours")
    label = f"bronze to features, {session.rows / 1e6:g} M rows: time against a plain script"
    figure = at_most(label, times, MOST_TIMES, "{:.2f} x", cpu)
    note = (
        "Seconds of a table are those of writing it; judging and publishing stand in lines of their own. By field id "
        "(as the lake reads) the engine knows no row counts and orders the joins otherwise. The faster script counts."
    )
    return [
        Finding("Bronze to features", [figure], ("", *found), _rows([middle(runs) for runs in found.values()]), note)
    ]


def _rows(sides: Sequence[Measured]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        ("all ten tables, wall", *(f"{one.seconds:.2f} s" for one in sides)),
        ("CPU", *(f"{one.cpu_seconds:.2f} s" for one in sides)),
        ("peak memory", *(f"{one.peak_mb:,.0f} MB" for one in sides)),
    ]
    for name in (name for name in sides[0].values if name.endswith("_seconds")):
        seconds = (f"{one.values[name]:.2f} s" if name in one.values else "" for one in sides)
        rows.append((name.removesuffix("_seconds"), *seconds))
    return rows
