"""RAW Parquet to bronze: the lake's write path against the same engine writing plain Parquet.

Belongs here: the comparison at two sizes, and the memory that it may take.
"""

from benchmarks.findings import Figure, Finding, Runs, at_least, at_most
from benchmarks.measure import MB, Measured, alternate, middle, ratio, run
from benchmarks.state import DAY, Session

LEAST_RATIO = 0.8
ALLOWED_ABOVE_LIMIT_MB = 500
SAME_MEMORY = 1.05
"""Peak memory repeats to a few percent: within them it is "no higher"."""

BIGGER = 4


def measure(session: Session) -> list[Finding]:
    """Both sides at `rows` and at four times as many."""
    runs, figures, peaks = Runs(), list[Figure](), []
    for rows in (session.rows, session.rows * BIGGER):
        ours, plain, by_engine, scan_seconds = _both(session, rows)
        label = f"{rows / 1e6:g} M rows"
        throughput, cpu = ratio(plain, ours)
        name = f"RAW to bronze, {label}: throughput against plain Parquet"
        figures.append(at_least(name, throughput, LEAST_RATIO, cpu=cpu))
        typical = middle(ours)
        parts = ", ".join(f"{part} {typical.values[f'{part}_seconds']:.2f} s" for part in ("stage", "judge", "publish"))
        runs.add(f"{label}: ours ({parts})", typical, rows)
        runs.add(f"{label}: plain, one COPY into the day's folder", middle(plain), rows)
        if by_engine:
            runs.add(f"{label}: plain, COPY with PARTITION_BY", middle(by_engine), rows)
        runs.rows.append((f"{label}: scan of the landed files, beforehand", f"{scan_seconds:.2f} s", "", "", ""))
        peaks.append(typical.peak_mb)
    limit = _memory_limit_mb() + ALLOWED_ABOVE_LIMIT_MB
    figures.append(at_most("RAW to bronze: peak memory in MB", max(peaks), limit, "{:,.0f}"))
    figures.append(
        Figure(
            f"RAW to bronze: peak memory at {BIGGER} times the rows",
            f"{peaks[1] / peaks[0]:.2f} x",
            "no higher",
            peaks[1] <= peaks[0] * SAME_MEMORY,
        )
    )
    return [Finding("RAW Parquet to bronze", figures, runs.columns, runs.rows)]


def _both(session: Session, rows: int) -> tuple[list[Measured], list[Measured], list[Measured], float]:
    home, landed = session.home(rows)

    def side(work: str, **arguments: object) -> Measured:
        with session.copy(home) as copy:
            return run(work, {"day": DAY, "kind": "option", **arguments}, home=copy)

    sides = {"ours": lambda: side("ingest_ours"), "plain": lambda: side("ingest_plain")}
    if rows == session.rows:
        sides["plain, PARTITION_BY"] = lambda: side("ingest_plain", by_engine=True)
    found = alternate(session.repeats, sides)
    written = {name: {one.values["rows"] for one in runs} for name, runs in found.items()}
    if any(counts != {rows} for counts in written.values()):
        raise RuntimeError(f"the sides did not write the same {rows:,} rows: {written}")
    return found["ours"], found["plain"], found.get("plain, PARTITION_BY", []), landed.values["scan_seconds"]


def _memory_limit_mb() -> float:
    from lakehouse_assets.settings import load_settings

    text = load_settings().engine.memory_limit
    return int(text[:-2]) * {"MB": 1_000_000, "GB": 1_000_000_000}[text[-2:]] / MB
