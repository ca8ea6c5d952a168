"""A registry with versions of no model, a lake beside it, and processes that move the champion."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.services.promotion_ledger import Move, read
from lakehouse_assets.services.promotions import Evidence, Moved, move_champion
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets_tests.paths import PROJECT
from lakehouse_assets_tests.services.worlds import registry_in

SNAPSHOTS = {"feature_option_minutes": 7_777_777_777_777_777_777, "feature_option_labels": 5}
EVIDENCE = Evidence(0.61, 0.58, 0.64, Interval(0.03, 0.01, 0.05))


def lake_in(folder: Path) -> Lake:
    """The lake beside the store of a folder."""
    return Lake(Settings(home=folder / "home"))


def versions(registry: ModelRegistry, count: int) -> list[str]:
    """So many versions without a model behind them; their numbers."""
    client = registry.store.client
    if not client.search_registered_models(f"name = '{registry.name}'"):
        client.create_registered_model(registry.name)
    made = []
    for _ in range(count):
        tags = {"data_key": "", **{f"snapshot.{table}": str(kept) for table, kept in SNAPSHOTS.items()}}
        number = str(client.create_model_version(registry.name, f"{registry.store.artifacts}/m", tags=tags).version)
        registry.set_tags(number, {"data_key": f"key-{number}"})
        made.append(number)
    return made


def promote(lake: Lake, registry: ModelRegistry, to: str, **said: Any) -> Moved | None:
    """A promotion over whoever is champion now."""
    given: dict[str, Any] = {
        "instead_of": registry.champion, "kind": "promotion", "why": f"{to} is better", "run_id": "run-1",
        "evidence": EVIDENCE, **said,
    }  # fmt: skip
    return move_champion(lake, registry, to=to, **given)


def promote_two() -> None:
    """Two versions become champion one after the other, in the lake and the store that the settings name.

    They are the two newest that were trained; where none was, two without a model behind them.
    """
    settings = load_settings()
    registry = ModelRegistry(TrackingStore(settings.mlflow_uri, settings.mlflow_artifacts))
    for number in (registry.numbers() or versions(registry, 2))[-2:]:
        promote(Lake(settings), registry, number)


def story(lake: Lake, model: str = TICK_MODEL) -> list[tuple[str, int | None, int | None]]:
    """The moves of a model as kind, from, to; their numbers are checked on the way."""
    moves = moves_of(lake, model)
    assert [move.sequence for move in moves] == list(range(1, len(moves) + 1))
    return [(move.kind, move.from_version, move.to_version) for move in moves]


def moves_of(lake: Lake, model: str = TICK_MODEL) -> tuple[Move, ...]:
    """The moves of a model as another reader finds them."""
    return read(Lake(lake.settings)).of(model)


def start(folder: Path, script: str, *arguments: str) -> "subprocess.Popen[str]":
    """Run Python text in a process of its own; it finds `lake`, `registry` and the names of this module."""
    opening = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from lakehouse_assets.services import promotion_ledger, promotions, rollback\n"
        "from lakehouse_assets_tests.services.ledgers import *\n"
        "folder = Path(sys.argv[1])\nlake, registry = lake_in(folder), registry_in(folder)\n"
        "die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", opening + script, str(folder), *arguments],
        cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


__all__ = [
    "EVIDENCE", "SNAPSHOTS", "ModelRegistry", "lake_in", "moves_of", "promote", "promote_two", "registry_in", "start",
    "story", "versions",
]  # fmt: skip
