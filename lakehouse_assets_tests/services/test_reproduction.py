"""A registered version is made again, to the bit; where it is not, the first thing that differs is named."""

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.table import pin
from lakehouse_assets.lake.tags import reconcile
from lakehouse_assets.services.provenance import RECORD_FILE
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry, registered_inputs
from lakehouse_assets.services.reproduction import UnknownModel, reproduce, resolve
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.services.trained import FIRST, RECIPES, lake_with_signal, put_day, store_at, train

pytestmark = pytest.mark.slow

SCRIPT = "import sys; from lakehouse_assets.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def home(schema: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with one version by each learner of ticks."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copy(schema, folder)
    lake, store = lake_with_signal(folder), store_at(folder)
    assert [train(lake, store, recipe).version for recipe in RECIPES] == ["1", "2", "3"]
    return folder


@pytest.fixture
def lake(home: Path) -> Lake:
    return Lake(Settings(home=home))


@pytest.fixture
def store(home: Path) -> TrackingStore:
    return store_at(home)


@pytest.mark.parametrize("algorithm", [recipe.algorithm for recipe in RECIPES])
def test_every_learner_of_ticks_is_reproduced_to_the_bit(lake: Lake, store: TrackingStore, algorithm: str) -> None:
    said: list[str] = []
    result = reproduce(lake, store, f"models:/{TICK_MODEL}@{algorithm}", said.append)
    assert result.is_equal, str(result)
    assert result.differences == ()
    assert str(result).startswith(f"REPRODUCED models:/{TICK_MODEL}/")
    assert not any("fold_1" in line for line in said)  # the folds are not trained again


def test_the_console_script_reproduces_in_a_process_of_its_own(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "reproduce", f"models:/{TICK_MODEL}/1", "--json"],
        env={"PATH": "/usr/bin:/bin", "LAKEHOUSE_HOME": str(home)}, cwd=Path(__file__).parents[2],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["is_reproduced"] is True


def test_a_version_survives_that_everything_was_expired_that_may_be_and_its_files_with_it(
    home: Path, tmp_path: Path, lake: Lake, store: TrackingStore
) -> None:
    for number in range(6):  # every partition is replaced, and what replaced it is too
        put_day(lake, FIRST + dt.timedelta(days=number % 3), seed=100 + number)
    removed = _expire_all(lake)
    assert removed > 0
    assert reproduce(lake, store, f"models:/{TICK_MODEL}/1").is_equal

    reconcile(lake, lambda: [one for one in registered_inputs(store) if one.number == "3"])
    assert reproduce(lake, store, f"models:/{TICK_MODEL}/3").is_equal  # the others' tags still keep the snapshots


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"libraries": {"xgboost": "1.0.0"}}, "library: xgboost was 1.0.0, is "),
        ({"hardware": {"processor": "Abacus"}}, "hardware: processor was Abacus, is "),
        ({"code": {"splits.py": "f" * 64}, "libraries": {"xgboost": "1.0.0"}}, "code: splits.py was ffffffffffff, is "),
        ({}, "nothing that is recorded: the learner is not deterministic"),
    ],
)
def test_the_first_thing_that_differs_is_named(
    lake: Lake, store: TrackingStore, changed: dict[str, dict[str, str]], words: str
) -> None:
    """The version's record is falsified: another hash, and an environment that is not this one."""
    run_id = str(ModelRegistry(store).version("1").run_id)
    path = Path(local_path(store.client.get_run(run_id).info.artifact_uri)) / RECORD_FILE
    kept = path.read_text()
    record: dict[str, Any] = json.loads(kept)
    record["provenance"]["prediction_hash"] = "0" * 64
    for part, values in changed.items():
        record["provenance"]["environment"][part] |= values
    path.write_text(json.dumps(record))
    try:
        result = reproduce(lake, store, f"models:/{TICK_MODEL}/1")
    finally:
        path.write_text(kept)
    assert not result.is_equal
    assert str(result).startswith(f"NOT REPRODUCED models:/{TICK_MODEL}/1: predictions 000000000000 became ")
    assert words in str(result)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("TickPricePredictor/1", "write models:/<name>/<version>"),
        ("models:/Oracle/1", "no model Oracle can be made again; known are TickPricePredictor, DigitClassifier"),
        (f"models:/{TICK_MODEL}/99", "there is no such version; known are 1, 2, 3"),
        (f"models:/{TICK_MODEL}@nobody", "there is no such version"),
    ],
)
def test_a_uri_that_names_no_version_says_which_there_are(store: TrackingStore, uri: str, words: str) -> None:
    with pytest.raises(UnknownModel, match=words):
        resolve(store, uri)


def _expire_all(lake: Lake) -> int:
    """Expire every snapshot that no reference protects, and remove each data file that no snapshot names any more."""
    removed = 0
    for contract in (FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS):
        table = lake.load(contract.table)
        protected = {ref.snapshot_id for ref in table.metadata.refs.values()}
        table.maintenance.expire_snapshots().by_ids(
            [one.snapshot_id for one in table.metadata.snapshots if one.snapshot_id not in protected]
        ).commit()
        table = lake.load(contract.table)
        kept = {
            file.path for one in table.metadata.snapshots
            for file in pin(lake, contract, None).files + _files(lake, contract, one.snapshot_id)
        }  # fmt: skip
        for path in Path(local_path(table.location())).rglob("*.parquet"):
            if not any(local_path(one) == str(path) for one in kept):
                path.unlink()
                removed += 1
    return removed


def _files(lake: Lake, contract: Any, snapshot_id: int) -> tuple[Any, ...]:
    from lakehouse_assets.lake.table import pin_at

    return pin_at(lake, contract, snapshot_id).files
