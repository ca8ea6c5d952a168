"""The production instance of Dagster keeps runs in PostgreSQL and what the steps wrote on S3."""

import os
from collections.abc import Iterator

import boto3
import dagster as dg
import pytest

from deploy.native.stack import Stack

pytestmark = pytest.mark.stack("lake-init")


@pytest.fixture
def instance(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    list(stack.fetch("dagster-code"))  # writes its configuration for this machine
    for name, value in stack.environment("dagster-code").items():
        if not name.startswith("LAKEHOUSE_"):
            monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as opened:
        yield opened


def test_a_run_and_its_output_outlive_the_process(instance: dg.DagsterInstance) -> None:
    @dg.op
    def speak() -> None:
        print("a word to keep")  # noqa: T201

    @dg.job
    def spoken() -> None:
        speak()

    result = spoken.execute_in_process(instance=instance)
    assert result.success
    assert type(instance.run_storage).__name__ == "PostgresRunStorage"
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.SUCCESS
    store = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"])
    keys = [
        item["Key"]
        for item in store.list_objects_v2(Bucket="lakehouse", Prefix="compute-logs/").get("Contents", ())
        if result.run_id in item["Key"] and item["Key"].endswith(".out")
    ]
    assert keys
    assert b"a word to keep" in store.get_object(Bucket="lakehouse", Key=keys[0])["Body"].read()


def test_the_queue_has_limits_and_nothing_is_kept_for_ever(instance: dg.DagsterInstance) -> None:
    assert instance.get_concurrency_config().run_queue_config is not None
    assert instance.run_monitoring_enabled
    assert instance.telemetry_enabled is False
    assert type(instance.compute_log_manager).__name__ == "S3ComputeLogManager"
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.max_concurrent_runs == 4
    assert queue.tag_concurrency_limits == [{"key": "dagster/backfill", "limit": 2}]
