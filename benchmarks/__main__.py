"""`python -m benchmarks`: run them, print the report, and write it down where asked.

Belongs here: the options. Does not: any measurement.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.findings import Figure, Finding, as_markdown
from benchmarks.machine import described
from benchmarks.measure import WorkFailed
from benchmarks.state import Session, session

BENCHMARKS = (
    "ingestion",
    "refinement",
    "io_managers",
    "steps",
    "startup",
    "pieces",
    "simulation",
    "learners",
    "networks",
)
BY_NAME_ONLY = ("model_scores", "engines")
"""What models score stands in docs/models.md, not beside the figures of speed; engines need the real servers."""
ROWS, QUICK_ROWS = 5_000_000, 200_000
REPEATS = 3
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure the figures of docs/performance.md."
    )
    parser.add_argument(
        "--rows", type=int, default=ROWS, help="rows of the day (ingestion also takes four times as many)"
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="how often each side runs")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows, once: do they run? No figures.")
    parser.add_argument(
        "--only", nargs="+", choices=(*BENCHMARKS, *BY_NAME_ONLY), default=BENCHMARKS, metavar="NAME",
        help=f"{', '.join(BENCHMARKS)}; only by its name: {', '.join(BY_NAME_ONLY)}",
    )  # fmt: skip
    parser.add_argument("--folder", type=Path, help="where the temporary files go (5 GB at the usual size)")
    parser.add_argument("--write", type=Path, help="replace the figures in this file, e.g. docs/performance.md")
    chosen = parser.parse_args(arguments)
    if chosen.quick and chosen.write:
        parser.error("--quick gives no figures to write down: leave out one of --quick and --write")
    return chosen


def measured(names: Sequence[str], opened: Session) -> list[Finding]:
    """Run benchmarks one after the other."""
    findings: list[Finding] = []
    for name in names:
        started = time.perf_counter()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            findings += importlib.import_module(f"benchmarks.{name}").measure(opened)
        except WorkFailed as error:  # the others' figures hold all the same
            print(f"{name} FAILED: {error}", file=sys.stderr, flush=True)
            findings.append(Finding(name, [Figure(name, "failed, see the log", "", False)]))
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return findings


def write_between(path: Path, text: str) -> None:
    """Put the report between the markers of a document.

    Raises:
        ValueError: the document has no markers.
    """
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} has no lines {BEGIN} and {END}: add them where the figures belong")
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure and report."""
    chosen = options()
    rows, repeats = (QUICK_ROWS, 1) if chosen.quick else (chosen.rows, chosen.repeats)
    with session(rows, repeats, chosen.folder) as opened:
        findings = measured(chosen.only, opened)
    text = as_markdown(list(described(repeats)), findings)
    print(text)
    if chosen.quick:
        print("With --quick this only shows that everything runs: fixed costs outweigh the rows.")
    if chosen.write:
        write_between(chosen.write, text)


if __name__ == "__main__":
    main()
