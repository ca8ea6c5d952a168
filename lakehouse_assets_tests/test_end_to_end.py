"""The whole way, as `lakehouse demo` walks it: landed files to a judged model, through Dagster's own executor."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.models import MODEL_PROMOTIONS
from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.sql import ask
from lakehouse_assets.lake.table import pin
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.samples import land_lean_sample
from lakehouse_assets.sources.simulator import simulate
from lakehouse_assets_tests.paths import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SIMULATED = (dt.date(2026, 11, 19), dt.date(2026, 11, 20))
REAL = (dt.date(2014, 6, 5), dt.date(2014, 6, 6))
TRADED = "2026-11-20"
TABLES = {table: contract for table, contract in CONTRACTS.items()
          if contract not in (RAW_MNIST_IMAGES, MODEL_PROMOTIONS)}  # fmt: skip
"""Of every walk: the digits are another job's, and a champion need not have moved."""
LEARNERS = ("model_random_forest", "model_xgboost", "model_lightgbm")
AVERAGES = (
    "SELECT symbol, AVG(last_price) FROM hive_prod.option_ticks_db.bronze_option_ticks "
    f"WHERE DATE(timestamp) = DATE '{TRADED}' GROUP BY symbol"
)

WALK = """
import datetime as dt, json, sys
from dataclasses import asdict
from lakehouse_assets.services.instance import embedded_instance
from lakehouse_assets.services.pipeline import run_job
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.settings import load_settings

if __name__ == "__main__":
    reports = []
    with embedded_instance(load_settings()) as instance:
        for first, last in json.loads(sys.argv[1]):
            first, last = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
            reports.append(run_job(instance, "ml_pipeline_end_to_end", first, last, lambda step, report: None))
        print("reports " + json.dumps([asdict(report) for report in reports], default=str))
"""
"""In a process of its own: the fork server imports the main module again, which must not be pytest."""


class Walked(NamedTuple):
    """A lake after two runs over four days, and what the runs said."""

    lake: Lake
    reports: list[dict[str, Any]]


