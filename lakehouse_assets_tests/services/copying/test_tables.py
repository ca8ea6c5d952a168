"""Tables from one state folder to another: the same bytes and rows, once, whole days, and never over other rows."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pyiceberg.schema import Schema

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.lake import copies
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PREFIX, publish
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.copies import CopyMismatch, ForeignShape
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.inspection import COPIED_FROM, COPIED_SNAPSHOT, COPIED_VERDICT, Writer, snapshots, writers
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.schema import iceberg_schema, partition_spec
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.services.copying import CopyRefused
from lakehouse_assets.services.copying.tables import TableCopy
from lakehouse_assets.services.instance import embedded_instance
from lakehouse_assets.services.verdicts_of_record import RunVerdict, VerdictsOfRecord
from lakehouse_assets.settings import NAMESPACE, Settings
from lakehouse_assets_tests.services.copying.conftest import Ends
from lakehouse_assets_tests.services.copying.days import DAYS, FIRST_KEY, SECOND_KEY, TABLES, hashes
from lakehouse_assets_tests.services.trained import FIRST, put_day


def files(lake: Lake, contract: Contract) -> dict[str, bytes]:
    """The bytes of each file by its place below the table."""
    paths = [Path(local_path(one.path)) for one in pin(lake, contract).files]
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in paths}


def test_every_partition_of_every_table_arrives_with_its_bytes_and_rows(two_days: Ends) -> None:
    assert two_days.copy() == {
        "landed files": (0, 0, 0), "feature_option_labels": (2, 0, 0), "feature_option_minutes": (2, 0, 0),
    }  # fmt: skip
    for contract in TABLES:
        found = hashes(two_days.target, contract)
        assert found == hashes(two_days.source, contract)
        assert list(found) == [FIRST_KEY, SECOND_KEY]
        assert files(two_days.target, contract) == files(two_days.source, contract)


def test_a_second_copy_changes_nothing_and_a_later_one_brings_what_is_new(two_days: Ends) -> None:
    two_days.run()
    before = snapshots(two_days.target, FEATURE_OPTION_LABELS)
    again = two_days.run()
    assert not again.is_new
    assert snapshots(two_days.target, FEATURE_OPTION_LABELS) == before
    put_day(two_days.source, DAYS[0], seed=50)
    put_day(two_days.source, FIRST + dt.timedelta(days=2), seed=51)
    assert two_days.copy()["feature_option_labels"] == (2, 1, 0)
    assert hashes(two_days.target, FEATURE_OPTION_LABELS) == hashes(two_days.source, FEATURE_OPTION_LABELS)


def test_what_is_made_of_copied_rows_has_the_content_key_that_it_had(two_days: Ends) -> None:
    two_days.run()
    text = "SELECT * FROM feature_option_labels"

    def key(lake: Lake) -> Any:
        rows = pin(lake, FEATURE_OPTION_LABELS)
        return Query(text, {FEATURE_OPTION_LABELS.table: rows}).fingerprint(FIRST_KEY), rows.content_key

    assert key(two_days.target) == key(two_days.source)


def test_rows_of_the_targets_own_are_named_and_nothing_is_copied_or_they_are_kept(two_days: Ends) -> None:
    put_day(two_days.target, DAYS[0], seed=99)
    put_day(two_days.target, FIRST + dt.timedelta(days=9), seed=98)
    own = hashes(two_days.target, FEATURE_OPTION_LABELS)
    with pytest.raises(CopyRefused, match=rf"nothing was copied.*feature_option_labels {FIRST_KEY};.*--keep"):
        two_days.run()
    assert hashes(two_days.target, FEATURE_OPTION_LABELS) == own
    copied = two_days.run(keep=True)
    assert {line.what: (line.copied, line.there, line.left) for line in copied.lines}["feature_option_labels"] == (
        1,
        0,
        1,
    )
    assert copied.notes[0] == "feature_option_labels: 1 left as production holds it"
    ours = hashes(two_days.source, FEATURE_OPTION_LABELS)
    assert hashes(two_days.target, FEATURE_OPTION_LABELS) == {**own, SECOND_KEY: ours[SECOND_KEY]}


@pytest.mark.parametrize("fault", ["bytes", "rows"])
def test_what_arrives_otherwise_is_refused_before_anybody_sees_it(
    fault: str, two_days: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed, told = content_hash, iter(("sent", "arrived"))
    if fault == "bytes":
        monkeypatch.setattr(copies, "_sha256", lambda _: "f" * 64)
    else:
        monkeypatch.setattr(copies, "content_hash", lambda table: hashed(table) + next(told))
    with pytest.raises(CopyMismatch, match="not visible"):
        two_days.run()
    assert pin(two_days.target, FEATURE_OPTION_LABELS).files == ()
    monkeypatch.undo()
    assert two_days.copy()["feature_option_labels"] == (2, 0, 0)


def test_a_copy_that_was_killed_between_write_and_commit_goes_on(
    two_days: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def killed(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return publish(*arguments)

    monkeypatch.setattr(copies, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        two_days.run()
    assert list(hashes(two_days.target, FEATURE_OPTION_LABELS)) == [FIRST_KEY]
    monkeypatch.undo()
    assert two_days.copy() == {
        "landed files": (0, 0, 0), "feature_option_labels": (1, 1, 0), "feature_option_minutes": (2, 0, 0),
    }  # fmt: skip
    assert len(snapshots(two_days.target, FEATURE_OPTION_LABELS)) == 2
    assert files(two_days.target, FEATURE_OPTION_LABELS) == files(two_days.source, FEATURE_OPTION_LABELS)


def test_a_copied_snapshot_says_whose_rows_it_shows(ends: Ends) -> None:
    source = ends.source
    put_day(source, DAYS[0], seed=1)
    staged = stage(source, FEATURE_OPTION_LABELS, _doubled(source), [SECOND_KEY])
    publish(source, staged, {f"{PREFIX}run-id": "run-7", f"{PREFIX}git-sha": "c" * 40})
    ends.run()
    found = {one.partitions: one for one in snapshots(ends.target, FEATURE_OPTION_LABELS)}[(SECOND_KEY,)]
    assert (found.run_id, found.git_sha) == ("run-7", "c" * 40)
    assert set(found.inputs) == {FEATURE_OPTION_LABELS.table}
    current = ends.target.load(FEATURE_OPTION_LABELS.table).current_snapshot()
    assert current is not None
    assert current.summary is not None
    said = current.summary.additional_properties
    assert said[COPIED_FROM] == source.settings.catalog_uri
    assert said[COPIED_SNAPSHOT] == str(pin(source, FEATURE_OPTION_LABELS).snapshot_id)
    assert COPIED_VERDICT not in said


def test_a_verdict_that_came_along_counts_until_the_gates_are_asked_again(two_days: Ends) -> None:
    two_days.run()
    lake = two_days.target
    snapshot_id = pin(lake, FEATURE_OPTION_LABELS).snapshot_id or 0
    with VerdictsOfRecord(lake.settings) as verdicts:
        (doubt,) = verdicts.doubts(lake, FEATURE_OPTION_LABELS, snapshot_id)
        assert doubt.endswith(f"are not green: no verdict is on record for 2 dates, {FIRST_KEY} to {SECOND_KEY}")
        for passed, refused in ((("unique",), ()), ((), ("unique",))):
            brought = RunVerdict(passed, (), refused)
            said = verdicts.of_partition(
                FEATURE_OPTION_LABELS.table, FIRST_KEY, Writer("k" * 40, "run-7", brought.as_dict())
            )
            assert said == brought
    assert {writer.copied_verdict for writer in writers(lake, FEATURE_OPTION_LABELS, snapshot_id).values()} == {None}


def test_the_verdicts_of_the_gates_come_along_with_the_rows(ends: Ends) -> None:
    source, days = ends.source, dg.StaticPartitionsDefinition([FIRST_KEY])

    @dg.asset(
        name=FEATURE_OPTION_LABELS.table,
        partitions_def=days,
        check_specs=[dg.AssetCheckSpec("is_whole", asset=FEATURE_OPTION_LABELS.table)],
    )
    def labels() -> Iterator[dg.MaterializeResult[Any]]:
        yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(check_name="is_whole", passed=True)])

    with embedded_instance(source.settings) as instance:
        run_id = dg.materialize([labels], instance=instance, partition_key=FIRST_KEY).run_id
    put_day(source, DAYS[1], seed=1)
    text = f"SELECT * REPLACE (DATE '{FIRST_KEY}' AS trading_date) FROM feature_option_labels"
    judged = _OfAnotherDay(text, {FEATURE_OPTION_LABELS.table: pin(source, FEATURE_OPTION_LABELS)})
    publish(source, stage(source, FEATURE_OPTION_LABELS, judged, [FIRST_KEY]), {f"{PREFIX}run-id": run_id})
    ends.run()
    lake = ends.target
    with VerdictsOfRecord(lake.settings) as verdicts:
        (doubt,) = verdicts.doubts(lake, FEATURE_OPTION_LABELS, pin(lake, FEATURE_OPTION_LABELS).snapshot_id or 0)
    assert doubt.endswith(f"no verdict is on record for {SECOND_KEY}")


def test_a_table_of_another_shape_is_found_before_anything_is_written(two_days: Ends) -> None:
    schema = Schema(*reversed(iceberg_schema(FEATURE_OPTION_MINUTES).fields))  # a new table numbers them in this order
    two_days.target.catalog.create_table(
        (NAMESPACE, FEATURE_OPTION_MINUTES.table),
        schema=schema,
        partition_spec=partition_spec(FEATURE_OPTION_MINUTES, schema),
    )
    for keep in (False, True):
        with pytest.raises(ForeignShape, match="feature_option_minutes"):
            two_days.run(keep)
    assert not two_days.target.exists(FEATURE_OPTION_LABELS.table)


def test_a_password_in_the_catalogs_address_is_not_stored(two_days: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql+psycopg2://me:swordfish@host/db"
    copied = TableCopy(FEATURE_OPTION_LABELS, Cut(two_days.source), two_days.source, two_days.target)
    monkeypatch.setattr(Settings, "catalog_uri", property(lambda _: address))
    said = copied._provenance(7, copied.head[FIRST_KEY], None)
    assert said[COPIED_FROM] == "postgresql+psycopg2://me@host/db"


def _doubled(lake: Lake) -> Query:
    text = (
        f"SELECT * REPLACE (DATE '{SECOND_KEY}' AS trading_date) FROM feature_option_labels "
        f"WHERE trading_date = DATE '{FIRST_KEY}'"
    )
    return _OfAnotherDay(text, {FEATURE_OPTION_LABELS.table: pin(lake, FEATURE_OPTION_LABELS)})


class _OfAnotherDay(Query):
    """Reads the whole input, whichever partition is asked for."""

    def open(self, connection: Any, partition_key: str) -> Any:
        for table in self.inputs.values():
            table.bind(connection)
        return self.text, self.parameters
