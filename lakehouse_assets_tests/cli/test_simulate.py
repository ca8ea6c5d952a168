"""`simulate`: what lands, what is said, and which arguments are refused."""

import json
from pathlib import Path

import pytest

from lakehouse_assets_tests.cli.conftest import Script
from lakehouse_assets_tests.cli.toy_lake import at_home

SMALL = ("--days", "1", "--rows-per-day", "500", "--last-date", "2026-11-20")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    at_home(monkeypatch, tmp_path)
    return tmp_path


def test_files_land_below_raw_and_the_truth_elsewhere(home: Path, lakehouse: Script) -> None:
    said = lakehouse("simulate", *SMALL, "--seed", "3", "--profile", "hostile", "--json")
    assert said.code == 0, said.err
    report = json.loads(said.out)
    landed = [file for file in (home / "raw" / "simulated").rglob("*") if file.is_file()]
    assert report["rows"] == 500
    assert report["files"] == len(landed) > 0
    assert report["last_date"] == "2026-11-20"
    assert any((home / "truth").rglob("*"))
    assert sum(report["faults"].values()) > 0


def test_people_get_a_summary(home: Path, lakehouse: Script) -> None:
    said = lakehouse("simulate", *SMALL)
    assert said.code == 0, said.err
    assert "500 option ticks in" in said.out
    assert str(home / "raw" / "simulated") in said.out
    assert said.err == ""


def test_the_last_complete_trading_date_is_the_default(lakehouse: Script) -> None:
    said = lakehouse("simulate", "--days", "1", "--rows-per-day", "200", "--json")
    assert said.code == 0, said.err
    assert len(json.loads(said.out)["last_date"]) == len("2026-11-20")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--source", "lean"), 2, "'lean' is not a source with adapter parquet_ticks"),
        (("--source", "../x"), 2, "choose one of simulated"),
        (("--profile", "rosy"), 2, "'hostile'"),
        (("--days", "0"), 2, "--days"),
        (("--last-date", "tomorrow"), 2, "--last-date"),
    ],
)
def test_a_wrong_argument_is_one_line_and_lands_nothing(
    home: Path, lakehouse: Script, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = lakehouse("simulate", *arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert not (home / "raw").exists()
