"""A run that lost its code server is noticed, one that has it is left alone."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from lakehouse_assets.services.run_launcher import WatchfulRunLauncher
from lakehouse_assets_tests.paths import PROJECT

UNUSED_PORT = 9  # discard: nobody listens

PATIENCE_SECONDS = 60


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with the launcher as the project's own dagster.yaml names it."""
    known = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"run_launcher": known["run_launcher"]}))
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


def started(**address: object) -> dg.DagsterRun:
    """A started run whose server is at this address."""
    noted = {GRPC_INFO_TAG: json.dumps(address)} if address else {}
    return dg.DagsterRun(job_name="any", tags=noted, status=dg.DagsterRunStatus.STARTED)


def health(instance: dg.DagsterInstance, **address: object) -> WorkerStatus:
    """What the launcher says of such a run."""
    return instance.run_launcher.check_run_worker_health(started(**address)).status


@pytest.mark.parametrize("file", ["dagster.yaml", "deploy/dagster/dagster.yaml"])
def test_both_profiles_launch_by_it(file: str) -> None:
    named = yaml.safe_load((PROJECT / file).read_text(encoding="utf-8"))["run_launcher"]
    assert named == {"module": WatchfulRunLauncher.__module__, "class": WatchfulRunLauncher.__name__}


def test_a_run_without_a_server_is_left_alone(instance: dg.DagsterInstance) -> None:
    assert instance.run_launcher.supports_check_run_worker_health
    assert health(instance) == WorkerStatus.RUNNING


def test_a_run_is_lost_with_its_socket(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    assert health(instance, host="localhost", socket=str(tmp_path / "gone")) == WorkerStatus.FAILED


def test_a_run_of_another_host_is_asked_for_again(instance: dg.DagsterInstance) -> None:
    assert health(instance, host="127.0.0.1", port=UNUSED_PORT) == WorkerStatus.RUNNING


@pytest.mark.slow
def test_a_run_is_lost_when_its_server_was_started_anew(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("import dagster as dg\n\ndefs = dg.Definitions()\n")
    socket = tmp_path / "s"
    command = [sys.executable, "-m", "dagster", "api", "grpc", "-f", "empty.py", "--socket", str(socket)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while not socket.exists() and server.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            result = instance.run_launcher.check_run_worker_health(started(host="localhost", socket=str(socket)))
            assert (result.status, "started anew" in (result.msg or "")) == (WorkerStatus.FAILED, True)
        finally:
            server.kill()  # it may outlive a SIGTERM
