"""What a benchmark found, and how it is written down.

Belongs here: figures against targets, tables, Markdown. Does not: measuring.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.measure import Measured


@dataclass(frozen=True)
class Figure:
    """One figure beside its target; `is_met` is None where there is no target."""

    name: str
    measured: str
    target: str = ""
    is_met: bool | None = None


@dataclass(frozen=True)
class Finding:
    """A benchmark's figures, and the table of what was run for them."""

    title: str
    figures: Sequence[Figure]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    note: str = ""


@dataclass
class Runs:
    """Rows of a table of runs, one a side."""

    columns: Sequence[str] = ("", "wall", "CPU", "rows a second", "peak memory")
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, name: str, run: Measured, rows: int) -> None:
        """One side's medians."""
        speed = f"{rows / run.seconds / 1e6:.2f} M"
        self.rows.append((name, f"{run.seconds:.2f} s", f"{run.cpu_seconds:.2f} s", speed, f"{run.peak_mb:,.0f} MB"))


def at_least(name: str, value: float, target: float, form: str = "{:.2f}", cpu: float | None = None) -> Figure:
    """A figure that should not be lower; by wall time, with the same by CPU time beside it where given."""
    return Figure(name, _shown(value, form, cpu), f"at least {form.format(target)}", value >= target)


def at_most(name: str, value: float, target: float, form: str = "{:.2f}", cpu: float | None = None) -> Figure:
    """A figure that should not be higher; by wall time, with the same by CPU time beside it where given."""
    return Figure(name, _shown(value, form, cpu), f"at most {form.format(target)}", value <= target)


def _shown(value: float, form: str, cpu: float | None) -> str:
    return form.format(value) + ("" if cpu is None else f" (CPU {form.format(cpu)})")


def as_markdown(machine: Sequence[str], findings: Sequence[Finding]) -> str:
    """The whole report: the machine, the figures beside their targets, then what was run."""
    return "\n".join(_lines(machine, findings)) + "\n"


def _lines(machine: Sequence[str], findings: Sequence[Finding]) -> Iterator[str]:
    yield from (f"- {line}" for line in machine)
    yield ""
    figures = [(f.name, f.measured, f.target, _said(f.is_met)) for finding in findings for f in finding.figures]
    yield from table(("figure", "measured", "target", ""), figures)
    for finding in findings:
        if finding.rows:
            yield from ("", f"### {finding.title}", "")
            if finding.note:
                yield from (finding.note, "")
            yield from table(finding.columns, finding.rows)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'|'.join('---' for _ in columns)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _said(is_met: bool | None) -> str:
    return {True: "met", False: "**missed**", None: ""}[is_met]
