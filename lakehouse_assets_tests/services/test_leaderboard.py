"""All models beside one another: sorted, with intervals, as table, Markdown and JSON."""

import json
import shutil
from pathlib import Path

import pytest

from lakehouse_assets.cli import main
from lakehouse_assets.services.leaderboard import COLUMNS, as_markdown, cells, leaderboard
from lakehouse_assets.services.registry import DIGIT_MODEL, TICK_MODEL, ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.services.trained import RECIPES, lake_with_signal, store_at, train


@pytest.fixture(scope="module")
def home(digits_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with two learners of ticks, the first of them champion, and two networks."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(digits_home / "mlflow.db", folder)
    lake, store = lake_with_signal(folder), store_at(folder)
    for recipe in RECIPES[:2]:
        train(lake, store, recipe)
    ModelRegistry(store).promote("1", None)
    return folder


@pytest.mark.slow
def test_each_algorithm_stands_with_its_scores_the_best_of_each_model_first(home: Path) -> None:
    found = leaderboard(store_at(home))
    assert [one.model for one in found] == [TICK_MODEL, TICK_MODEL, DIGIT_MODEL, DIGIT_MODEL]
    ticks = found[:2]
    assert {one.algorithm for one in ticks} == {"xgboost", "lightgbm"}
    assert ticks[0].log_loss.value <= ticks[1].log_loss.value
    assert {one.version: one.aliases for one in ticks}["1"] == ("champion",)
    for one in ticks:
        assert one.naive_accuracy is not None
        assert one.lift_over_no_change is not None
        assert one.accuracy.low < one.accuracy.value < one.accuracy.high
        assert one.seconds > 0
        assert one.peak_memory_mb > 50
    networks = found[2:]
    assert {one.algorithm for one in networks} == {"pytorch_mnist_mlp", "tensorflow_mnist_mlp"}
    assert networks[0].log_loss.value <= networks[1].log_loss.value
    for one in networks:
        assert (one.naive_accuracy, one.lift_over_no_change, one.rows) == (None, None, 360)


@pytest.mark.slow
def test_the_markdown_has_a_cell_for_every_column_and_a_dash_for_what_has_no_meaning(home: Path) -> None:
    found = leaderboard(store_at(home))
    lines = as_markdown(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
    assert "| - |" in lines[-1]
    assert cells(found[0])[0] == TICK_MODEL


@pytest.mark.slow
def test_the_verb_shows_the_same_as_table_and_as_json(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home))
    load_settings.cache_clear()
    assert main(["leaderboard", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [one["version"] for one in said if one["model"] == TICK_MODEL and "champion" in one["aliases"]] == ["1"]
    assert 0 < said[0]["accuracy"]["low"] < 1
    assert main(["leaderboard"]) == 0
    assert "pytorch_mnist_mlp" in capsys.readouterr().out


def test_before_any_model_the_board_is_empty_and_says_what_to_do(
    store: TrackingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leaderboard(store) == []
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    load_settings.cache_clear()
    assert main(["leaderboard"]) == 0
    assert "no model is registered yet" in capsys.readouterr().out
