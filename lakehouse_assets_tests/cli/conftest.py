"""The toy lake and a home with a model, each built once for all tests that only read it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lakehouse_assets.cli import main
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.cli.toy_lake import at_home, fill
from lakehouse_assets_tests.services.trained import RECIPES, lake_with_signal, store_at, train


class Toy(NamedTuple):
    """A filled lake and its snapshots by name."""

    lake: Lake
    snapshots: dict[str, int]


class Said(NamedTuple):
    """What the console script wrote, and its exit code."""

    code: int
    out: str
    err: str


class Script:
    """The console script in this process, through its real entry point."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Said:
        self._capsys.readouterr()
        code = main(arguments)
        return Said(code, *self._capsys.readouterr())


@pytest.fixture(scope="package")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        lake = at_home(monkeypatch, tmp_path_factory.mktemp("home"))
        yield Toy(lake, fill(lake))
    load_settings.cache_clear()


@pytest.fixture(scope="package")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with one version of `TickPricePredictor`."""
    folder = tmp_path_factory.mktemp("trained")
    assert train(lake_with_signal(folder), store_at(folder), RECIPES[0]).version == "1"
    return folder


@pytest.fixture
def lakehouse(capsys: pytest.CaptureFixture[str]) -> Script:
    load_settings.cache_clear()
    return Script(capsys)
