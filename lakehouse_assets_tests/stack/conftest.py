"""The real servers: those that the tests of a module ask for, on 127.0.0.1.

A module says what it needs, `pytestmark = pytest.mark.stack("trino", "spark-worker")`, and takes the fixture `stack`.
Servers that are up already are used and left running; others are started once, and stopped after the last test.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from deploy.native.cache import CACHE_VARIABLE
from deploy.native.env_file import ensure_env_file
from deploy.native.stack import Stack
from lakehouse_assets.settings import EngineName
from lakehouse_assets_tests.paths import CACHE, STACK_STATE

RETRY_SECONDS = 10


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Servers are started for those who ask for them: `-m stack`, alone or with more."""
    if "stack" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("stack")])
        items[:] = [item for item in items if not item.get_closest_marker("stack")]


def hurry(env_file: Path) -> None:
    """Have a failed step tried again after seconds: a server that was killed is back by then."""
    ensure_env_file(env_file)
    line = f"STEP_RETRY_SECONDS={RETRY_SECONDS}\n"
    if line not in (text := env_file.read_text(encoding="utf-8")):
        env_file.write_text(text + line, encoding="utf-8")


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """The stack of the tests: its own data and secrets, beside those of a person's stack."""
    if CACHE:
        os.environ[CACHE_VARIABLE] = CACHE
    stack = Stack(STACK_STATE)
    hurry(stack.env_file)
    there_already = stack.running()
    yield stack
    leave_spark()
    stack.stop(*(name for name in stack.services if name not in there_already))


def leave_spark() -> None:
    """Close this process's session: at its exit the client would ask a server that is gone for a minute."""
    if "pyspark" in sys.modules and (session := sys.modules["pyspark"].sql.SparkSession.getActiveSession()):
        session.stop()


@pytest.fixture
def stack(servers: Stack, request: pytest.FixtureRequest) -> Stack:
    """The stack with the servers up that the test's mark names; `stack.environment(service)` says how they are reached.

    A server that an earlier test has killed is started again.
    """
    servers.up(*request.node.get_closest_marker("stack").args)
    return servers


@pytest.fixture(params=get_args(EngineName))
def engine(request: pytest.FixtureRequest) -> EngineName:
    """Each engine that computes tables."""
    return request.param  # type: ignore[no-any-return]
