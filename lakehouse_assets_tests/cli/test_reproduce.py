"""`reproduce`: one line says REPRODUCED or the first thing that differs; what it cannot do is one line too."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.cli.boundary import explain
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.networks.network import NotInstalled
from lakehouse_assets.services.provenance import RECORD_FILE
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry
from lakehouse_assets_tests.cli.conftest import Script
from lakehouse_assets_tests.cli.toy_lake import at_home
from lakehouse_assets_tests.services.trained import FIRST, put_day, store_at

URI = f"models:/{TICK_MODEL}/1"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lake:
    """The lake of a state folder where nothing was ever run."""
    return at_home(monkeypatch, tmp_path / "fresh")


@pytest.fixture
def models(trained_home: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The lake of the state folder with one version; the settings of this process point there."""
    return at_home(monkeypatch, trained_home)


@contextmanager
def recorded(lake: Lake, change: Callable[[dict[str, Any]], object]) -> Iterator[None]:
    """Version 1 as if its record had been another one."""
    store = store_at(lake.settings.home)
    run_id = str(ModelRegistry(store).version("1").run_id)
    path = Path(local_path(store.client.get_run(run_id).info.artifact_uri)) / RECORD_FILE
    kept = path.read_text()
    record: dict[str, Any] = json.loads(kept)
    change(record)
    path.write_text(json.dumps(record))
    try:
        yield
    finally:
        path.write_text(kept)


def otherwise(content_key: str | None = None, **environment: Any) -> Callable[[dict[str, Any]], None]:
    """As if it had predicted something else, in another environment and, by their key, from other files."""

    def change(record: dict[str, Any]) -> None:
        made = record["provenance"]
        made["prediction_hash"] = "0" * 64
        if content_key:
            made["tables"][0]["content_key"] = content_key
        for part, value in environment.items():
            known = made["environment"]
            known[part] = {**known[part], **value} if isinstance(value, dict) else value

    return change


@pytest.mark.slow
def test_a_version_that_comes_out_the_same_is_reproduced_with_exit_code_0(models: Lake, lakehouse: Script) -> None:
    said = lakehouse("reproduce", URI)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1].startswith(
        f"REPRODUCED {URI}: the hold-out's predictions are the same to the bit ("
    )
    by_alias = lakehouse("reproduce", f"models:/{TICK_MODEL}@xgboost", "--json")
    found = json.loads(by_alias.out)
    assert (by_alias.code, found["uri"], found["is_reproduced"], found["differences"]) == (0, URI, True, [])
    assert found["expected"] == found["found"]
    assert len(found["found"]) == 64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"code": {"splits.py": "f" * 64}, "libraries": {"xgboost": "1.0"}, "git_sha": "c" * 40},
            f"code: splits.py was ffffffffffff, is * (trained by commit {'c' * 40})",
        ),
        ({"libraries": {"xgboost": "1.0"}, "content_key": "other"}, "library: xgboost was 1.0, is *"),
        (
            {"content_key": "other", "hardware": {"processor": "Abacus"}},
            "data: feature_option_minutes at snapshot * shows other files than were read",
        ),
        ({"hardware": {"processor": "Abacus"}, "lock_sha256": "9" * 64}, "hardware: processor was Abacus, is *"),
        ({"lock_sha256": "9" * 64}, "lock: the locked requirements were 999999999999, are *"),
        ({}, "nothing that is recorded: the learner is not deterministic"),
    ],
    ids=["code", "library", "data", "hardware", "lock", "nothing"],
)
def test_where_it_comes_out_otherwise_the_first_thing_that_differs_is_named_with_exit_code_1(
    models: Lake, lakehouse: Script, changes: dict[str, Any], words: str
) -> None:
    with recorded(models, otherwise(**changes)):
        said = lakehouse("reproduce", URI)
    assert said.code == 1
    assert said.err == ""
    last = said.out.splitlines()[-1]
    assert last.startswith(f"NOT REPRODUCED {URI}: predictions 000000000000 became ")
    begin, _, end = words.partition("*")
    assert f"; {begin}" in last
    assert last.endswith(end)


