"""A commit whose acknowledgement is lost may have gone through: its files stay, and the next run finds out."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from pyiceberg.exceptions import CommitFailedException, CommitStateUnknownException
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from lakehouse_assets.lake.asset import HOPELESS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict, PublishUnknown, publish
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.staging import Staged, stage
from lakehouse_assets.lake.table import pin, pin_at
from lakehouse_assets.lake.tags import VersionInputs, model_tags, tag_inputs
from lakehouse_assets_tests.lake.toys import (
    MONDAY,
    TOY,
    TUESDAY,
    data_files,
    published_files,
    seen,
    stage_ticks,
    ticks,
    write,
)

LOST = OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))
TRIES = 3
UPSTREAM = replace(TOY, table="toy_upstream")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("commit", "tags"):
        monkeypatch.setattr(f"lakehouse_assets.lake.{module}.ATTEMPTS", TRIES)
        monkeypatch.setattr(f"lakehouse_assets.lake.{module}.wait_before_retry", lambda _: None)


def answers(lake: Lake, monkeypatch: pytest.MonkeyPatch, answer: Callable[[Callable[[], object]], object]) -> list[int]:
    """Let a function answer each commit in the catalog's place, given the commit; the list gets a number for each."""
    commit, calls = lake.catalog.commit_table, list[int]()

    def commit_table(*what: Any) -> object:
        calls.append(len(calls))
        return answer(lambda: commit(*what))

    monkeypatch.setattr(lake.catalog, "commit_table", commit_table)
    return calls


def lose_the_first(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    then: Callable[[], object] = lambda: None,
    error: Exception = LOST,
    goes_through: bool = True,
) -> list[int]:
    """Have the first commit go through (or not), something happen after it, and its acknowledgement get lost."""

    def answer(commit: Callable[[], object]) -> object:
        if len(calls) > 1:
            return commit()
        if goes_through:
            commit()
        then()
        raise error

    calls = answers(lake, monkeypatch, answer)
    return calls


def take_away(lake: Lake) -> None:
    """Make the database unreachable."""
    catalog: Any = lake.catalog
    catalog.engine.dispose()
    place = Path(str(make_url(lake.settings.catalog_uri).database))
    place.rename(place.with_suffix(".hidden"))
    place.mkdir()


def bring_back(lake: Lake) -> None:
    place = Path(str(make_url(lake.settings.catalog_uri).database))
    place.rmdir()
    place.with_suffix(".hidden").rename(place)


@contextmanager
def away(lake: Lake) -> Iterator[None]:
    """The database is away meanwhile."""
    take_away(lake)
    try:
        yield
    finally:
        bring_back(lake)


def other(lake: Lake, day: str = MONDAY, price: float = 3.0, count: int = 4) -> Callable[[], object]:
    """Another run, which publishes a day."""
    return lambda: write(Lake(lake.settings), ticks(day, count, price=price), day)


def staged_monday(lake: Lake, price: float = 2.0) -> Staged:
    """Ours, over a Monday that is there already."""
    write(lake, ticks(MONDAY, price=1.0), MONDAY)
    return stage_ticks(lake, ticks(MONDAY, price=price), [MONDAY])


def snapshots(lake: Lake) -> list[int]:
    return [snapshot.snapshot_id for snapshot in lake.load("toy_ticks").snapshots()]


def prices_at(lake: Lake, snapshot_id: int) -> list[float]:
    return [row["price"] for row in pin_at(lake, TOY, snapshot_id).batches(["price"]).read_all().to_pylist()]


