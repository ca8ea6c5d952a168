"""What every test starts from: a state folder of its own, no trace of the user's environment, and no network.

A fixture of a wider scope (a lake that a whole package reads) may name its own state folder before the tests begin.
"""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from lakehouse_assets.settings import load_settings

FOREIGN = ("LAKEHOUSE_", "DAGSTER_", "MLFLOW_", "AWS_", "PYICEBERG_", "GIT_")
"""Variables by which a user's shell would change what is tested."""

TERMINAL = ("COLUMNS", "LINES")
"""A width, such as the one that pytest-xdist gives its workers, would fold what the console script writes."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")
NETWORK_EVENTS = ("socket.connect", "socket.sendto", "socket.getaddrinfo")


class NetworkForbidden(BaseException):
    """A test wants to talk to another machine; no `except Exception` may hide that."""


def pytest_configure() -> None:
    """Before a module of tests is imported, since definitions read settings when they load."""
    for name in os.environ.copy():
        if name.startswith(FOREIGN) or name in TERMINAL:
            del os.environ[name]
    os.environ["LAKEHOUSE_RETRIES__TRIES"] = "0"  # else a failing step sleeps for minutes before it is tried again
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of the code
    hypothesis.settings.load_profile("untimed")
    sys.addaudithook(_refuse_network)


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in NETWORK_EVENTS:
        return
    host = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    if isinstance(host, tuple):
        host = host[0]
    is_unix_socket = isinstance(host, (str, bytes)) and event != "socket.getaddrinfo" and _is_path(host)
    if host and not is_unix_socket and host not in LOOPBACK:
        raise NetworkForbidden(f"{event} {host!r}: tests talk to no machine but this one")


def _is_path(address: str | bytes) -> bool:
    text = os.fsdecode(address)
    return text.startswith(("/", "\0"))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder of this test, or the one that a fixture of a wider scope has named."""
    if "LAKEHOUSE_HOME" not in os.environ:
        monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / "home"))
    load_settings.cache_clear()
    before = os.environ.copy()
    yield Path(os.environ["LAKEHOUSE_HOME"])
    for name in os.environ.keys() - before.keys():
        if name.startswith("AWS_"):  # a lake on S3 tells all clients of its process how sums are made
            del os.environ[name]
    load_settings.cache_clear()


@pytest.fixture
def closed() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
