"""The walk of an asset: staged, judged, published, recorded; refused in words, with nothing to be seen of it."""

from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.io_manager import LakeIOManager
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.lake.toy_assets import (
    ARRIVED,
    CLEAN,
    CONSERVED,
    REJECTED,
    SPLIT,
    THREE_DAYS,
    Toys,
    toy_split,
    toy_ticks,
    toys,
)
from lakehouse_assets_tests.lake.toys import (
    MONDAY,
    TOY,
    TUESDAY,
    WEDNESDAY,
    data_files,
    head,
    published_files,
    seen,
    ticks,
)

__all__ = ["toys"]

HONOURED = "toy_ticks_honour_their_contract"


def evaluations(result: Any, name: str) -> list[Any]:
    return [found for found in result.get_asset_check_evaluations() if found.check_name == name]


def failure(result: Any, step: str) -> str:
    (found,) = [event for event in result.all_events if event.is_step_failure and event.step_key == step]
    return str(found.step_failure_data.user_failure_data.description)


def test_a_batch_that_passes_is_published_and_recorded(toys: Toys) -> None:
    assert toys.run(MONDAY).success
    assert len(seen(toys.lake, contract=TOY)) == 4
    assert [row["price"] for row in seen(toys.lake, contract=REJECTED)] == [200.0]
    (made,) = toys.materialized("toy_ticks")
    assert made.partition == MONDAY
    assert made.metadata["snapshot_id"].value == str(head(toys.lake))


def test_a_refused_batch_leaves_main_as_it_was_and_says_why(toys: Toys) -> None:
    assert toys.run(MONDAY).success
    before, files = head(toys.lake), data_files(toys.lake)
    ARRIVED[MONDAY] = ticks(MONDAY, price=[1.0, -5.0, 2.0, -1.0])
    result = toys.run(MONDAY)
    assert not result.success
    assert failure(result, "toy_ticks") == (
        f"Refused, nothing was published: toy_ticks {MONDAY}: {HONOURED} failed: price_is_below_0: 2 of 4 rows"
    )
    assert head(toys.lake) == before
    assert published_files(toys.lake) <= files
    assert 200.0 in [row["price"] for row in seen(toys.lake)]
    assert len(toys.materialized("toy_ticks")) == 1
    (evaluation,) = evaluations(result, HONOURED)
    assert (evaluation.passed, evaluation.partition) == (False, MONDAY)
    assert evaluation.description == "price_is_below_0: 2 of 4 rows"
    assert evaluation.metadata["price_is_below_0"].value == 2


def test_what_a_refused_batch_would_have_fed_does_not_run(toys: Toys) -> None:
    ARRIVED[MONDAY] = ticks(MONDAY, price=-1.0)
    result = toys.run(MONDAY)
    assert [event.step_key for event in result.all_events if event.is_step_start] == ["toy_ticks"]
    assert head(toys.lake) is None
    assert not toys.lake.exists("toy_clean_ticks")


def test_the_refused_files_are_named_in_the_failure(toys: Toys) -> None:
    ARRIVED[MONDAY] = ticks(MONDAY, price=-1.0)
    result = toys.run(MONDAY)
    (event,) = [event for event in result.all_events if event.is_step_failure]
    folders = event.step_failure_data.user_failure_data.metadata["refused_files"].value
    assert {f"file://{path.parent}" for path in data_files(toys.lake)} == {folders}


def test_a_refused_batch_is_not_tried_again_but_a_broken_step_is(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy_ticks.op, "_retry_policy", dg.RetryPolicy(max_retries=2, delay=0))
    ARRIVED[MONDAY] = ticks(MONDAY, price=-1.0)
    assert not [event for event in toys.run(MONDAY).all_events if event.is_step_up_for_retry]
    del ARRIVED[MONDAY]
    assert len([event for event in toys.run(MONDAY).all_events if event.is_step_up_for_retry]) == 2


def test_a_step_that_breaks_leaves_no_file_and_no_verdict(toys: Toys) -> None:
    SPLIT["toy_clean_ticks"] = "no_such_column = 1"
    result = toys.run(MONDAY)
    assert not result.success
    assert data_files(toys.lake, REJECTED) == set()
    assert evaluations(result, CONSERVED) == []


def test_a_lost_row_refuses_both_tables(toys: Toys) -> None:
    assert toys.run(MONDAY).success
    before = head(toys.lake, CLEAN), head(toys.lake, REJECTED)
    SPLIT["toy_clean_ticks"] = "price < 3"
    result = toys.run(MONDAY)
    assert not result.success
    assert f"toy_clean_ticks {MONDAY}: {CONSERVED} failed: 4 rows in, 3 out: 1 are missing" in failure(
        result, "toy_split"
    )
    assert (head(toys.lake, CLEAN), head(toys.lake, REJECTED)) == before
    assert [found.passed for found in evaluations(result, CONSERVED)] == [False]
    assert [found.passed for found in evaluations(result, "toy_rejected_ticks_honour_their_contract")] == [True]


