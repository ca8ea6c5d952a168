"""Bronze to features: nine gated tables against a plain script of the same SQL texts.

Belongs here: the comparison at one size.
"""

from benchmarks.findings import Finding, Runs, at_most
from benchmarks.measure import Measured, alternate, middle, ratio, run
from benchmarks.state import DAY, Session

MOST_TIMES = 1.35


def measure(session: Session) -> list[Finding]:
    """Both sides at `rows`."""
    home = session.refined_home(session.rows)

    def side(work: str) -> Measured:
        with session.copy(home) as copy:
            return run(work, {"day": DAY}, home=copy)

    found = alternate(session.repeats, {"ours": lambda: side("refine_ours"), "plain": lambda: side("refine_plain")})
    ours, plain = middle(found["ours"]), middle(found["plain"])
    if ours.values["rows"] != plain.values["rows"]:
        raise RuntimeError(f"the sides did not write the same rows: {ours.values['rows']}, {plain.values['rows']}")
    runs = Runs(("", "ours", "plain"))
    runs.rows.append(("all nine tables, wall", f"{ours.seconds:.2f} s", f"{plain.seconds:.2f} s"))
    runs.rows.append(("CPU", f"{ours.cpu_seconds:.2f} s", f"{plain.cpu_seconds:.2f} s"))
    runs.rows.append(("peak memory", f"{ours.peak_mb:,.0f} MB", f"{plain.peak_mb:,.0f} MB"))
    for name in ours.values:
        if name.endswith("_seconds"):
            below = f"{plain.values[name]:.2f} s" if name in plain.values else ""
            runs.rows.append((name.removesuffix("_seconds"), f"{ours.values[name]:.2f} s", below))
    label = f"bronze to features, {session.rows / 1e6:g} M rows: time against a plain script"
    figure = at_most(label, ratio(found["ours"], found["plain"]), MOST_TIMES, "{:.2f} x")
    note = "Seconds of a table are those of writing it; judging and publishing stand in lines of their own."
    return [Finding("Bronze to features", [figure], runs.columns, runs.rows, note)]