@pytest.mark.slow
def test_for_scripts_all_that_differs_is_listed_in_order(models: Lake, lakehouse: Script) -> None:
    everything: dict[str, Any] = {
        "code": {"gone.py": "f" * 64}, "libraries": {"numpy": "1.0"}, "content_key": "other",
        "hardware": {"system": "Plan 9"}, "lock_sha256": "9" * 64,
    }  # fmt: skip
    with recorded(models, otherwise(**everything)):
        said = lakehouse("reproduce", URI, "--json")
    found = json.loads(said.out)
    assert (said.code, found["is_reproduced"], found["expected"]) == (1, False, "0" * 64)
    assert [one.split(":")[0] for one in found["differences"]] == ["code", "library", "data", "hardware", "lock"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("TickPricePredictor/1", "write models:/<name>/<version> or models:/<name>@<alias>, of TickPricePredictor, "),
        ("models:/TickPricePredictor", "write models:/<name>/<version>"),
        ("models:/TickPricePredictor/", "write models:/<name>/<version>"),
        ("models:/TickPricePredictor/latest", "write models:/<name>/<version>"),
        ("models:/TickPricePredictor/0", "write models:/<name>/<version>"),
        ("models:/TickPricePredictor/1/2", "write models:/<name>/<version>"),
        ("models:/TickPricePredictor/1@champion", "write models:/<name>/<version>"),
        ("models:/Oracle/1", "no model Oracle can be made again; known are TickPricePredictor, DigitClassifier"),
        ("models:/TickPricePredictor/'; --", "write models:/<name>/<version>"),
        ("", "write models:/<name>/<version>"),
    ],
)
def test_a_uri_that_is_none_is_one_line_and_opens_no_store(home: Lake, lakehouse: Script, uri: str, words: str) -> None:
    said = lakehouse("reproduce", uri)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"error: {uri}: ")
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not home.settings.home.exists()


@pytest.mark.slow
@pytest.mark.parametrize("uri", [f"models:/{TICK_MODEL}/2", f"models:/{TICK_MODEL}@champion"])
def test_a_version_that_is_not_there_is_one_line_that_names_those_there_are(
    models: Lake, lakehouse: Script, uri: str
) -> None:
    said = lakehouse("reproduce", uri)
    assert (said.code, said.out) == (1, "")
    assert said.err == f"error: {uri}: there is no such version; known are 1\n"


@pytest.mark.parametrize("model", ["TickPricePredictor", "DigitClassifier"])
def test_before_any_training_it_says_so_and_makes_no_store(home: Lake, lakehouse: Script, model: str) -> None:
    for uri in (f"models:/{model}/1", f"models:/{model}@champion"):
        said = lakehouse("reproduce", uri)
        assert (said.code, said.out) == (1, "")
        assert said.err == f"error: {uri}: there is no such version; there are none yet: run ml_pipeline\n"
    assert not (home.settings.home / "mlflow.db").exists()


@pytest.mark.slow
def test_a_snapshot_that_is_gone_is_one_line(
    trained_home: Path, monkeypatch: pytest.MonkeyPatch, lakehouse: Script, tmp_path: Path
) -> None:
    """The registry was kept, and the tables were made anew."""
    lake = at_home(monkeypatch, tmp_path / "home")
    put_day(lake, FIRST, seed=1)
    shutil.copy(trained_home / "mlflow.db", lake.settings.home)
    said = lakehouse("reproduce", URI)
    assert (said.code, said.out) == (1, "")
    assert "feature_option_minutes has no snapshot " in said.err
    assert said.err.count("\n") == 1
    assert "traceback" not in said.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda record: record["columns"]["features"].append("moon_phase"),
            "feature_option_minutes no longer has moon_phase, which the model reads: check out",
        ),
        (
            lambda record: record["provenance"]["plan"]["recipe"].update(luck=1),
            "xgboost: the recipe is another one than recorded",
        ),
        (
            lambda record: record["provenance"]["plan"].update(algorithm="oracle"),
            "there is no algorithm oracle: use one of",
        ),
    ],
    ids=["column", "parameter", "algorithm"],
)
def test_what_this_code_no_longer_knows_is_one_line(
    models: Lake, lakehouse: Script, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    with recorded(models, change):
        said = lakehouse("reproduce", URI)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"error: {words}")
    assert said.err.count("\n") == 1
    assert "traceback" not in said.err


@pytest.mark.parametrize(
    "error", [NotInstalled("x needs torch: run `make install-deep`"), OverBudget("x: not done after 5 s")]
)
def test_a_library_that_is_missing_and_a_late_fit_are_said_as_they_are(error: Exception) -> None:
    assert explain(error) == str(error)


def test_the_help_shows_the_way_and_the_exit_code(lakehouse: Script) -> None:
    said = lakehouse("reproduce", "--help")
    assert said.code == 0
    assert "Example: lakehouse reproduce models:/TickPricePredictor/1" in said.out
    assert "exit code 1" in said.out
    assert lakehouse("reproduce").code == 2
    assert lakehouse("reproduce", URI, "--jsn").code == 2