def test_the_quarantine_is_published_first_and_a_kill_in_between_is_made_up_for(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    publishing = LakeIOManager.handle_output

    def killed_at_the_second(self: LakeIOManager, context: dg.OutputContext, obj: Any) -> None:
        order.append(obj.contract.table)
        if len(order) == 3:
            raise OSError("the machine went away")
        publishing(self, context, obj)

    with monkeypatch.context() as patch:
        patch.setattr(LakeIOManager, "handle_output", killed_at_the_second)
        assert not toys.run(MONDAY).success
    assert order == ["toy_ticks", "toy_rejected_ticks", "toy_clean_ticks"]
    rejected = head(toys.lake, REJECTED)
    assert rejected is not None
    assert head(toys.lake, CLEAN) is None
    assert toys.run(MONDAY).success
    assert head(toys.lake, REJECTED) == rejected
    assert len(seen(toys.lake, contract=CLEAN)) == 3
    assert toys.materialized("toy_rejected_ticks")[0].metadata["is_new_snapshot"].value is False
    assert toys.materialized("toy_clean_ticks")[0].metadata["is_new_snapshot"].value is True


@pytest.mark.slow
def test_a_range_in_one_run_equals_three_runs_by_content(
    toys: Toys, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    contents = []
    for name, runs in (("range", [THREE_DAYS]), ("singles", [(WEDNESDAY,), (MONDAY,), (TUESDAY,)])):
        monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path / name))
        load_settings.cache_clear()
        for days in runs:
            assert toys.run(*days).success
        tables = [pin(toys.lake, contract) for contract in (TOY, CLEAN, REJECTED)]
        contents.append([content_hash(table) for table in tables])
        snapshots = [len(toys.lake.load(table.contract.table).snapshots()) for table in tables]
        assert snapshots == [len(runs)] * 3
        assert [table.rows for table in tables] == [12, 9, 3]
    assert contents[0] == contents[1]


def test_each_day_of_a_range_has_its_own_verdict_on_its_own_materialization(toys: Toys) -> None:
    assert toys.run(*THREE_DAYS).success
    for day in THREE_DAYS:
        (record,) = toys.instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("toy_ticks"), asset_partitions=[day]), limit=5
        ).records
        key = dg.AssetCheckKey(dg.AssetKey("toy_ticks"), HONOURED)
        history = toys.instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        said: list[Any] = [found.event.get_dagster_event().event_specific_data for found in history if found.event]
        (of_day,) = [one for one in said if getattr(one, "partition", None) == day]
        assert of_day.passed
        assert of_day.target_materialization_data.storage_id == record.storage_id


def test_each_day_of_a_range_tells_its_own_numbers(toys: Toys) -> None:
    ARRIVED[TUESDAY] = ticks(TUESDAY, count=7, price=1.0)
    assert toys.run(*THREE_DAYS).success
    counts = {}
    for day in THREE_DAYS:
        (made,) = toys.materialized("toy_ticks", day)
        counts[day] = made.metadata["dagster/row_count"].value
        assert made.metadata["rows_ingested"].value == counts[day]
        assert made.metadata["files"].value == 2
    assert counts == {MONDAY: 4, TUESDAY: 7, WEDNESDAY: 4}
    (clean,) = toys.materialized("toy_clean_ticks", TUESDAY)
    assert [clean.metadata[name].value for name in ("rows_before", "rows_after")] == [7, 7]


def test_one_bad_day_refuses_the_whole_range_and_is_named(toys: Toys) -> None:
    ARRIVED[TUESDAY] = ticks(TUESDAY, price=-1.0)
    ARRIVED[WEDNESDAY] = ticks(WEDNESDAY, price=-1.0, count=5)
    result = toys.run(*THREE_DAYS)
    assert not result.success
    assert head(toys.lake) is None
    (evaluation,) = evaluations(result, HONOURED)
    assert evaluation.description == f"{TUESDAY}: price_is_below_0: 4 of 4 rows; failed on 2 of 3 days"
    (fresh,) = evaluations(result, "toy_ticks_are_fresh")
    assert not fresh.description.startswith("2026")  # a word on the whole table names no day


def test_the_data_version_is_the_content(toys: Toys) -> None:
    def version() -> str | None:
        tags = toys.materialized("toy_ticks", MONDAY)[0].tags or {}
        return tags.get("dagster/data_version")

    toys.run(MONDAY)
    first = version()
    toys.run(MONDAY)
    assert version() == first
    assert toys.materialized("toy_ticks", MONDAY)[0].metadata["is_new_snapshot"].value is False
    ARRIVED[MONDAY] = ticks(MONDAY, price=9.0)
    toys.run(MONDAY)
    assert version() != first
    assert len(toys.lake.load("toy_ticks").snapshots()) == 2


def test_a_pinned_input_is_the_partition_and_nothing_else(toys: Toys) -> None:
    assert toys.run(*THREE_DAYS, assets=[toy_ticks]).success
    assert toys.run(TUESDAY).success
    assert [row["trading_date"].isoformat() for row in seen(toys.lake, contract=CLEAN)] == [TUESDAY] * 3
    (made,) = toys.materialized("toy_clean_ticks")
    assert made.metadata["read/toy_ticks"].value == str(head(toys.lake))


def test_the_parameters_of_the_function_are_the_edges() -> None:
    assert toy_split.keys == {dg.AssetKey("toy_clean_ticks"), dg.AssetKey("toy_rejected_ticks")}
    assert set(toy_split.asset_deps[dg.AssetKey("toy_clean_ticks")]) == {dg.AssetKey("toy_ticks")}
    assert toy_ticks.asset_deps[dg.AssetKey("toy_ticks")] == set()
