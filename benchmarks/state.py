"""The state that measurements share: simulated raw files, and homes that begin from the same tables.

Belongs here: folders of one session. Does not: measuring.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Measured, run

DAY = "2026-11-20"
SEED = 7


@dataclass
class Session:
    """A temporary folder, what is landed in it, and how often each side is run."""

    folder: Path
    rows: int
    repeats: int
    landed: dict[int, tuple[Path, Measured]] = field(default_factory=dict)

    def home(self, rows: int) -> tuple[Path, Measured]:
        """A state folder with that many simulated ticks landed and their manifest published; made once."""
        if rows not in self.landed:
            home = self.folder / f"landed_{rows}"
            self.landed[rows] = home, run("land", {"rows": rows, "day": DAY, "seed": SEED}, home=home)
        return self.landed[rows]

    def refined_home(self, rows: int) -> Path:
        """The same with both bronze tables published."""
        home, _ = self.home(rows)
        if not (home / "bronze_is_published").exists():
            for kind in ("option", "underlying"):
                run("ingest_ours", {"day": DAY, "kind": kind}, home=home)
            (home / "bronze_is_published").touch()
        return home

    @contextmanager
    def copy(self, home: Path) -> Iterator[Path]:
        """Another state folder that begins with the same tables and raw files; what is written to it is dropped."""
        other = Path(tempfile.mkdtemp(dir=self.folder, prefix="home_"))
        try:
            shutil.copy(home / "catalog.db", other / "catalog.db")
            (other / "raw").symlink_to(home / "raw")
            yield other
        finally:
            shutil.rmtree(other)


@contextmanager
def session(rows: int, repeats: int, folder: Path | None) -> Iterator[Session]:
    """Open a session in a temporary folder (below `folder`), which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="benchmarks_", dir=folder) as name:
        os.environ["PYTHONPYCACHEPREFIX"] = f"{name}/bytecode"  # compiled once a session, whatever else is there
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        yield Session(Path(name), rows, repeats)
