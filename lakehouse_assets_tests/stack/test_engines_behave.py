"""The lake's promises on every engine: what DuckDB, Spark and Trino write is judged and published in one way."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from deploy.native.stack import Stack
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict, publish
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.engines import EngineFailed
from lakehouse_assets.lake.strays import StrayRows
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import NAMESPACE, EngineName
from lakehouse_assets_tests.lake.toys import MONDAY, TUESDAY, WEDNESDAY, head, seen, stage_ticks, ticks, write
from lakehouse_assets_tests.stack.lakes import COPIES, clones, copied, copy, files, judged, toy_lake

pytestmark = [pytest.mark.stack("trino", "spark-connect"), pytest.mark.timeout(300)]
DAYS = (MONDAY, TUESDAY, WEDNESDAY)


@pytest.fixture
def lake(engine: EngineName, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """Toy ticks of three days, and nothing else."""
    with toy_lake(engine, stack, tmp_path, monkeypatch) as made:
        for day in DAYS:
            write(made, ticks(day, 6), day)
        yield made


def put_unjudged(lake: Lake, rows: pa.Table, day: str) -> None:
    """Publish rows of the source as they are; no gate is asked."""
    publish(lake, stage_ticks(lake, rows, [day]), {})


def test_what_the_engine_wrote_is_what_was_asked_for(lake: Lake) -> None:
    write(lake, ticks(MONDAY, 4, price=[1.0, 50.0, None, 2.5], size=[1, None, 3, 4]), MONDAY)
    published = copy(lake, (MONDAY,), most=10.0)
    assert published.is_new
    rows = sorted((row["id"], row["price"], row["size"]) for row in seen(lake, contract=COPIES))
    assert rows == [(0, 1.0, 1), (2, None, 3), (3, 2.5, 4)]
    assert clones(lake) == []


def test_a_bad_batch_is_never_visible_and_main_stays(lake: Lake) -> None:
    copy(lake, (TUESDAY,))
    before = head(lake, COPIES)
    put_unjudged(lake, ticks(TUESDAY, 4, side=["buy", "steal", "buy", "buy"]), TUESDAY)
    staged = copied(lake, (TUESDAY,))
    (verdict,) = judged(staged)
    assert verdict.refuses
    assert "side_is_not_allowed: 1 of 4 rows" in verdict.verdict.words
    assert head(lake, COPIES) == before
    staged.release(lake)
    assert clones(lake) == []
    assert len(seen(lake, contract=COPIES)) == 6


def test_a_key_twice_a_null_and_a_wild_number_are_seen_on_the_engine(lake: Lake) -> None:
    bad = ticks(MONDAY, 5, source="krx", id=[1, 1, 2, None, 4], price=[1.0, 1.0, float("nan"), -0.0, 5000.0])
    put_unjudged(lake, bad, MONDAY)
    words = judged(copied(lake, (MONDAY,), text="SELECT * FROM toy_ticks"))[0].verdict.words
    for breach in ("id_is_null: 1", "key_is_repeated: 1", "price_is_not_finite: 1", "price_is_minus_zero: 1",
                   "price_is_above_1000"):  # fmt: skip
        assert breach in words


def test_running_again_changes_nothing(lake: Lake) -> None:
    first = copy(lake, DAYS)
    again = copied(lake, DAYS)
    assert all(part.is_current for part in again.partitions)
    assert not [one for one in judged(again) if one.refuses]
    repeated = publish(lake, again, {})
    assert (repeated.is_new, repeated.snapshot_id) == (False, first.snapshot_id)


def test_a_range_equals_its_single_days(lake: Lake) -> None:
    copy(lake, DAYS)
    ranged = content_hash(pin(lake, COPIES))
    lake.catalog.drop_table((NAMESPACE, COPIES.table))
    for day in DAYS:
        copy(lake, (day,))
    assert content_hash(pin(lake, COPIES)) == ranged


def test_of_two_that_write_one_day_the_second_is_refused_and_other_days_merge(lake: Lake) -> None:
    copy(lake, (MONDAY,))
    slow = copied(lake, (TUESDAY,))
    copy(Lake(lake.settings), (TUESDAY,), most=2.0)
    with pytest.raises(PublishConflict):
        publish(lake, slow, {})
    other = copied(lake, (WEDNESDAY,))
    write(lake, ticks(MONDAY, 2), MONDAY)
    copy(Lake(lake.settings), (MONDAY,))
    publish(lake, other, {})
    assert len(seen(lake, (WEDNESDAY,), COPIES)) == 6


def test_rows_of_another_day_are_refused_before_they_are_judged(lake: Lake) -> None:
    text = "SELECT source, DATE '2026-11-20' AS trading_date, id, price, side, size FROM toy_ticks"
    with pytest.raises(StrayRows):
        copied(lake, (MONDAY,), text=text)
    assert clones(lake) == []
    assert seen(lake, contract=COPIES) == []


def test_a_statement_that_is_refused_leaves_nothing(lake: Lake) -> None:
    failing = "SELECT source, trading_date, id, no_such_column AS price, side, size FROM toy_ticks"
    with pytest.raises((EngineFailed, duckdb.Error), match="no_such_column"):
        copied(lake, (MONDAY,), text=failing)
    assert clones(lake) == []
    assert head(lake, COPIES) is None


def test_of_a_statement_that_fails_at_a_row_of_the_second_day_no_clone_and_no_file_is_left(lake: Lake) -> None:
    """What is wrong is a value, so the engine only knows once it computes; the first day is written by then."""
    put_unjudged(lake, ticks(MONDAY, 6, side="7"), MONDAY)
    put_unjudged(lake, ticks(TUESDAY, 6, side=["7", "7", "7", "7", "seven", "7"]), TUESDAY)
    counted = "SELECT source, trading_date, id, CAST(side AS DOUBLE) AS price, side, size FROM toy_ticks"
    before = files(lake)
    with pytest.raises((EngineFailed, duckdb.Error), match="seven"):
        copied(lake, (MONDAY, TUESDAY), text=counted)
    assert clones(lake) == []
    assert files(lake) == before
    assert head(lake, COPIES) is None
    copied(lake, (MONDAY,), text=counted).discard(lake)


def test_of_a_write_of_two_days_of_which_the_second_fails_no_clone_and_no_file_is_left(lake: Lake) -> None:
    strays_on_tuesday = "SELECT source, DATE '2026-11-16' AS trading_date, id, price, side, size FROM toy_ticks"
    before = files(lake)
    with pytest.raises(StrayRows, match=TUESDAY):
        copied(lake, (MONDAY, TUESDAY), text=strays_on_tuesday)
    assert clones(lake) == []
    assert files(lake) == before


def test_what_is_discarded_leaves_no_clone_and_no_file(lake: Lake) -> None:
    before = files(lake)
    staged = copied(lake, DAYS)
    assert len(files(lake)) >= len(before) + len(DAYS)
    staged.discard(lake)
    assert clones(lake) == []
    assert files(lake) == before
