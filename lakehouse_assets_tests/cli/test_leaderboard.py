"""`leaderboard`: the models beside one another, or what to do before there is one."""

import json
import shutil
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.leaderboard import COLUMNS
from lakehouse_assets_tests.cli.conftest import Script
from lakehouse_assets_tests.cli.toy_lake import at_home


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lake:
    """The lake of a state folder where nothing was ever run."""
    return at_home(monkeypatch, tmp_path / "fresh")


def test_before_any_training_it_says_what_to_run_and_makes_no_store(home: Lake, lakehouse: Script) -> None:
    said = lakehouse("leaderboard")
    assert (said.code, said.err) == (0, "")
    assert said.out == "no model is registered yet: run the job ml_pipeline, or `lakehouse demo`\n"
    said = lakehouse("leaderboard", "--json")
    assert (said.code, json.loads(said.out), said.err) == (0, [], "")
    assert not home.settings.home.exists()


@pytest.mark.slow
def test_a_model_stands_with_its_scores_their_intervals_and_its_cost(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch, lakehouse: Script
) -> None:
    at_home(monkeypatch, trained_home)
    said = lakehouse("leaderboard")
    assert (said.code, said.err) == (0, "")
    assert "TickPricePredictor, each score with its 95 % interval" in said.out
    assert "xgboost" in said.out
    assert all(title.split()[0] in said.out for name, title in COLUMNS.items() if name != "model")
    assert "DigitClassifier" not in said.out

    (one,) = json.loads(lakehouse("leaderboard", "--json").out)
    assert list(one) == [*COLUMNS, "unreadable"]
    assert one["unreadable"] is None
    assert (one["model"], one["version"], one["algorithm"], one["aliases"]) == (
        "TickPricePredictor",
        "1",
        "xgboost",
        [],
    )
    for score in ("accuracy", "naive_accuracy", "lift_over_majority", "lift_over_no_change", "log_loss", "brier"):
        assert one[score]["low"] <= one[score]["value"] <= one[score]["high"]
    assert f"{one['accuracy']['value']:.3f}" in said.out


@pytest.mark.slow
def test_a_narrow_page_keeps_who_it_is_and_says_what_it_left_out(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch, lakehouse: Script
) -> None:
    at_home(monkeypatch, trained_home)
    monkeypatch.setenv("COLUMNS", "80")
    said = lakehouse("leaderboard")
    assert max(map(len, said.out.split("no room for")[0].splitlines())) <= 80
    score = json.loads(lakehouse("leaderboard", "--json").out)[0]["log_loss"]["value"]
    for whole in ("version", "xgboost", "accuracy", f"{score:.3f}"):
        assert whole in said.out
    assert "no room for peak MB, seconds, Brier" in said.out


@pytest.mark.slow
def test_a_version_whose_record_is_gone_stands_with_dashes_and_the_reason(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lakehouse: Script
) -> None:
    lake = at_home(monkeypatch, tmp_path / "home")
    lake.settings.home.mkdir()
    shutil.copy(trained_home / "mlflow.db", lake.settings.home)
    hidden = trained_home / "mlartifacts"
    hidden.rename(trained_home / "away")
    try:
        said = lakehouse("leaderboard")
    finally:
        (trained_home / "away").rename(hidden)
    assert (said.code, said.err) == (0, "")
    assert "the record of version 1 of TickPricePredictor cannot be read" in said.out
    assert "Traceback" not in said.out


def test_the_help_shows_the_way(lakehouse: Script) -> None:
    said = lakehouse("leaderboard", "--help")
    assert said.code == 0
    assert "Example: lakehouse leaderboard" in said.out
    wrong = lakehouse("leaderboard", "TickPricePredictor")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.count("\n") == 1
