"""The health checks of the compose file, run here.

Belongs here: one check, and waiting for it. Does not: which service is checked when (`stack`).
"""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.error import URLError
from urllib.request import urlopen

from deploy.native.compose import Health
from deploy.native.errors import StackError

SHORTEST_PAUSE = 0.3


def command_of(health: Health, instead: Mapping[str, Sequence[str]]) -> list[str]:
    """The check's command; `instead` has other words for a program that only the image has."""
    kind, *words = health.test
    if kind == "CMD-SHELL":
        return ["/bin/sh", "-c", *words]
    return [*instead.get(words[0], words[:1]), *words[1:]]


def is_healthy(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> bool:
    """Run one check. wget, which images have and machines may lack, is only asked for the page at its end."""
    if command[0] == "wget":
        try:
            with urlopen(command[-1], timeout=timeout) as answer:  # noqa: S310 - a URL of the compose file
                return int(answer.status) < 400
        except (URLError, OSError):
            return False
    try:
        run = subprocess.run(  # noqa: S603
            command, env=environment, timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def wait_until_healthy(name: str, check: Callable[[], bool], alive: Callable[[], bool], patience: float) -> None:
    """Wait for a service.

    Raises:
        StackError: its process ended, or it was in vain for `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        began = time.monotonic()
        if check():
            return
        if not alive():
            raise StackError(f"{name} ended while it was starting")
        if time.monotonic() > deadline:
            raise StackError(f"{name} was not healthy after {patience:.0f} seconds")
        time.sleep(max(SHORTEST_PAUSE, time.monotonic() - began))  # a check that costs much is asked less often
