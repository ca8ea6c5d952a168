"""`catalog.type = "rest"`: the same writes behind a real REST server, by DuckDB, Spark and Trino."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.native.fetch import spark_jars
from deploy.native.stack import Stack
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict, publish
from lakehouse_assets.lake.engines import opened
from lakehouse_assets.lake.table import pin
from lakehouse_assets.services.doctor.web import ask_rest_catalog
from lakehouse_assets.settings import NAMESPACE
from lakehouse_assets_tests.lake.toys import (
    MONDAY,
    TOY,
    TUESDAY,
    head,
    seen,
    stage_ticks,
    start,
    ticks,
    verdicts,
    write,
)
from lakehouse_assets_tests.stack.lakes import COPIES, TOYS, clones, copied, copy, drop, environment, judged, lake_on

pytestmark = [pytest.mark.stack("nessie"), pytest.mark.timeout(300)]

ON_SPARK = """
from lakehouse_assets_tests.stack.lakes import *
lake = lake_on("spark", lake.settings.home)
copy(lake, (MONDAY,), most=10.0)
bad = copied(lake, (TUESDAY,), text="SELECT source, trading_date, id, -price AS price, side, size FROM toy_ticks")
words = [one.verdict.words for one in judged(bad) if one.refuses]
bad.release(lake)
print(words, len(seen(lake, contract=COPIES)), clones(lake))
"""


@pytest.fixture(scope="module")
def on_rest(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The servers of the tests, told by their environment file that the catalog is the REST server."""
    assert servers.services
    file = tmp_path_factory.mktemp("rest") / "env"
    file.write_text(servers.env_file.read_text() + "CATALOG_TYPE=rest\nCATALOG_URI=http://nessie:19120/iceberg\n")
    stack = Stack(servers.state, env_file=file)
    was_running = "trino" in servers.running()
    servers.stop("trino")
    stack.up("nessie", "trino")
    yield stack
    stack.stop("trino", "nessie")
    if was_running:
        servers.up("trino")


@pytest.fixture
def lake(on_rest: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """Toy ticks of two days behind the server, computed by DuckDB."""
    environment(on_rest, monkeypatch)
    assert os.environ["LAKEHOUSE_CATALOG__TYPE"] == "rest"
    made = lake_on("duckdb", tmp_path)
    drop(made, TOYS)
    write(made, ticks(MONDAY, 4, price=[1.0, 50.0, None, 2.5]), MONDAY)
    write(made, ticks(TUESDAY, 6), TUESDAY)
    yield made
    drop(made, TOYS)


def once(step: Callable[[], object]) -> Callable[[], None]:
    """The step the first time, nothing after it."""
    pending = [step]

    def first() -> None:
        if pending:
            pending.pop()()

    return first


def test_the_lake_writes_judges_and_reads_through_the_server(lake: Lake) -> None:
    before = head(lake)
    (verdict,) = verdicts(stage_ticks(lake, ticks(MONDAY, 6, price=-1.0), [MONDAY]))
    assert verdict.refuses
    assert head(lake) == before
    assert not write(lake, ticks(TUESDAY, 6), TUESDAY).is_new
    assert write(lake, ticks(TUESDAY, 2, price=7.0), TUESDAY).is_new
    assert sorted((row["price"] for row in seen(lake)), key=str) == [1.0, 2.5, 50.0, 7.0, 7.0, None]
    assert ask_rest_catalog(lake.settings) == "answers as an Iceberg REST catalog"


def test_of_two_that_write_one_day_the_second_is_refused_and_other_days_merge(lake: Lake) -> None:
    slow = stage_ticks(lake, ticks(MONDAY, 3), [MONDAY])
    other = stage_ticks(lake, ticks(TUESDAY, 3), [TUESDAY])
    write(Lake(lake.settings), ticks(MONDAY, 5), MONDAY)
    with pytest.raises(PublishConflict):
        publish(lake, slow, {})
    publish(lake, other, {}, before_commit=once(lambda: write(Lake(lake.settings), ticks(MONDAY, 1), MONDAY)))
    assert len(seen(lake, [MONDAY])) == 1
    assert len(seen(lake, [TUESDAY])) == 3


def test_nessie_shows_the_newest_snapshot_alone(lake: Lake) -> None:
    """Hence no history and no tags behind it: docs/production.md says so."""
    table = lake.load(TOY.table)
    assert len(table.snapshots()) == 1  # of two writes
    table.manage_snapshots().create_tag(table.snapshots()[0].snapshot_id, "kept").commit()
    assert "kept" not in lake.load(TOY.table).refs()


def test_spark_and_trino_write_clones_that_are_judged_and_published(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark has a session of its own: one that runs already knows another catalog."""
    monkeypatch.delenv("SPARK_CONNECT_MODE_ENABLED", raising=False)  # of an earlier test's session in this process
    monkeypatch.setenv("LAKEHOUSE_SPARK__MASTER", "local[2]")
    monkeypatch.setenv("LAKEHOUSE_SPARK__JARS", str(spark_jars()))
    spark = start(lake.settings, ON_SPARK)
    said, wrong = spark.communicate(timeout=200)
    assert spark.returncode == 0, wrong[-3000:]
    assert "price_is_below_0: 6 of 6 rows" in said
    assert said.strip().endswith("3 []")
    by_trino = lake_on("trino", lake.settings.home)
    copy(by_trino, (TUESDAY,))
    bad = copied(
        by_trino, (MONDAY,), text="SELECT source, trading_date, id, -price AS price, side, size FROM toy_ticks"
    )
    assert [one for one in judged(bad) if one.refuses]
    bad.release(by_trino)
    assert clones(by_trino) == []
    rows = [(row["trading_date"].isoformat(), row["price"]) for row in seen(lake, contract=COPIES)]
    assert sorted(rows, key=str) == [(MONDAY, 1.0), (MONDAY, 2.5), (MONDAY, None), *[(TUESDAY, 1.5)] * 6]
    counted = opened("trino", by_trino.settings).rows(f"SELECT COUNT(*) FROM hive_read.{NAMESPACE}.{COPIES.table}")
    assert counted == [(9,)]


def test_the_server_knows_its_tables_after_it_was_killed(lake: Lake, on_rest: Stack) -> None:
    before = head(lake), seen(lake)
    on_rest.kill("nessie")
    on_rest.up("nessie")
    assert (head(lake), seen(lake)) == before
    assert write(Lake(lake.settings), ticks(TUESDAY, 1), TUESDAY).is_new
    assert pin(Lake(lake.settings), TOY, [TUESDAY]).files
