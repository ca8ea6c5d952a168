"""PostgreSQL is killed and comes back: connections that were kept for later are dead, and nobody notices."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from deploy.native.stack import Stack
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engines import EngineFailed, ForeignName, opened
from lakehouse_assets.lake.engines import trino as trino_module
from lakehouse_assets.lake.engines.statements import name_in
from lakehouse_assets.lake.engines.trino import PAUSE_SECONDS, TRIES, Trino
from lakehouse_assets.settings import CATALOG, NAMESPACE
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, seen, ticks, write
from lakehouse_assets_tests.stack.lakes import FOREIGN, environment, lake_on

pytestmark = [pytest.mark.stack("trino", "spark-connect"), pytest.mark.timeout(200)]

TABLE = name_in("trino", CATALOG, NAMESPACE, TOY.table)


@pytest.fixture
def lake(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A table of four ticks, with connections to the catalog open."""
    environment(stack, monkeypatch)
    made = lake_on("trino", tmp_path)
    if made.exists(TOY.table):
        made.catalog.drop_table((NAMESPACE, TOY.table))
    write(made, ticks(MONDAY, 4), MONDAY)
    yield made
    Lake(made.settings).catalog.drop_table((NAMESPACE, TOY.table))


def restart(stack: Stack) -> None:
    stack.kill("postgres")
    stack.up("postgres")


@pytest.mark.parametrize("name", FOREIGN)
def test_an_engine_answers_and_writes_once_after_the_database_was_killed(
    name: ForeignName, stack: Stack, lake: Lake
) -> None:
    engine, table = opened(name, lake.settings), name_in(name, CATALOG, NAMESPACE, TOY.table)
    counted = f"SELECT COUNT(*) FROM {table}"
    assert engine.rows(counted) == [(4,)]
    restart(stack)
    assert engine.rows(counted) == [(4,)]
    restart(stack)
    engine.run(f"INSERT INTO {table} VALUES ('krx', DATE '{MONDAY}', 9, CAST(1.5 AS DOUBLE), 'buy', 1)")
    assert engine.rows(counted) == [(5,)]


def test_the_lake_s_own_connections_are_replaced(stack: Stack, lake: Lake) -> None:
    assert lake.exists(TOY.table)
    restart(stack)
    assert lake.exists(TOY.table)
    restart(stack)
    write(lake, ticks(MONDAY, 2), MONDAY)
    assert len(seen(lake)) == 2


def test_a_database_that_stays_away_is_said_after_a_few_seconds(
    stack: Stack, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    trino = Trino(lake.settings)
    trino.rows("SELECT 1")
    stack.kill("postgres")
    began = monotonic()
    with pytest.raises(EngineFailed, match="Trino at"):
        trino.rows(f"SELECT COUNT(*) FROM {TABLE}")
    assert PAUSE_SECONDS * (TRIES - 1) <= monotonic() - began < 60
    with monkeypatch.context() as patched:
        patched.setattr(trino_module, "time", None)  # a mistake is no reason to ask again after a while
        with pytest.raises(EngineFailed, match="line 1:8"):
            trino.rows("SELECT nothing")
    stack.up("postgres")
