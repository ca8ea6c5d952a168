"""What a person does to clones and tables by the engines' own statements: the published rows are there after it."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest

from deploy.native.stack import Stack
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.clones import LONGEST_HOURS, STAGING
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.content_hash import content_hash, rows_hash
from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.engines import EngineFailed, ForeignName, opened
from lakehouse_assets.lake.engines.statements import name_in
from lakehouse_assets.lake.engines.trino import Trino
from lakehouse_assets.lake.staging import Staged
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import CATALOG, NAMESPACE
from lakehouse_assets_tests.lake.toys import MONDAY, TUESDAY, TYPES, WEDNESDAY, seen
from lakehouse_assets_tests.stack.lakes import (
    COPIES,
    FOREIGN,
    aged,
    clones,
    copied,
    copy,
    files,
    toy_lake,
    write_half_copied,
)

pytestmark = [pytest.mark.stack("trino", "spark-connect"), pytest.mark.timeout(300)]
DAYS = (MONDAY, TUESDAY, WEDNESDAY)


@pytest.fixture(params=FOREIGN)
def writer(request: pytest.FixtureRequest) -> ForeignName:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def lake(writer: ForeignName, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """Toy ticks of three days, and half of each copied."""
    with toy_lake(writer, stack, tmp_path, monkeypatch) as made:
        write_half_copied(made, DAYS)
        yield made


@pytest.fixture
def staged(lake: Lake) -> Staged:
    """What was published from clones that are still there: a step that was killed behind its commit."""
    staged = copied(lake, DAYS, most=5.0)
    publish(lake, staged, {})
    assert len(clones(lake)) == len(DAYS)
    return staged


def shown(lake: Lake) -> str:
    """The content hash of the target as DuckDB, Spark and Trino read it: one, and of rows that are there."""
    found = {content_hash(pin(Lake(lake.settings), COPIES))}
    columns = {column.name: TYPES[column.type] for column in COPIES.columns}
    for engine in FOREIGN:
        rows = opened(engine, lake.settings).rows(
            f"SELECT {', '.join(columns)} FROM {name_in(engine, CATALOG, NAMESPACE, COPIES.table)}"
        )
        read = pa.table({name: pa.array([row[n] for row in rows], columns[name]) for n, name in enumerate(columns)})
        with connect(lake.settings) as connection:
            connection.register("read_rows", read)
            found.add(rows_hash(connection, COPIES, "read_rows"))
    assert len(found) == 1
    assert len(seen(lake, contract=COPIES)) == 5 * len(DAYS)
    return found.pop()


def drop(engine: ForeignName, lake: Lake, clone: str, ending: str = "") -> None:
    opened(engine, lake.settings).run(f"DROP TABLE {name_in(engine, CATALOG, STAGING, clone)}{ending}")


def test_dropping_a_clone_by_any_engine_keeps_what_was_published_from_it(lake: Lake, staged: Staged) -> None:
    before = shown(lake)
    of_monday, of_tuesday, of_wednesday = (part.clone.name for part in staged.partitions if part.clone)
    drop("trino", lake, of_monday)
    assert shown(lake) == before
    drop("spark", lake, of_tuesday)
    assert shown(lake) == before
    with pytest.raises(EngineFailed, match="GC is disabled"):
        drop("spark", lake, of_wednesday, " PURGE")
    assert shown(lake) == before
    assert set(clones(lake)) <= {of_wednesday}
    staged.release(lake)
    assert clones(lake) == []
    assert shown(lake) == before


def keep_by_spark(lake: Lake) -> None:
    """Expire all but the last snapshot, then remove whatever no snapshot names; Spark asks for a day of age else."""
    spark = opened("spark", lake.settings)
    table = f"table => '{NAMESPACE}.{COPIES.table}', older_than => TIMESTAMP '2100-01-01 00:00:00'"
    young = {"spark.sql.legacy.setCommandRejectsSparkCoreConfs": "false", "spark.testing": "true"}
    spark.rows(f"CALL {CATALOG}.system.expire_snapshots({table}, retain_last => 1)")
    for name, value in young.items():
        spark.run(f"SET {name}={value}")
    try:
        spark.rows(f"CALL {CATALOG}.system.remove_orphan_files({table}, prefix_listing => true)")
    finally:
        for name in reversed(young):
            spark.run(f"RESET {name}")


def keep_by_trino(lake: Lake) -> None:
    """The same; the least age is a setting of the session."""
    trino, table = Trino(lake.settings), name_in("trino", CATALOG, NAMESPACE, COPIES.table)
    for procedure in ("expire_snapshots", "remove_orphan_files"):
        trino.run(f"SET SESSION {CATALOG}.{procedure}_min_retention = '0s'")
        trino.run(f"ALTER TABLE {table} EXECUTE {procedure}(retention_threshold => '0s')")


KEEPERS: Mapping[ForeignName, Callable[[Lake], None]] = {"spark": keep_by_spark, "trino": keep_by_trino}


@pytest.mark.parametrize("keeper", FOREIGN)
def test_expiring_snapshots_and_removing_orphans_keeps_what_is_published(
    keeper: ForeignName, lake: Lake, staged: Staged
) -> None:
    """Clones of killed steps lose their metadata by it, which no later write may stumble over."""
    before, published = shown(lake), {file.path.removeprefix("s3://") for file in pin(lake, COPIES).files}
    unpublished = copied(lake, (MONDAY,), most=2.0)
    unpublished.release(lake)
    for clone in clones(lake):
        aged(lake, clone, LONGEST_HOURS + 1)
    assert len(lake.load(COPIES.table).snapshots()) == 2
    assert set(files(lake)) > published | {file.path.removeprefix("s3://") for file in unpublished.partitions[0].files}
    KEEPERS[keeper](lake)
    assert shown(lake) == before
    assert len(lake.load(COPIES.table).snapshots()) == 1
    assert set(files(lake)) == published
    assert all(part.is_current for part in copied(lake, DAYS, most=5.0).partitions)
    assert clones(lake) == []
    assert copy(lake, (MONDAY,), most=6.0).is_new
    assert len(seen(lake, contract=COPIES)) == 5 * len(DAYS) + 1
