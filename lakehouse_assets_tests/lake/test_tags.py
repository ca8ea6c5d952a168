"""Tags of versions: what a model was trained from outlives every expiry, until its version is deleted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.commit import PublishConflict
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.table import SnapshotMissing, pin, pin_at
from lakehouse_assets.lake.tags import (
    FOREVER,
    Reconciled,
    TaggedSnapshot,
    VersionInputs,
    model_tags,
    reconcile,
    tag_inputs,
)
from lakehouse_assets_tests.lake.toys import BY_DATE, MONDAY, TOY, TUESDAY, data_files, head, seen, start, ticks, write

MODEL = "TickPricePredictor"


def inputs(number: str, **snapshots: int | None) -> VersionInputs:
    """A version with what it was trained from."""
    return VersionInputs(MODEL, number, {table: kept for table, kept in snapshots.items() if kept is not None})


def expire_all(lake: Lake, table: str = TOY.table) -> None:
    """PyIceberg's own expiry of everything that may be expired, then away with every file that nothing names."""
    loaded = lake.load(table)
    loaded.maintenance.expire_snapshots().older_than(datetime.now(UTC) + timedelta(days=1)).commit()
    sweep(lake, table)


def sweep(lake: Lake, table: str) -> None:
    """Remove all files of a table but its metadata and what the remaining snapshots name."""
    loaded = lake.load(table)
    named = {loaded.metadata_location, *(entry.metadata_file for entry in loaded.metadata.metadata_log)}
    for snapshot in loaded.snapshots():
        named.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(loaded.io):
            named.add(manifest.manifest_path)
            entries = manifest.fetch_manifest_entry(loaded.io, discard_deleted=True)
            named |= {entry.data_file.file_path for entry in entries}
    kept = {Path(local_path(path)).resolve() for path in named}
    for file in Path(local_path(loaded.location())).rglob("*"):
        if file.is_file() and file.resolve() not in kept:
            file.unlink()


@pytest.mark.slow
def test_a_tagged_snapshot_is_there_row_for_row_after_everything_else_was_expired(lake: Lake) -> None:
    import mlflow.data  # noqa: F401 - first: its registry loads the plugin below

    from lakehouse_assets.services.iceberg_dataset import IcebergDatasetSource

    write(lake, ticks(TUESDAY, 3, price=0.5), TUESDAY)
    versions = [write(lake, ticks(MONDAY, count, price=float(count)), MONDAY).snapshot_id for count in (4, 5, 6, 7)]
    trained = versions[1]
    assert trained is not None
    pinned = pin_at(lake, TOY, trained)
    rows = pinned.batches(order_by=("trading_date", "id")).read_all()
    before = content_hash(pinned)
    tag_inputs(lake, inputs("3", toy_ticks=trained))
    expire_all(lake)
    assert {one.snapshot_id for one in lake.load("toy_ticks").snapshots()} == {trained, head(lake)}
    assert len(data_files(lake)) == 6, "nothing was swept, or too much"  # two sources: Tuesday's, the tag's, the head's
    again = pin_at(Lake(lake.settings), TOY, trained)
    assert again == pinned
    assert again.content_key == pinned.content_key
    assert again.batches(order_by=("trading_date", "id")).read_all() == rows
    assert content_hash(again) == before
    assert Cut(lake).pin(TOY, trained) == pinned
    catalog = {"type": "sql", "uri": lake.settings.catalog_uri, "warehouse": str(lake.settings.warehouse)}
    loaded = IcebergDatasetSource("hive_prod", "option_ticks_db.toy_ticks", trained, catalog).load()
    keys = [("trading_date", "ascending"), ("id", "ascending")]
    assert loaded.sort_by(keys).select(rows.column_names).to_pylist() == rows.to_pylist()
    gone = versions[0]
    assert gone is not None
    with pytest.raises(SnapshotMissing, match=f"toy_ticks has no snapshot {gone}: it was expired"):
        pin_at(lake, TOY, gone)


