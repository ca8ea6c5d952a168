"""A driver tells no secret, fails in the engine's words, and ends when its JVM does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.native.processes import Process
from deploy.native.stack import Stack
from lakehouse_assets.lake.engines import EngineFailed
from lakehouse_assets.lake.engines.spark import Spark
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.stack.lakes import environment

pytestmark = [pytest.mark.stack("spark-connect"), pytest.mark.timeout(300)]

UI = "http://127.0.0.1:8182"
OPEN_A_DRIVER = """
import sys
from lakehouse_assets.lake.engines.spark import Spark
from lakehouse_assets.settings import load_settings
spark = Spark(load_settings())
spark.run("CREATE NAMESPACE IF NOT EXISTS hive_prod.trials")
print("opened", ("trials",) in spark.rows("SHOW NAMESPACES IN hive_prod"), flush=True)  # asks no executor for a core
sys.stdin.read()
"""


@dataclass(frozen=True)
class Driver:
    """A Python process with its JVM, in a group of its own."""

    python: "subprocess.Popen[str]"
    said: Path

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + 120
        while words not in (text := self.said.read_text(encoding="utf-8")) and time.monotonic() < deadline:
            assert self.python.poll() is None, text
            time.sleep(0.2)
        assert words in text

    def java(self) -> int:
        """The JVM that this very process has started."""
        (only,) = [pid for pid in group(self.python.pid) if "SparkSubmit" in command_line(pid)]
        return only


def group(leader: int) -> list[int]:
    """The processes of a group."""
    there = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in there if group_of(pid) == leader]


def group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def leader(stack: Stack, name: str) -> int:
    process = Process.load(stack.state / "run" / f"{name}.json")
    assert process is not None
    return process.pid


def command_line(pid: int) -> str:
    """What every user of the machine sees of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def secrets(known: dict[str, str]) -> list[str]:
    """The values of an environment that nobody else may see."""
    found = [value for name, value in known.items() if name.endswith(("PASSWORD", "ACCESS_KEY", "ACCESS_KEY_ID"))]
    assert len(set(found)) >= 3, "password, key and its secret"
    return found


def start(command: list[str], known: dict[str, str], said: Path) -> Driver:
    with said.open("w", encoding="utf-8") as output:
        return Driver(
            subprocess.Popen(
                [sys.executable, *command], env=known, stdin=subprocess.PIPE, stdout=output, stderr=output,
                text=True, start_new_session=True,
            ),
            said,
        )  # fmt: skip


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Driver]]:
    """Drivers that a test has started; they and their JVMs are gone afterwards."""
    started: list[Driver] = []
    yield started
    for driver in started:
        with suppress(ProcessLookupError):
            os.killpg(driver.python.pid, signal.SIGKILL)
        driver.python.wait()


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])


@pytest.mark.parametrize("master", ["local[1]", "spark://127.0.0.1:7077"])
def test_no_secret_stands_on_the_command_line_of_a_driver_of_one_s_own(
    master: str, stack: Stack, running: list[Driver], tmp_path: Path
) -> None:
    known = {**stack.whole_environment("spark-connect"), "LAKEHOUSE_SPARK__MASTER": master}
    running.append(driver := start(["-c", OPEN_A_DRIVER], known, tmp_path / "said"))
    driver.wait_for("opened True")
    assert driver.java() != driver.python.pid
    shown = [command_line(pid) for pid in group(driver.python.pid)]
    assert not [line for line in shown if any(secret in line for secret in secrets(known))]


def test_no_secret_stands_on_a_command_line_or_a_page_of_the_shared_driver(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor of its executors, which a question of a client brings up."""
    environment(stack, monkeypatch)
    spark = Spark(Settings())
    spark.run("CREATE NAMESPACE IF NOT EXISTS hive_prod.trials")
    spark.run("CREATE OR REPLACE TABLE hive_prod.trials.seen USING iceberg AS SELECT id FROM range(10)")
    assert spark.rows("SELECT COUNT(*) FROM hive_prod.trials.seen") == [(10,)]
    hidden = secrets(stack.whole_environment("spark-connect"))
    shown = [command_line(pid) for name in ("spark-connect", "spark-worker") for pid in group(leader(stack, name))]
    for program in ("spark_connect", "SparkSubmit", "CoarseGrainedExecutorBackend"):
        assert [line for line in shown if program in line], program
    assert not [line for line in shown if any(secret in line for secret in hidden)]
    with urlopen(f"{UI}/environment/", timeout=30) as answer:
        page = answer.read().decode()
    assert "spark.sql.catalog.hive_prod.jdbc.user" in page
    assert not [secret for secret in hidden if secret in page]


def test_what_fails_while_it_runs_fails_in_one_line_of_the_engine(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(stack, monkeypatch)
    spark = Spark(Settings())
    for question, words in (
        ("SELECT 1 / (id - id) FROM range(3)", "DIVIDE_BY_ZERO"),
        ("SELECT raise_error('told you so') FROM range(3)", "told you so"),
        ("SELECT no_such_column FROM range(3)", "no_such_column"),
    ):
        with pytest.raises(EngineFailed, match=words) as caught:
            spark.rows(question)
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith("Spark at sc://")


@pytest.fixture
def served(stack: Stack, running: list[Driver], tmp_path: Path) -> Driver:
    """A Connect server of the test's own, which listens."""
    known = {**stack.whole_environment("spark-connect"), "LAKEHOUSE_SPARK__MASTER": "local[1]"}
    port = free_port()
    serve = ["-m", "lakehouse_assets.services.spark_connect", "--port", port, "--ui-port", free_port()]
    running.append(driver := start(serve, known, tmp_path / "said"))
    driver.wait_for(f"Spark Connect listens on 127.0.0.1:{port}")
    return driver


def test_a_connect_server_whose_jvm_is_killed_ends_within_seconds_and_says_so(served: Driver) -> None:
    os.kill(served.java(), signal.SIGKILL)
    assert served.python.wait(timeout=10) == 1
    assert served.said.read_text(encoding="utf-8").splitlines()[-1] == (
        "Spark's JVM has ended with exit code -9: start this server again"
    )


def test_a_connect_server_that_is_told_to_end_ends_in_order(served: Driver) -> None:
    served.python.send_signal(signal.SIGTERM)
    assert served.python.wait(timeout=30) == 0, served.said.read_text(encoding="utf-8")
