"""The main job on the real servers, through Dagster's queue: tables by Spark and Trino, a model in MLflow."""

import datetime as dt
import time
from collections.abc import Iterator

import pytest
import trino
from dagster_graphql import DagsterGraphQLClient
from mlflow import MlflowClient
from trino.dbapi import Cursor
from trino.exceptions import TrinoUserError

from deploy.native.stack import Stack
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.table import pin
from lakehouse_assets.layers import MODELS
from lakehouse_assets.partitions import range_tags
from lakehouse_assets.settings import NAMESPACE, load_settings
from lakehouse_assets.sources.simulator import simulate

pytestmark = [
    pytest.mark.stack("dagster-daemon", "mlflow", "spark-worker", "trino"),
    pytest.mark.timeout(1500),
]
FIRST, LAST = dt.date(2026, 11, 18), dt.date(2026, 11, 20)
JOB = "ml_pipeline_end_to_end"
PATIENCE = 1_200
AVERAGES = (
    "SELECT symbol, AVG(last_price) FROM {catalog}.option_ticks_db.bronze_option_ticks "
    f"WHERE DATE(timestamp) = DATE '{LAST}' GROUP BY symbol"
)
RATIOS = "hive_read.option_ticks_db.gold_put_call_ratios"
REFUSED = (
    f"INSERT INTO {RATIOS} SELECT * FROM {RATIOS}",
    f"DELETE FROM {RATIOS}",
    f"DROP TABLE {RATIOS}",
    f"ALTER TABLE {RATIOS} EXECUTE optimize",
    f"ALTER TABLE {RATIOS} EXECUTE expire_snapshots(retention_threshold => '7d')",
    f"ALTER TABLE {RATIOS} EXECUTE remove_orphan_files(retention_threshold => '7d')",
    "SELECT COUNT(*) FROM hive_prod.option_ticks_db.gold_put_call_ratios",
)


@pytest.fixture
def lake(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """The lake as the pipeline's service sees it, with three landed days and no table."""
    for name, value in stack.whole_environment("dagster-code").items():
        monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    settings = load_settings()
    made = Lake(settings)
    for table in CONTRACTS:
        if made.catalog.table_exists((NAMESPACE, table)):
            made.catalog.drop_table((NAMESPACE, table))
    simulate(settings.raw, settings.home / "truth", days=3, rows_per_day=8_000, seed=7, profile="realistic",
             last_date=LAST)  # fmt: skip
    yield made
    load_settings.cache_clear()


def as_user(user: str) -> Cursor:
    return trino.dbapi.connect(host="127.0.0.1", port=8080, user=user).cursor()


def run_job() -> tuple[str, str]:
    """Put the main job into the queue and wait; its id and how it ended."""
    client = DagsterGraphQLClient("127.0.0.1", port_number=8082)
    run_id = client.submit_job_execution(JOB, tags=range_tags(FIRST, LAST))
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = client.get_run_status(run_id).value
        if status in ("SUCCESS", "FAILURE", "CANCELED"):
            return run_id, status
        time.sleep(2)
    raise TimeoutError(f"{run_id} did not end within {PATIENCE} s")


def test_landed_files_become_a_registered_model_and_answers_for_users(lake: Lake, stack: Stack) -> None:
    run_id, status = run_job()
    assert status == "SUCCESS", stack.log("dagster-code").read_text()[-4_000:]
    for name, contract in CONTRACTS.items():
        if contract.layer != MODELS and contract is not RAW_MNIST_IMAGES:
            assert pin(Lake(lake.settings), contract).rows, name
    assert lake.settings.engine_of("silver_option_ticks") == "spark"
    assert lake.settings.engine_of("gold_put_call_ratios") == "trino"

    versions = MlflowClient(lake.settings.mlflow_uri).search_model_versions("name='TickPricePredictor'")
    assert run_id in {version.tags["dagster.run_id"] for version in versions}

    for user, catalog in (("pipeline", "hive_prod"), ("viewer", "hive_read")):
        cursor = as_user(user)
        cursor.execute(AVERAGES.format(catalog=catalog))
        assert len(cursor.fetchall()) > 20
    for statement in REFUSED:
        with pytest.raises(TrinoUserError):
            as_user("viewer").execute(statement)


def test_the_writers_left_no_clone_behind(lake: Lake) -> None:
    from lakehouse_assets.lake.clones import STAGING

    assert lake.catalog.list_tables(STAGING) == []
