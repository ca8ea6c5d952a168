"""One write, from files that nobody sees to one commit: all of it is visible, or nothing."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict, Published, publish
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets_tests.lake.toys import (
    BY_DATE,
    MONDAY,
    TOY,
    TUESDAY,
    WEDNESDAY,
    data_files,
    head,
    published_files,
    seen,
    stage_ticks,
    ticks,
    verdicts,
    write,
)


def test_a_bad_batch_is_never_visible_to_a_reader_that_polls(lake: Lake) -> None:
    write(lake, ticks(MONDAY, 4), MONDAY)
    before, counts, errors, done = head(lake), set[int](), list[Exception](), threading.Event()
    started = threading.Event()

    def poll() -> None:
        reader = Lake(lake.settings)
        try:
            while not done.is_set():
                counts.add(pin(reader, TOY, [MONDAY]).batches().read_all().num_rows)
                started.set()
        except Exception as error:  # noqa: BLE001 - the test thread reports it
            errors.append(error)
            started.set()

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        assert started.wait(30)
        bad = stage_ticks(lake, ticks(MONDAY, 6, price=-1.0), [MONDAY])
        (judged,) = verdicts(bad)
        assert judged.refuses
        assert judged.verdict.words == "price_is_below_0: 6 of 6 rows"
        assert head(lake) == before
        write(lake, ticks(MONDAY, 10), MONDAY)
    finally:
        done.set()
        thread.join()
    assert not errors
    assert counts <= {4, 10}
    assert len(seen(lake)) == 10


def test_a_refused_batch_leaves_the_snapshot_and_its_files_findable(lake: Lake) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    before = head(lake), seen(lake)
    refused = stage_ticks(lake, ticks(MONDAY, price=-1.0), [MONDAY])
    assert verdicts(refused)[0].refuses
    assert (head(lake), seen(lake)) == before
    assert data_files(lake) > published_files(lake)
    refused.discard(lake)
    assert data_files(lake) == published_files(lake)


def test_the_same_content_again_makes_no_snapshot_and_no_file(lake: Lake) -> None:
    first = write(lake, ticks(MONDAY), MONDAY)
    files = data_files(lake)
    assert stage_ticks(lake, ticks(MONDAY), [MONDAY]).partitions[0].is_current
    again = write(lake, ticks(MONDAY), MONDAY)
    assert again == Published(first.snapshot_id, False, again.seconds)
    assert data_files(lake) == files
    assert len(lake.load("toy_ticks").snapshots()) == 1


def test_a_publish_that_finds_its_content_names_the_snapshot_that_added_it(lake: Lake) -> None:
    first = write(lake, ticks(MONDAY), MONDAY)
    assert write(lake, ticks(TUESDAY), TUESDAY).snapshot_id != first.snapshot_id
    again = write(lake, ticks(MONDAY), MONDAY)
    assert (again.snapshot_id, again.is_new) == (first.snapshot_id, False)


def test_content_that_changes_and_changes_back_is_published_each_time(lake: Lake) -> None:
    for price in (1.0, 2.0, 1.0):
        assert write(lake, ticks(MONDAY, price=price), MONDAY).is_new
        assert {row["price"] for row in seen(lake)} == {price}


def test_a_partition_that_becomes_empty_is_emptied(lake: Lake) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    write(lake, ticks(TUESDAY), TUESDAY)
    assert write(lake, ticks(MONDAY, 0), MONDAY).is_new
    assert {row["trading_date"].isoformat() for row in seen(lake)} == {TUESDAY}
    assert not write(lake, ticks(MONDAY, 0), MONDAY).is_new


def test_a_key_given_twice_is_written_once(lake: Lake) -> None:
    publish(lake, stage_ticks(lake, ticks(MONDAY), [MONDAY, MONDAY]), {})
    assert len(seen(lake)) == 4


def test_two_runs_of_one_partition_with_different_content_publish_once(lake: Lake) -> None:
    write(lake, ticks(MONDAY, price=1.0), MONDAY)
    ours, theirs = (stage_ticks(lake, ticks(MONDAY, price=price), [MONDAY]) for price in (2.0, 3.0))
    publish(lake, theirs, {})
    with pytest.raises(PublishConflict, match=f"toy_ticks {MONDAY}: another run published"):
        publish(lake, ours, {})
    assert [row["price"] for row in seen(lake)] == [3.0] * 4
    assert data_files(lake) - published_files(lake) == _files_with(lake, 1.0)


def test_two_runs_of_one_partition_with_the_same_content_agree(lake: Lake) -> None:
    ours, theirs = (stage_ticks(lake, ticks(MONDAY), [MONDAY]) for _ in range(2))
    winner = publish(lake, theirs, {})
    loser = publish(lake, ours, {})
    assert (loser.snapshot_id, loser.is_new) == (winner.snapshot_id, False)
    assert len(seen(lake)) == 4
    assert data_files(lake) == published_files(lake)


def test_a_foreign_commit_of_another_partition_inside_ours_stays(lake: Lake) -> None:
    ours = stage_ticks(lake, ticks(MONDAY), [MONDAY])
    published = publish(
        lake, ours, {}, before_commit=_once(lambda: write(Lake(lake.settings), ticks(TUESDAY), TUESDAY))
    )
    assert published.is_new
    assert [row["trading_date"].isoformat() for row in seen(lake)] == [MONDAY] * 4 + [TUESDAY] * 4


@pytest.mark.parametrize("is_first", [True, False])
def test_a_foreign_commit_of_the_same_partition_inside_ours_is_a_conflict(lake: Lake, is_first: bool) -> None:
    if not is_first:
        write(lake, ticks(MONDAY, price=1.0), MONDAY)
    ours = stage_ticks(lake, ticks(MONDAY, price=2.0), [MONDAY])
    foreign = _once(lambda: write(Lake(lake.settings), ticks(MONDAY, price=3.0), MONDAY))
    with pytest.raises(PublishConflict):
        publish(lake, ours, {}, before_commit=foreign)
    assert [row["price"] for row in seen(lake)] == [3.0] * 4


@pytest.mark.parametrize("is_inside", [True, False])
def test_a_plain_append_by_another_writer_is_never_lost_silently(lake: Lake, is_inside: bool) -> None:
    write(lake, ticks(MONDAY, price=1.0), MONDAY)
    ours = stage_ticks(lake, ticks(MONDAY, price=2.0), [MONDAY])
    append = _once(lambda: Lake(lake.settings).load("toy_ticks").append(ticks(MONDAY, 2, price=9.0)))
    if not is_inside:
        append()
    with pytest.raises(PublishConflict):
        publish(lake, ours, {}, before_commit=append)
    assert sorted(row["price"] for row in seen(lake)) == [1.0] * 4 + [9.0] * 2


def test_a_range_equals_its_days_by_content_and_is_one_snapshot(lake: Lake) -> None:
    days = [MONDAY, TUESDAY, WEDNESDAY]
    upstream = replace(TOY, table="toy_upstream")
    for number, day in enumerate(days):
        write(lake, ticks(day, 6, price=float(number)), day, upstream)
    one, many = replace(TOY, table="toy_range"), replace(TOY, table="toy_singles")

    def content(keys: list[str]) -> Query:
        return Query("SELECT * FROM toy_upstream WHERE id > 0", {"toy_upstream": pin(lake, upstream, keys)})

    ranged = stage(lake, one, content(days), days)
    publish(lake, ranged, {})
    singles = [stage(lake, many, content([day]), [day]) for day in days]
    for single in singles:
        publish(lake, single, {})
    assert content_hash(replace(pin(lake, one), contract=TOY)) == content_hash(replace(pin(lake, many), contract=TOY))
    assert [part.commit_key for part in ranged.partitions] == [s.partitions[0].commit_key for s in singles]
    assert (len(lake.load("toy_range").snapshots()), len(lake.load("toy_singles").snapshots())) == (1, 3)
    assert pin(lake, one).rows == 15


def test_a_range_with_one_contested_day_publishes_no_day(lake: Lake) -> None:
    upstream = replace(TOY, table="toy_upstream")
    for day in (MONDAY, TUESDAY):
        write(lake, ticks(day), day, upstream)
    query = Query("SELECT * FROM toy_upstream", {"toy_upstream": pin(lake, upstream)})
    ours = stage(lake, TOY, query, [MONDAY, TUESDAY])
    write(lake, ticks(TUESDAY, price=7.0), TUESDAY)
    with pytest.raises(PublishConflict, match=TUESDAY):
        publish(lake, ours, {})
    assert {row["price"] for row in seen(lake)} == {7.0}
    assert data_files(lake) == published_files(lake)


def test_a_range_writes_only_the_days_that_changed(lake: Lake) -> None:
    upstream = replace(TOY, table="toy_upstream")
    for day in (MONDAY, TUESDAY):
        write(lake, ticks(day), day, upstream)

    def run() -> Published:
        query = Query("SELECT * FROM toy_upstream", {"toy_upstream": pin(lake, upstream)})
        return publish(lake, stage(lake, TOY, query, [MONDAY, TUESDAY]), {})

    run()
    write(lake, ticks(TUESDAY, price=3.0), TUESDAY, upstream)
    assert run().is_new
    summary = lake.load("toy_ticks").current_snapshot()
    assert summary is not None
    assert summary.summary is not None
    assert summary.summary["lakehouse.partitions"] == TUESDAY


def test_a_snapshot_says_what_made_it(lake: Lake) -> None:
    upstream = replace(TOY, table="toy_upstream")
    write(lake, ticks(MONDAY), MONDAY, upstream)
    pinned = pin(lake, upstream)
    staged = stage(lake, TOY, Query("SELECT * FROM toy_upstream", {"toy_upstream": pinned}), [MONDAY])
    publish(lake, staged, {"lakehouse.run-id": "run-7"})
    snapshot = lake.load("toy_ticks").current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    said = snapshot.summary.additional_properties
    assert said["lakehouse.run-id"] == "run-7"
    assert said["lakehouse.asset"] == "toy_ticks"
    assert said["lakehouse.partitions"] == MONDAY
    assert said["lakehouse.commit-keys"] == staged.partitions[0].commit_key
    assert json.loads(said["lakehouse.inputs"]) == {"toy_upstream": pinned.snapshot_id}
    assert len(said["lakehouse.git-sha"].removesuffix("-dirty")) == 40 or said["lakehouse.git-sha"] == "unknown"


def test_a_table_without_partitions_is_replaced_whole(lake: Lake) -> None:
    whole: Contract = replace(TOY, table="toy_whole", partition=())
    for day, price in ((MONDAY, 1.0), (TUESDAY, 2.0)):
        publish(lake, stage_ticks(lake, ticks(day, price=price), [WHOLE], whole), {})
    assert {(row["trading_date"], row["price"]) for row in seen(lake, contract=whole)} == {(date(2026, 11, 17), 2.0)}
    with pytest.raises(ValueError, match="has no partitions"):
        stage_ticks(lake, ticks(MONDAY), [MONDAY], whole)


def test_rows_of_a_file_stand_in_the_order_of_the_contract(lake: Lake) -> None:
    text = (
        f"SELECT 'krx' AS source, DATE '{MONDAY}' AS trading_date, 299999 - range AS id, NULL AS price, 'buy' AS side, "
        "1 AS size FROM range(300000)"
    )
    publish(lake, stage(lake, BY_DATE, Query(text, {}), [MONDAY]), {})
    (file,) = published_files(lake, BY_DATE)
    assert pq.ParquetFile(file).read(["id"])["id"].to_pylist() == list(range(300_000))


def _once(step: Callable[[], object]) -> Callable[[], None]:
    """A hook that acts at the first attempt only."""
    calls: list[int] = []

    def hook() -> None:
        if not calls:
            calls.append(1)
            step()

    return hook


def _files_with(lake: Lake, price: float) -> set[Path]:
    return {path for path in data_files(lake) if pq.ParquetFile(path).read(["price"])["price"][0].as_py() == price}
