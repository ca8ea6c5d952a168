"""The main job on the real servers, through Dagster's queue, and with each server killed under it.

A run that nobody disturbs comes first: what it makes is what every later run must make again.
"""

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress

import dagster as dg
import pytest
from mlflow import MlflowClient
from pyiceberg.exceptions import NoSuchTableError
from trino.exceptions import TrinoUserError

from deploy.native.stack import Stack
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.table import pin
from lakehouse_assets.layers import RAW
from lakehouse_assets.settings import NAMESPACE, load_settings
from lakehouse_assets.sources.simulator import simulate
from lakehouse_assets_tests.stack.lakes import MADE, asked, clones, comparable, drop, environment
from lakehouse_assets_tests.stack.runs import followed, steps, submit, told

pytestmark = [pytest.mark.stack("dagster-daemon", "mlflow"), pytest.mark.timeout(1_500)]

DAYS = (dt.date(2026, 11, 19), dt.date(2026, 11, 20))
SUCCESS = dg.DagsterRunStatus.SUCCESS
BARS = "gold_option_minute_bars"
AVERAGES = (
    "SELECT symbol, AVG(last_price) FROM {catalog}.option_ticks_db.bronze_option_ticks "
    f"WHERE DATE(timestamp) = DATE '{DAYS[1]}' GROUP BY symbol"
)
UNDER_THE_JOB = {
    "bronze_option_ticks": "seaweedfs",
    "silver_ticks": "spark-worker",
    BARS: "spark-connect",
    "gold_put_call_ratios": "trino",
    "gold_option_chains": "spark-master",
    "model_xgboost": "mlflow",
}
"""Step at work -> server that is killed then."""
UNDER_DAGSTER = ("postgres", "dagster-code", "dagster-daemon", "dagster-webserver")
"""Servers with which a run itself may go."""


@pytest.fixture
def lake(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """The lake as the pipeline's service sees it."""
    environment(stack, monkeypatch)
    load_settings.cache_clear()
    yield Lake(load_settings())
    load_settings.cache_clear()


@pytest.fixture
def instance(lake: Lake) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage."""
    assert lake.settings.profile == "production"
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """Table -> content hash, once a run that nobody disturbed has made it."""
    return {}


@pytest.fixture
def undisturbed(lake: Lake, instance: dg.DagsterInstance, known: dict[str, str]) -> Mapping[str, str]:
    """The hashes of the tables of two simulated days, made by the whole job in the queue."""
    if not known:
        drop(lake, CONTRACTS)
        shutil.rmtree(lake.settings.raw, ignore_errors=True)
        simulate(lake.settings.raw, lake.settings.home / "truth", days=2, rows_per_day=6_000, seed=7,
                 profile="realistic", last_date=DAYS[1])  # fmt: skip
        run_id = submit(DAYS)
        assert followed(instance, run_id) == SUCCESS, told(instance, run_id)
        known |= hashes(lake)
    return known


def hashes(lake: Lake) -> dict[str, str]:
    """Of all tables but the manifest, which says when each file was looked at."""
    fresh = Lake(lake.settings)
    made = {name: contract for name, contract in MADE.items() if contract.layer != RAW}
    return {name: content_hash(comparable(pin(fresh, contract))) for name, contract in made.items()}


def shown_bars(lake: Lake) -> str | None:
    """The hash of the bars that anybody sees; nothing where there are none."""
    fresh = Lake(lake.settings)
    if not fresh.catalog.table_exists((NAMESPACE, BARS)):
        return None
    table = pin(fresh, CONTRACTS[BARS])
    return content_hash(table) if table.rows else None


def test_landed_files_become_a_registered_model_and_answers_for_users(
    lake: Lake, instance: dg.DagsterInstance, undisturbed: Mapping[str, str]
) -> None:
    assert undisturbed
    assert all(pin(lake, contract).rows for contract in MADE.values())
    assert lake.settings.engine_of("silver_option_ticks") == "spark"
    assert lake.settings.engine_of("gold_put_call_ratios") == "trino"
    assert clones(lake) == []

    versions = MlflowClient(lake.settings.mlflow_uri).search_model_versions("name='TickPricePredictor'")
    runs = {run.run_id for run in instance.get_runs()}
    assert {version.tags["dagster.run_id"] for version in versions} & runs

    for user, catalog in (("pipeline", "hive_prod"), ("viewer", "hive_read")):
        assert len(asked(user, AVERAGES.format(catalog=catalog))) > 20
    for refused in ("DELETE FROM hive_read.{table}", "SELECT * FROM hive_prod.{table}"):
        with pytest.raises(TrinoUserError, match="Access Denied") as denied:
            asked("viewer", refused.format(table=f"option_ticks_db.{BARS}"))
        assert denied.value.error_name == "PERMISSION_DENIED"


def test_the_job_outlives_the_death_of_each_server_it_uses(
    lake: Lake, instance: dg.DagsterInstance, undisturbed: Mapping[str, str], stack: Stack
) -> None:
    """Killed while a step works on it, started again, and the steps are tried again: the same tables, to the bit."""
    drop(lake, CONTRACTS)
    pending = dict(UNDER_THE_JOB)

    def kill(at_work: frozenset[str]) -> None:
        for step in sorted(at_work & pending.keys()):
            server = pending.pop(step)
            stack.kill(server)
            stack.up(server)

    run_id = submit(DAYS)
    assert followed(instance, run_id, kill) == SUCCESS, told(instance, run_id)
    assert not pending
    assert BARS in steps(instance, run_id, dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert clones(lake) == []  # the steps live, and take away what a server's death has left
    assert hashes(lake) == dict(undisturbed)


@pytest.mark.parametrize("server", UNDER_DAGSTER)
def test_a_run_whose_dagster_dies_ends_clearly_and_the_next_one_makes_the_table(
    server: str, lake: Lake, instance: dg.DagsterInstance, undisturbed: Mapping[str, str], stack: Stack
) -> None:
    with suppress(NoSuchTableError):
        lake.catalog.drop_table((NAMESPACE, BARS))
    pending = [server]

    def kill(at_work: frozenset[str]) -> None:
        if pending and BARS in at_work:
            stack.kill(pending.pop())
            stack.up("dagster-daemon")  # with all it needs: what died with the server is started too

    run_id = submit(DAYS, [BARS])
    status = followed(instance, run_id, kill)
    assert not pending
    if status != SUCCESS:
        assert status == dg.DagsterRunStatus.FAILURE
        assert told(instance, run_id), "no event says why"
    assert {clone.partition("__")[0] for clone in clones(lake)} <= {BARS}  # of steps that died, kept for a day
    shown = shown_bars(lake)
    assert shown == undisturbed[BARS] if status == SUCCESS else shown in (None, undisturbed[BARS])

    again = submit(DAYS, [BARS])
    assert followed(instance, again) == SUCCESS, told(instance, again)
    assert shown_bars(lake) == undisturbed[BARS]
