"""Two state folders: one that holds something, and one that is to receive it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.copying import Copied, copy
from lakehouse_assets.services.copying.report import Progress, silent
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.services.copying.days import DAYS
from lakehouse_assets_tests.services.trained import put_day


@dataclass(frozen=True)
class Ends:
    """Where it is copied from, and where to; each time asked, a lake that has read nothing yet."""

    here: Path
    there: Path

    @property
    def source(self) -> Lake:
        return Lake(Settings(home=self.here))

    @property
    def target(self) -> Lake:
        return Lake(Settings(home=self.there))

    def copy(self, keep: bool = False) -> dict[str, tuple[int, int, int]]:
        """Copy; how many were copied, there and left, by what they are."""
        return counts(self.run(keep))

    def run(self, keep: bool = False, progress: Progress = silent) -> Copied:
        return copy(Settings(home=self.here), Settings(home=self.there), keep=keep, progress=progress)


def counts(copied: Copied) -> dict[str, tuple[int, int, int]]:
    return {line.what: (line.copied, line.there, line.left) for line in copied.lines}


@pytest.fixture
def ends(schema: Path, tmp_path: Path) -> Ends:
    found = Ends(tmp_path / "here", tmp_path / "there")
    for folder in (found.here, found.there):
        folder.mkdir()
        shutil.copy(schema, folder / "mlflow.db")
    return found


@pytest.fixture
def two_days(ends: Ends) -> Ends:
    for number, day in enumerate(DAYS):
        put_day(ends.source, day, seed=number)
    return ends