def walk(folder: Path, *stretches: tuple[dt.date, dt.date]) -> list[dict[str, Any]]:
    """Run the main job for each stretch of dates; what each run reports."""
    script = folder / "walk.py"
    script.write_text(WALK)
    dates = json.dumps([[first.isoformat(), last.isoformat()] for first, last in stretches])
    run = subprocess.run(
        [sys.executable, str(script), dates], cwd=PROJECT, capture_output=True, text=True, timeout=900,
        env={**_environment(), "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-4000:]
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("reports ")]
    reports: list[dict[str, Any]] = json.loads(line.removeprefix("reports "))
    assert [report["failures"] for report in reports] == [{}] * len(stretches), run.stderr[-4000:]
    return reports


def _environment() -> dict[str, str]:
    import os

    return dict(os.environ)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    """Two simulated days and the bundled real ones, walked once for all tests."""
    home = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_HOME", str(home))
        load_settings.cache_clear()
        settings = load_settings()
        simulate(
            settings.raw, home / "truth", days=2, rows_per_day=6_000, seed=7, profile="realistic",
            last_date=SIMULATED[1],
        )  # fmt: skip
        land_lean_sample(settings.raw)
        yield Walked(Lake(settings), walk(home, REAL, SIMULATED))
    load_settings.cache_clear()


def heads(lake: Lake) -> dict[str, int | None]:
    return {table: pin(Lake(lake.settings), contract).snapshot_id for table, contract in CONTRACTS.items()}


def test_every_table_has_rows_on_every_day(walked: Walked) -> None:
    days = {*SIMULATED, *REAL}
    for table, contract in TABLES.items():
        pinned = pin(walked.lake, contract)
        assert pinned.rows, table
        # a clean day has no quarantine, and a manifest lists days in a column
        if contract.is_partitioned and table != "silver_quarantined_ticks":
            assert set(pinned.trading_dates) == days, table


def test_every_landed_row_is_in_silver_or_in_quarantine_once(walked: Walked) -> None:
    rows = {table: pin(walked.lake, contract).rows for table, contract in TABLES.items()}
    manifest = pin(walked.lake, CONTRACTS["raw_option_tick_files"]).batches().read_all().to_pylist()
    accepted = [row for row in manifest if row["status"] == "accepted"]
    assert rows["bronze_option_ticks"] == sum(row["option_rows"] for row in accepted)
    assert rows["bronze_underlying_ticks"] == sum(row["underlying_rows"] for row in accepted)
    trusted = rows["silver_option_ticks"] + rows["silver_underlying_ticks"]
    bronze = rows["bronze_option_ticks"] + rows["bronze_underlying_ticks"]
    assert bronze == trusted + rows["silver_quarantined_ticks"]
    assert rows["bronze_option_ticks"] > 2 * 6_000
    seen = "SELECT source_file || '#' || CAST(source_seq AS VARCHAR)"
    with ask(
        walked.lake,
        f"SELECT COUNT(*), COUNT(DISTINCT place) FROM ({seen} AS place FROM silver_option_ticks UNION ALL "
        f"{seen} FROM silver_underlying_ticks UNION ALL {seen} FROM silver_quarantined_ticks) AS all_ticks",
    ).batches() as batches:
        ((count, places),) = (tuple(row.values()) for row in batches.read_all().to_pylist())
    assert count == places == bronze


def test_the_users_query_works_as_they_write_it(walked: Walked) -> None:
    with ask(walked.lake, AVERAGES).batches() as batches:
        found = batches.read_all()
    assert found.num_rows > 20
    assert any(value for value in found.column(1).to_pylist())


def test_every_blocking_check_passed_and_every_layer_said_its_numbers(walked: Walked) -> None:
    for report in walked.reports:
        doubtful = {name for name, passed in report["checks"].items() if not passed}
        assert not [name for name in doubtful if "contract" in name or "conserve" in name or "landed" in name]
        made = report["materialized"]
        assert set(made) - {MODEL_PROMOTIONS.table} == {*TABLES, *LEARNERS, "model_evaluation"}
        for table in TABLES:
            assert {"dagster/row_count", "duration_seconds", "bytes", "files", "snapshot_id"} <= set(made[table]), table


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_model_is_in_the_registry_with_what_it_was_trained_from(walked: Walked, learner: str) -> None:
    said = walked.reports[-1]["materialized"][learner]
    assert said["model_version"] >= 1
    version = MlflowResource().registry.version(str(said["model_version"]))
    features = pin(walked.lake, CONTRACTS["feature_option_minutes"])
    assert version.tags["snapshot.feature_option_minutes"] == str(features.snapshot_id)
    assert version.tags["dagster.run_id"] == walked.reports[-1]["run_id"]


def test_who_serves_is_judged_and_a_move_of_the_champion_is_in_the_ledger(walked: Walked) -> None:
    said = walked.reports[-1]["materialized"]["model_evaluation"]
    registry = MlflowResource().registry
    assert registry.alias("challenger") == str(said["model_version"])
    champion = registry.alias("champion")
    moves = pin(walked.lake, MODEL_PROMOTIONS).batches().read_all().to_pylist()
    assert champion == (str(moves[-1]["to_version"]) if moves else None)
    assert "are not green" not in said["judgement"]  # the verdicts of this very run are on record


def test_walking_again_changes_nothing(walked: Walked) -> None:
    before = heads(walked.lake)
    (again,) = walk(walked.lake.settings.home, SIMULATED)
    assert heads(walked.lake) == before
    made, earlier = again["materialized"], walked.reports[-1]["materialized"]
    assert not [table for table, said in made.items() if said.get("is_new_snapshot")]
    for learner in LEARNERS:
        assert made[learner]["is_reused"] is True
        assert made[learner]["model_version"] == earlier[learner]["model_version"]