@pytest.mark.parametrize(
    "error", [LOST, CommitStateUnknownException("502"), requests.ConnectionError("reset by peer")], ids=type
)
def test_a_published_commit_keeps_its_files_when_the_catalog_dies_with_the_acknowledgement(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    ours = staged_monday(lake)
    lose_the_first(lake, monkeypatch, then=lambda: take_away(lake), error=error)
    with pytest.raises(PublishUnknown, match=f"toy_ticks: .*does not answer.* whether {MONDAY} .*not known: run again"):
        publish(lake, ours, {})
    bring_back(lake)
    assert [row["price"] for row in seen(lake)] == [2.0] * 4
    assert published_files(lake) <= data_files(lake)


def test_the_next_run_finds_what_was_published_unheard(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = staged_monday(lake)
    with monkeypatch.context() as alone:
        lose_the_first(lake, alone, then=lambda: take_away(lake))
        with pytest.raises(PublishUnknown):
            publish(lake, ours, {})
    bring_back(lake)
    files = data_files(lake)
    again = write(Lake(lake.settings), ticks(MONDAY, price=2.0), MONDAY)
    assert (again.snapshot_id, again.is_new) == (snapshots(lake)[-1], False)
    assert len(snapshots(lake)) == 2
    assert data_files(lake) == files


def test_a_lost_acknowledgement_of_a_catalog_that_answers_again_costs_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = staged_monday(lake)
    calls = lose_the_first(lake, monkeypatch)
    assert publish(lake, ours, {}).snapshot_id == snapshots(lake)[-1]
    assert (len(calls), len(snapshots(lake))) == (1, 2)
    assert [row["price"] for row in seen(lake)] == [2.0] * 4


def test_files_of_a_snapshot_that_another_run_replaced_at_once_stay_and_a_retry_wins(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = staged_monday(lake)
    with monkeypatch.context() as alone:
        lose_the_first(lake, alone, then=other(lake))
        with pytest.raises(PublishConflict, match="another run published"):
            publish(lake, ours, {})
    assert [prices_at(lake, one) for one in snapshots(lake)] == [[1.0] * 4, [2.0] * 4, [3.0] * 4]
    assert write(lake, ticks(MONDAY, price=2.0), MONDAY).is_new
    assert [row["price"] for row in seen(lake)] == [2.0] * 4


def test_files_of_the_first_snapshot_of_a_table_stay_too(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = stage_ticks(lake, ticks(MONDAY, price=2.0), [MONDAY])
    lose_the_first(lake, monkeypatch, then=other(lake))
    with pytest.raises(PublishConflict):
        publish(lake, ours, {})
    assert [prices_at(lake, one) for one in snapshots(lake)] == [[2.0] * 4, [3.0] * 4]


def test_a_range_of_which_one_day_was_replaced_keeps_the_other_on_main_even_when_its_snapshot_has_expired(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in (MONDAY, TUESDAY):
        write(lake, ticks(day), day, UPSTREAM)
    write(lake, ticks(TUESDAY, 2, price=1.0), TUESDAY)
    content = Query("SELECT * FROM toy_upstream", {"toy_upstream": pin(lake, UPSTREAM)})
    ours = stage(lake, TOY, content, [MONDAY, TUESDAY])

    def replace_and_expire() -> None:
        other(lake, TUESDAY)()
        table = Lake(lake.settings).load("toy_ticks")
        table.maintenance.expire_snapshots().by_ids(snapshots(lake)[1:2]).commit()

    lose_the_first(lake, monkeypatch, then=replace_and_expire)
    with pytest.raises(PublishConflict, match=TUESDAY):
        publish(lake, ours, {})
    assert len(snapshots(lake)) == 2
    rows = [(row["trading_date"].isoformat(), row["price"]) for row in seen(lake)]
    assert rows == [(MONDAY, 1.5)] * 4 + [(TUESDAY, 3.0)] * 4


def test_equal_content_of_another_run_does_not_take_the_files_of_our_historical_snapshot(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = staged_monday(lake)

    def replace_and_repeat() -> None:
        other(lake)()
        other(lake, price=2.0)()

    lose_the_first(lake, monkeypatch, then=replace_and_repeat)
    assert not publish(lake, ours, {}).is_new
    assert [prices_at(lake, one) for one in snapshots(lake)] == [[price] * 4 for price in (1.0, 2.0, 3.0, 2.0)]


def test_a_commit_that_did_not_go_through_leaves_no_files_behind_a_conflict(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = staged_monday(lake)
    before = data_files(lake) - {Path(file.path.removeprefix("file://")) for file in ours.partitions[0].files}
    lose_the_first(lake, monkeypatch, then=other(lake), goes_through=False)
    with pytest.raises(PublishConflict):
        publish(lake, ours, {})
    assert data_files(lake) == before | published_files(lake)


def test_where_the_history_does_not_reach_back_the_files_stay(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a server that shows the newest snapshot alone: ours may be behind it."""
    ours = staged_monday(lake)
    files = {Path(file.path.removeprefix("file://")) for file in ours.partitions[0].files}

    def replace_and_forget() -> None:
        other(lake)()
        table = Lake(lake.settings).load("toy_ticks")
        table.maintenance.expire_snapshots().by_ids(snapshots(lake)[:-1]).commit()

    lose_the_first(lake, monkeypatch, then=replace_and_forget)
    with pytest.raises(PublishConflict):
        publish(lake, ours, {})
    assert files <= data_files(lake)


def test_a_catalog_that_dies_before_the_look_after_a_conflict_keeps_the_files(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = staged_monday(lake)
    load, calls = lake.catalog.load_table, list[int]()

    def load_twice(name: Any) -> Any:
        calls.append(1)
        if len(calls) > 3:  # ours, the commit's own, that of the second try; then comes the look
            raise LOST
        return load(name)

    monkeypatch.setattr(lake.catalog, "load_table", load_twice)
    lose_the_first(lake, monkeypatch, then=other(lake))
    with pytest.raises(PublishUnknown, match="does not answer") as raised:
        publish(lake, ours, {})
    assert raised.value.__cause__ is LOST
    monkeypatch.undo()
    assert [prices_at(lake, one) for one in snapshots(lake)] == [[1.0] * 4, [2.0] * 4, [3.0] * 4]


def test_a_database_that_is_away_is_said_with_its_cause_and_a_retry_publishes(lake: Lake) -> None:
    ours = staged_monday(lake)
    with away(lake), pytest.raises(PublishUnknown, match=r"does not answer .*unable to open database file") as raised:
        publish(lake, ours, {})
    assert isinstance(raised.value.__cause__, OperationalError)
    assert not isinstance(raised.value, HOPELESS)  # the step is tried again
    assert [row["price"] for row in seen(lake)] == [1.0] * 4
    assert write(lake, ticks(MONDAY, price=2.0), MONDAY).is_new
    assert [row["price"] for row in seen(lake)] == [2.0] * 4


def test_commits_that_meet_others_without_end_are_as_many_as_our_tries(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = staged_monday(lake)
    before = published_files(lake)
    error = CommitFailedException("another process")

    def refuse(_: Callable[[], object]) -> object:
        raise error

    calls = answers(lake, monkeypatch, refuse)
    with pytest.raises(PublishConflict, match=f"toy_ticks: {TRIES} commits met others; too many writers") as raised:
        publish(lake, ours, {})
    assert raised.value.__cause__ is error
    assert len(calls) == TRIES
    assert data_files(lake) == before == published_files(lake)


def test_a_tag_set_unheard_is_found_and_a_catalog_that_is_away_is_said(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    assert kept is not None
    calls = lose_the_first(lake, monkeypatch)
    tag_inputs(lake, VersionInputs("M", "1", {"toy_ticks": kept}))
    assert len(calls) == 1
    assert [one.tag for one in model_tags(lake)] == ["model.M.v1"]
    with away(lake), pytest.raises(PublishUnknown, match="toy_ticks: the catalog does not answer") as raised:
        tag_inputs(lake, VersionInputs("M", "2", {"toy_ticks": kept}))
    assert isinstance(raised.value.__cause__, OperationalError)
    tag_inputs(lake, VersionInputs("M", "2", {"toy_ticks": kept}))
    assert sorted(one.tag for one in model_tags(lake)) == ["model.M.v1", "model.M.v2"]
    assert pin(lake, TOY).rows == 4
