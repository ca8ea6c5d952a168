"""All models beside one another: sorted, with intervals, as table, Markdown and JSON."""

import dataclasses
import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
import sqlalchemy

from lakehouse_assets.cli import main
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.leaderboard import COLUMNS, Standing, as_markdown, cells, leaderboard, remarks
from lakehouse_assets.services.registry import DIGIT_MODEL, TICK_MODEL, ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets_tests.services.trained import FIRST, RECIPES, lake_with_signal, put_day, store_at, train


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


def log_loss(standing: Standing) -> float:
    assert standing.log_loss is not None
    return standing.log_loss.value


@pytest.mark.slow
def test_each_algorithm_stands_with_its_scores_the_best_of_each_model_first(home: Path) -> None:
    found = leaderboard(store_at(home))
    assert [one.model for one in found] == [TICK_MODEL, TICK_MODEL, DIGIT_MODEL, DIGIT_MODEL]
    ticks = found[:2]
    assert {one.algorithm for one in ticks} == {"xgboost", "lightgbm"}
    assert ticks[0].judged_from == ticks[1].judged_from is not None
    assert log_loss(ticks[0]) <= log_loss(ticks[1])
    assert {one.version: one.aliases for one in ticks}["1"] == ("champion",)
    for one in ticks:
        assert one.naive_accuracy is not None
        assert one.lift_over_no_change is not None
        assert one.accuracy is not None
        assert one.accuracy.low < one.accuracy.value < one.accuracy.high
        assert (one.seconds or 0) > 0
        assert (one.peak_memory_mb or 0) > 50
    networks = found[2:]
    assert {one.algorithm for one in networks} == {"pytorch_mnist_mlp", "tensorflow_mnist_mlp"}
    assert log_loss(networks[0]) <= log_loss(networks[1])
    for one in networks:
        assert (one.naive_accuracy, one.lift_over_no_change, one.rows) == (None, None, 360)


@pytest.mark.slow
def test_the_markdown_has_a_cell_for_every_column_and_a_dash_for_what_has_no_meaning(home: Path) -> None:
    found = leaderboard(store_at(home))
    lines = as_markdown(found).splitlines()
    assert len(lines) == 2 + len(found)
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
    assert "| - |" in lines[-1]
    assert remarks(found) == []
    assert cells(found[0])[0] == TICK_MODEL


@pytest.mark.slow
def test_a_version_whose_record_is_gone_stands_without_scores_and_with_the_reason(home: Path, tmp_path: Path) -> None:
    """Its run is deleted in a copy of the database; the files are those of the others."""
    shutil.copy(home / "mlflow.db", tmp_path)
    store = TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}", store_at(home).artifacts)
    registry = ModelRegistry(store)
    run_id = str(registry.version("2").run_id)
    engine = sqlalchemy.create_engine(store.uri)
    with engine.begin() as database:
        gone = {"gone": str(tmp_path / "gone"), "run": run_id}
        database.execute(sqlalchemy.text("UPDATE runs SET artifact_uri = :gone WHERE run_uuid = :run"), gone)
    engine.dispose()
    good, bad, *networks = leaderboard(store)
    assert (good.version, bad.version, len(networks)) == ("1", "2", 2)
    assert good.log_loss is not None
    assert bad.algorithm == "lightgbm"
    assert cells(bad)[4:] == ("-",) * (len(COLUMNS) - 4)
    (words,) = remarks([good, bad])
    assert words.startswith("the record of version 2 of TickPricePredictor cannot be read: ")
    assert words in as_markdown([good, bad])


@pytest.mark.slow
def test_another_hold_out_stands_apart_and_is_told(home: Path, tmp_path: Path) -> None:
    """One more day, so a later hold-out: version 3 stands first, whatever the others' scores."""
    shutil.copytree(home, tmp_path / "home")
    lake, store = Lake(Settings(home=tmp_path / "home")), store_at(tmp_path / "home")
    put_day(lake, FIRST + dt.timedelta(days=3), seed=9)
    train(lake, store, RECIPES[0])
    ticks = [one for one in leaderboard(store) if one.model == TICK_MODEL]
    assert ticks[0].version == "3"
    starts = [one.judged_from for one in ticks]
    assert starts == sorted((one for one in starts if one), reverse=True)
    assert len(set(starts)) == 2
    words = "TickPricePredictor: judged on 2 hold-outs; scores compare only where `judged from` is the same"
    assert remarks(ticks) == [words]
    assert f"| {starts[0]:%Y-%m-%d %H:%M} |" in as_markdown(ticks)
    assert remarks([dataclasses.replace(one, judged_from=starts[0]) for one in ticks]) == []


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
