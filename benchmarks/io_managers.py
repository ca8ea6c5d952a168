"""Our asset against PolarsIcebergIOManager of dagster-iceberg: one asset, one day, one Parquet file.

Belongs here: the other package's environment, and the comparison. Both run through `dagster.materialize` in the
process, on a SQLite catalog and the local disk; ours has its gates, theirs has none.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.findings import Finding, Runs, at_least, at_most
from benchmarks.measure import PROJECT, Measured, alternate, environment, middle, ratio, run
from benchmarks.state import DAY, Session

LOCK = PROJECT / "benchmarks" / "dagster_iceberg" / "requirements.lock"
LEAST_TIMES = 3.0
MOST_MEMORY = 1 / 3


def measure(session: Session) -> list[Finding]:
    """Three sides at `rows`; theirs with a DataFrame and with a LazyFrame, the better of which counts."""
    python = their_python(session.folder)
    home, _ = session.home(session.rows)
    file = session.folder / "day.parquet"
    run("day_file", {"day": DAY, "target": str(file)}, home=home)

    def ours() -> Measured:
        with session.copy(home) as copy:
            return run("io_manager_ours", {"day": DAY, "file": str(file)}, home=copy)

    def theirs(shape: str) -> Measured:
        with tempfile.TemporaryDirectory(dir=session.folder) as folder:
            arguments = {"day": DAY, "file": str(file), "folder": folder, "shape": shape}
            return run("dagster_iceberg.theirs", arguments, python=python)

    sides = {"ours": ours, "DataFrame": lambda: theirs("frame"), "LazyFrame": lambda: theirs("lazy")}
    found = alternate(session.repeats, sides)
    if len({one.values["rows"] for runs in found.values() for one in runs}) != 1:
        raise RuntimeError("the sides did not write the same rows")
    runs = Runs()
    for name, side in found.items():
        label = name if name == "ours" else f"PolarsIcebergIOManager, {name}"
        runs.add(label, middle(side), middle(side).values["rows"])
    times, cpu = min(ratio(found[shape], found["ours"]) for shape in ("DataFrame", "LazyFrame"))
    memory = middle(found["ours"]).peak_mb / min(middle(found[shape]).peak_mb for shape in ("DataFrame", "LazyFrame"))
    figures = [
        at_least("against PolarsIcebergIOManager: times as fast", times, LEAST_TIMES, "{:.2f} x", cpu),
        at_most("against PolarsIcebergIOManager: share of its memory", memory, MOST_MEMORY),
    ]
    note = f"One asset, one day, {session.rows / 1e6:g} M rows of 12 columns; {_versions(python)}."
    return [Finding("Against dagster-iceberg", figures, runs.columns, runs.rows, note)]


def their_python(folder: Path) -> str:
    """The interpreter of an environment with exactly what the lock names, made in the session's folder."""
    place = folder / "dagster_iceberg_environment"
    python = place / "bin" / "python"
    print("    building the environment of dagster-iceberg", file=sys.stderr, flush=True)
    if uv := _uv():
        _call(uv, "venv", "--quiet", "--python", sys.executable, str(place))
        _call(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCK))
    else:
        _call(sys.executable, "-m", "venv", str(place))
        _call(str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK))
    return str(python)


def _uv() -> str | None:
    """The project's own (`make install` puts it there), or one on the path; without one, pip does."""
    own = PROJECT / ".uv" / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv")


def _call(*command: str) -> None:
    subprocess.run(command, check=True, env=environment(), stdin=subprocess.DEVNULL)


def _versions(python: str) -> str:
    names = ("dagster-iceberg", "pyiceberg", "polars", "dagster")
    text = f"from importlib.metadata import version; print(', '.join(f'{{n}} {{version(n)}}' for n in {names!r}))"
    said = subprocess.run([python, "-c", text], check=True, capture_output=True, text=True, env=environment())
    return said.stdout.strip()
