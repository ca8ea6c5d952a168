"""What every test may rely on: its own state, no stranger's environment, no network."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_assets.services.tracking_store import QUIET
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.conftest import FOREIGN, NetworkForbidden
from lakehouse_assets_tests.paths import PROJECT


def test_a_test_has_a_state_folder_of_its_own(own_home: Path, tmp_path: Path) -> None:
    assert load_settings().home == own_home == tmp_path / "home"


def test_no_variable_of_the_users_shell_is_left() -> None:
    ours = {"LAKEHOUSE_HOME", "LAKEHOUSE_RETRIES__TRIES", *QUIET}  # QUIET: what the tracking store itself sets
    assert {name for name in os.environ if name.startswith(FOREIGN)} - ours == set()


def test_a_users_settings_do_not_reach_the_tests() -> None:
    inside = "lakehouse_assets_tests/test_isolation.py::test_no_variable_of_the_users_shell_is_left"
    strange = {"LAKEHOUSE_PROFILE": "production", "DAGSTER_HOME": "/nowhere", "AWS_PROFILE": "mine"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", inside],
        cwd=PROJECT, env={**os.environ, **strange}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.invalid", 443)])
def test_another_machine_is_out_of_reach(address: tuple[str, int]) -> None:
    with pytest.raises(NetworkForbidden, match="tests talk to no machine but this one"):
        socket.create_connection(address, timeout=0.1)


def test_this_machine_is_within_reach() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