def test_deleting_the_version_frees_its_snapshots(lake: Lake) -> None:
    old = write(lake, ticks(MONDAY, price=1.0), MONDAY).snapshot_id
    write(lake, ticks(MONDAY, price=2.0), MONDAY)
    tag_inputs(lake, inputs("1", toy_ticks=old))
    freed = TaggedSnapshot("toy_ticks", "model.TickPricePredictor.v1", old or 0)
    assert reconcile(lake, lambda: ()) == Reconciled((), (freed,), ())
    expire_all(lake)
    assert [one.snapshot_id for one in lake.load("toy_ticks").snapshots()] == [head(lake)]
    assert {row["price"] for row in seen(lake)} == {2.0}
    assert reconcile(lake, lambda: ()) == Reconciled((), (), ())


def test_tagging_twice_is_tagging_once_and_touches_no_data(lake: Lake) -> None:
    both = {
        "toy_ticks": write(lake, ticks(MONDAY), MONDAY).snapshot_id,
        "toy_days": write(lake, ticks(MONDAY, contract=BY_DATE), MONDAY, BY_DATE).snapshot_id,
    }
    version = inputs("12", **both)
    for _ in range(2):
        tag_inputs(lake, version)
        assert {(one.table, one.snapshot_id) for one in model_tags(lake)} == set(both.items())
    assert {one.tag for one in model_tags(lake)} == {"model.TickPricePredictor.v12"}
    assert (head(lake), head(lake, BY_DATE)) == (both["toy_ticks"], both["toy_days"])
    location = lake.load("toy_ticks").metadata_location
    tag_inputs(lake, version)
    assert lake.load("toy_ticks").metadata_location == location


def test_a_tag_outlives_what_the_table_says_of_old_references(lake: Lake) -> None:
    old = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    tag_inputs(lake, inputs("1", toy_ticks=old))
    assert lake.load("toy_ticks").metadata.refs["model.TickPricePredictor.v1"].max_ref_age_ms == FOREVER


def test_a_number_that_begins_anew_takes_its_tag_along(lake: Lake) -> None:
    old, new = (write(lake, ticks(MONDAY, price=price), MONDAY).snapshot_id for price in (1.0, 2.0))
    for kept in (old, new):
        tag_inputs(lake, inputs("1", toy_ticks=kept))
        assert [one.snapshot_id for one in model_tags(lake)] == [kept]


def test_what_is_gone_cannot_be_kept(lake: Lake) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    with pytest.raises(SnapshotMissing, match=r"toy_ticks has no snapshot 5 any more, so model\.TickPricePredictor"):
        tag_inputs(lake, inputs("2", toy_ticks=5))
    with pytest.raises(TableMissing, match="toy_days has no data yet"):
        tag_inputs(lake, inputs("2", toy_days=5))


def test_reconciling_sets_what_a_kill_left_out_and_removes_what_a_deletion_left_behind(lake: Lake) -> None:
    first, second = (write(lake, ticks(MONDAY, price=price), MONDAY).snapshot_id for price in (1.0, 2.0))
    table = lake.load("toy_ticks")
    assert first is not None
    table.manage_snapshots().create_tag(first, "audit-2026").commit()
    tag_inputs(lake, inputs("1", toy_ticks=first))
    kept, lost = inputs("2", toy_ticks=second), inputs("3", toy_ticks=5, toy_days=6)
    tag = "model.TickPricePredictor.v"
    assert reconcile(lake, lambda: [kept, lost]) == Reconciled(
        tagged=(TaggedSnapshot("toy_ticks", f"{tag}2", second or 0),),
        removed=(TaggedSnapshot("toy_ticks", f"{tag}1", first),),
        lost=(TaggedSnapshot("toy_days", f"{tag}3", 6), TaggedSnapshot("toy_ticks", f"{tag}3", 5)),
    )
    assert set(lake.load("toy_ticks").metadata.refs) == {"main", "audit-2026", f"{tag}2"}
    assert reconcile(lake, lambda: [kept]) == Reconciled((), (), ())


