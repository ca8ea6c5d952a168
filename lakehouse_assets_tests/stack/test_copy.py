"""The embedded tables and models on the real servers: equal rows, equal predictions, whatever kills the copy."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from deploy.native.stack import Stack
from lakehouse_assets.cli import main
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake, with_password
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.inspection import snapshots
from lakehouse_assets.lake.table import pin
from lakehouse_assets.lake.tags import model_tags
from lakehouse_assets.services.copying.runs import COMPLETE, RUN_COPIED
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.promotions import move_champion
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry
from lakehouse_assets.services.reproduction import reproduce
from lakehouse_assets.services.saved_model import load_model
from lakehouse_assets.services.tracking import PIPELINE_EXPERIMENT
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets_tests.paths import PROJECT
from lakehouse_assets_tests.services.trained import FIRST, RECIPES, lake_with_signal, put_day, store_at, train
from lakehouse_assets_tests.stack.lakes import environment

pytestmark = [pytest.mark.stack("lake-init", "mlflow"), pytest.mark.timeout(300)]

TABLES = ("feature_option_labels", "feature_option_minutes", "model_promotions")
LANDED = "simulated/2026-11-16/ticks.parquet"
MODIFIED = 1_700_000_000_123_456_789
KILLED = """
import os, signal, sys
from pathlib import Path
from lakehouse_assets.services.copying import copy, embedded_at
from lakehouse_assets.settings import load_settings

def tell(what, count):
    if what.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

copy(embedded_at(Path(sys.argv[1])), load_settings("production"), progress=tell)
"""


@dataclass(frozen=True)
class Embedded:
    """A state folder, and what it holds: hashes of partitions, predictions and aliases of versions."""

    home: Path
    hashes: dict[str, str]
    predictions: dict[str, list[float]]
    aliases: dict[str, tuple[str, ...]]
    data_keys: list[str]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Embedded:
    """A landed file, three days of features, one of them made again, two versions and a champion."""
    home = tmp_path_factory.mktemp("embedded")
    lake, store = lake_with_signal(home), store_at(home)
    assert train(lake, store, RECIPES[0]).version == "1"
    put_day(lake, FIRST, seed=40)
    assert train(lake, store, RECIPES[1], run="run-2").version == "2"
    registry = ModelRegistry(store)
    registry.challenge("2")
    registry.point("xgboost", "1")
    assert move_champion(lake, registry, to="1", instead_of=None, kind="promotion", why="first", run_id="cli")
    landed = home / "raw" / LANDED
    landed.parent.mkdir(parents=True)
    landed.write_bytes(b"ticks" * 1_000)
    os.utime(landed, ns=(MODIFIED, MODIFIED))
    predicted = {number: predictions(registry, number) for number in registry.numbers()}
    return Embedded(home, hashes(lake), predicted, registry.aliases, data_keys(registry))


@pytest.fixture
def production(embedded: Embedded, stack: Stack, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The servers as if nobody had used them: a schema of its own for the catalog, and no registered model."""
    assert embedded.hashes  # made before the environment names servers
    environment(stack, monkeypatch)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(own_home))
    load_settings.cache_clear()
    known, schema = load_settings("production"), f"copy_{uuid4().hex[:8]}"
    engine = create_engine(with_password(known))
    with engine.begin() as opened:
        opened.execute(text(f"CREATE SCHEMA {schema}"))
    engine.dispose()
    monkeypatch.setenv("LAKEHOUSE_CATALOG__URI", f"{known.catalog_uri}?options=-csearch_path%3D{schema}")
    monkeypatch.setenv("LAKEHOUSE_STORAGE__WAREHOUSE", f"s3://lakehouse/{schema}")
    load_settings.cache_clear()
    settings = load_settings("production")
    assert Lake(settings).catalog  # makes the catalog's tables, as the stack does when it first starts
    forget_models(settings)
    yield settings
    forget_models(settings)
    load_settings.cache_clear()


def forget_models(settings: Settings) -> None:
    client = store_of(settings).client
    for model in client.search_registered_models():
        client.delete_registered_model(model.name)


def store_of(settings: Settings) -> TrackingStore:
    return TrackingStore(settings.mlflow_uri, settings.mlflow_artifacts)


def hashes(lake: Lake) -> dict[str, str]:
    """The content of every partition of every table."""
    found = {}
    for name in TABLES:
        table = pin(lake, CONTRACTS[name])
        for key in [day.isoformat() for day in table.trading_dates] or ["all"]:
            found[f"{name} {key}"] = content_hash(table.only(key))
    return found


