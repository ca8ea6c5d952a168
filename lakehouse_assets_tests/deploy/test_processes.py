"""A process goes with all that it has started."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from deploy.native.processes import Process

LARGE = "import time; held = bytearray(400_000_000); held[::4096] = b'x' * len(held[::4096]); print(1, flush=True)"
PARENT = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {LARGE + "; time.sleep(60)"!r}])
time.sleep(60)
"""
"""A child whose memory takes a while to be freed."""


@pytest.fixture
def family(tmp_path: Path) -> Process:
    """A process and its child, both at work."""
    log = tmp_path / "log"
    process = Process.start([sys.executable, "-c", PARENT], dict(os.environ), tmp_path, log)
    deadline = time.monotonic() + 30
    while not log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("way", ["kill", "stop"])
def test_nothing_of_a_group_is_left(family: Process, way: str) -> None:
    if way == "kill":
        family.kill()
    else:
        family.stop(patience=10)
    assert not family.alive()
    with pytest.raises(ProcessLookupError):
        os.killpg(family.pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_heeds_its_stop_signal_though_its_starter_ignores_it(tmp_path: Path, number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        process = Process.start(["sleep", "60"], dict(os.environ), tmp_path, tmp_path / "log", number)
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    process.stop(patience=10)
    assert process.wait() == -number
