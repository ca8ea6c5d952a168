"""`rollback`: the champion's predecessor is back, in words and in JSON; a refusal is one line."""

import json
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.cli.conftest import Script
from lakehouse_assets_tests.cli.toy_lake import at_home
from lakehouse_assets_tests.services.ledgers import promote_two, story

pytestmark = pytest.mark.slow


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lake:
    """The lake that the settings of this test describe."""
    return at_home(monkeypatch, tmp_path / "home")


@pytest.fixture
def registry(home: Lake) -> ModelRegistry:
    """Two versions were champion in the store that the settings name, one after the other."""
    promote_two()
    return ModelRegistry(TrackingStore(home.settings.mlflow_uri, home.settings.mlflow_artifacts))


def test_the_champion_goes_back_and_the_ledger_says_why(home: Lake, registry: ModelRegistry, lakehouse: Script) -> None:
    said = lakehouse("rollback", "TickPricePredictor", "--why", "worse since Monday")
    assert (said.code, said.err) == (0, "")
    assert said.out == "@champion of TickPricePredictor is version 1 again, after version 2: worse since Monday\n"
    assert registry.champion == "1"
    assert story(home)[-1] == ("rollback", 2, 1)
    said = lakehouse("rollback", "TickPricePredictor", "--to", "2", "--json")
    move = json.loads(said.out)
    assert (move["from_version"], move["to_version"], move["kind"], move["moved_by"]) == (1, 2, "rollback", "cli")
    assert (move["sequence"], move["to_log_loss"]) == (4, None)
    assert move["moved_at"].endswith("+00:00")


def test_a_refusal_is_one_line_and_moves_nothing(home: Lake, registry: ModelRegistry, lakehouse: Script) -> None:
    for arguments, words in (
        (("TickPricePredictor", "--to", "7"), "version 7 of TickPricePredictor was never its champion"),
        (("TickPricePredictor", "--to", "2"), "version 2 is the champion of TickPricePredictor already"),
        (("TickPredictor",), "there is no registered model TickPredictor: did you mean TickPricePredictor?"),
    ):
        said = lakehouse("rollback", *arguments)
        assert (said.code, said.out) == (1, "")
        assert said.err.startswith(f"error: {words}")
        assert said.err.count("\n") == 1
    assert registry.champion == "2"
    assert lakehouse("rollback", "TickPricePredictor", "--to", "two").code == 2


def test_on_a_fresh_home_it_says_that_nothing_is_registered_and_makes_no_store(home: Lake, lakehouse: Script) -> None:
    said = lakehouse("rollback", "TickPricePredictor")
    assert (said.code, said.out) == (1, "")
    assert "there are none yet: run ml_pipeline" in said.err
    assert not (home.settings.home / "mlflow.db").exists()