def predictions(registry: ModelRegistry, number: str) -> list[float]:
    """What a version says to the same fifty rows, as anybody loads it."""
    import mlflow.pyfunc
    import pandas as pd

    with registry.store.pointed_at():
        model = mlflow.pyfunc.load_model(str(registry.version(number).source))
    columns = model.metadata.signature.inputs.input_names()
    rows = np.random.default_rng(1).normal(size=(50, len(columns))).astype(np.float32)
    return [float(one) for one in np.asarray(model.predict(pd.DataFrame(rows, columns=columns))).ravel()]


def leave_nothing_behind(registry: ModelRegistry, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A judge loads each version; what the server has sent is gone afterwards."""
    with patch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(folder))
        before = sorted(folder.iterdir())
        for number in registry.numbers():
            load_model(registry, number)
        assert sorted(folder.iterdir()) == before


def data_keys(registry: ModelRegistry) -> list[str]:
    return [str(version.tags["data_key"]) for version in registry.versions()]


def copied_runs(settings: Settings) -> list[Any]:
    """The copied runs that were not deleted."""
    store = store_of(settings)
    return list(
        store.client.search_runs([store.experiment(PIPELINE_EXPERIMENT)], filter_string=f"tags.`{RUN_COPIED}` LIKE '%'")
    )


def killed(home: Path, at: str) -> None:
    """Copy in a process of its own, which ends by -9 when it tells of a piece that begins so."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), at], cwd=PROJECT, text=True, capture_output=True, timeout=200
    )
    assert done.returncode == -9, done.stderr


def copied(home: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the console script says that it did."""
    capsys.readouterr()
    assert main(("copy", "--to", "production", "--from", str(home), "--json")) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_tables_and_models_arrive_equal_though_the_copy_is_killed_twice(
    embedded: Embedded, production: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    registry = ModelRegistry(store_of(production))
    known = {run.info.run_id for run in copied_runs(production)}

    def complete() -> list[bool]:
        return sorted(COMPLETE in run.data.tags for run in copied_runs(production) if run.info.run_id not in known)

    killed(embedded.home, at="feature_option_minutes 2026-11-17")
    shown = {key for key in hashes(Lake(production)) if "2026" in key}
    assert shown == {key for key in embedded.hashes if "labels" in key} | {"feature_option_minutes 2026-11-16"}
    killed(embedded.home, at="model m-")
    assert registry.numbers() == ()
    assert complete() == [False, True]  # a run and its parent

    first = copied(embedded.home, capsys)
    assert {line["what"]: (line["copied"], line["there"], line["left"]) for line in first["lines"]} == {
        "landed files": (0, 1, 0), "feature_option_labels": (0, 3, 0), "feature_option_minutes": (0, 3, 0),
        "TickPricePredictor": (2, 0, 0), "model_promotions": (1, 0, 0),
    }  # fmt: skip
    assert first["notes"] == []
    lake = Lake(production)
    assert hashes(lake) == embedded.hashes
    landed = production.raw / LANDED
    assert landed.read_bytes() == (embedded.home / "raw" / LANDED).read_bytes()
    assert landed.stat().st_mtime_ns == MODIFIED
    assert {number: predictions(registry, number) for number in registry.numbers()} == embedded.predictions
    assert registry.aliases == embedded.aliases
    assert data_keys(registry) == embedded.data_keys
    assert [move.to_version for move in read(lake).moves] == [1]
    leave_nothing_behind(registry, tmp_path, monkeypatch)
    assert {one.tag for one in model_tags(lake)} == {"model.TickPricePredictor.v1", "model.TickPricePredictor.v2"}
    # Version 1 was trained from a day that was made again since; its snapshot came along.
    again = reproduce(lake, registry.store, f"models:/{TICK_MODEL}/1")
    assert (again.is_equal, again.differences) == (True, ())

    made = {name: len(snapshots(lake, CONTRACTS[name])) for name in TABLES}
    assert made == {"feature_option_labels": 4, "feature_option_minutes": 4, "model_promotions": 1}
    second = copied(embedded.home, capsys)
    assert not second["is_new"]
    assert {name: len(snapshots(Lake(production), CONTRACTS[name])) for name in TABLES} == made
    assert registry.numbers() == ("1", "2")
    assert complete() == [True] * 4