def test_a_version_that_is_registered_while_we_look_keeps_its_tag(lake: Lake) -> None:
    kept = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    registered: list[VersionInputs] = []

    def versions() -> list[VersionInputs]:
        known = list(registered)
        registered.append(inputs("1", toy_ticks=kept))  # registered and tagged between our two looks
        tag_inputs(lake, registered[0])
        return known

    assert reconcile(lake, versions).removed == ()
    assert [one.tag for one in model_tags(lake)] == ["model.TickPricePredictor.v1"]


def test_an_expiry_that_looked_before_the_tag_was_set_takes_it_along_and_reconciling_says_so(lake: Lake) -> None:
    """PyIceberg commits an expiry without asking whether a tag came meanwhile: load right before."""
    old = write(lake, ticks(MONDAY, price=1.0), MONDAY).snapshot_id
    write(lake, ticks(MONDAY, price=2.0), MONDAY)
    expiry = lake.load("toy_ticks").maintenance.expire_snapshots().older_than(datetime.now(UTC) + timedelta(days=1))
    tag_inputs(lake, inputs("1", toy_ticks=old))
    expiry.commit()
    assert list(model_tags(lake)) == []
    found = reconcile(lake, lambda: [inputs("1", toy_ticks=old)])
    assert [one.snapshot_id for one in found.lost] == [old]


@pytest.mark.parametrize("meets", [1, 3])
def test_a_commit_that_comes_between_is_met_again(lake: Lake, monkeypatch: pytest.MonkeyPatch, meets: int) -> None:
    kept = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    _come_between(lake, monkeypatch, meets)
    tag_inputs(lake, inputs("1", toy_ticks=kept))
    assert [one.snapshot_id for one in model_tags(lake)] == [kept]
    assert len(lake.load("toy_ticks").snapshots()) == 1 + meets
    assert pin(lake, TOY).rows == 4 + meets


def test_without_end_of_others_it_gives_up_and_says_so(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    monkeypatch.setattr("lakehouse_assets.lake.tags.ATTEMPTS", 2)
    monkeypatch.setattr("lakehouse_assets.lake.tags.wait_before_retry", lambda _: None)
    _come_between(lake, monkeypatch, 5)
    with pytest.raises(PublishConflict, match="toy_ticks: 2 commits met others"):
        tag_inputs(lake, inputs("1", toy_ticks=kept))


@pytest.mark.slow
def test_tags_of_many_processes_at_once_are_all_there_beside_data(lake: Lake) -> None:
    kept = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    script = (
        "from lakehouse_assets.lake.tags import VersionInputs, tag_inputs\n"
        "print('ready', flush=True)\nsys.stdin.readline()\nfirst, kept = int(sys.argv[2]), int(sys.argv[3])\n"
        "for number in range(first, first + 5):\n"
        "    tag_inputs(lake, VersionInputs('M', str(number), {'toy_ticks': kept}))\n"
        "    write(lake, ticks(f'2026-10-{number:02}', 2), f'2026-10-{number:02}')\n"
    )
    running = [start(lake.settings, script, str(first), str(kept)) for first in (1, 6, 11)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    failures = [said for process in running if (said := process.communicate(timeout=120)[1]) and process.returncode]
    assert not failures, failures[0]
    assert sorted(one.tag for one in model_tags(lake)) == sorted(f"model.M.v{number}" for number in range(1, 16))
    assert pin(Lake(lake.settings), TOY).rows == 4 + 15 * 2


def _come_between(lake: Lake, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let another writer commit, so often, after our commit has read the table and before it swaps the pointer."""
    catalog: Any = lake.catalog
    left, write_metadata = [times], catalog._write_metadata

    def wait_for_the_other(*given: Any, **named: Any) -> None:
        if left[0]:
            left[0] -= 1
            Lake(lake.settings).load("toy_ticks").append(ticks(TUESDAY, 1))
        write_metadata(*given, **named)

    monkeypatch.setattr(catalog, "_write_metadata", wait_for_the_other)
