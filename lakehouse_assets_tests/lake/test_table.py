"""Reading: pinned snapshots, other engines, honest statistics, flat memory."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.conversions import from_bytes

from lakehouse_assets.contracts.contract import Column
from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.schema import ICEBERG_TYPES
from lakehouse_assets.lake.table import SnapshotMissing, pin, pin_at, snapshot_as_of
from lakehouse_assets_tests.lake.toys import BY_DATE, MONDAY, TOY, TUESDAY, head, seen, stage_ticks, start, ticks, write


def test_a_pinned_handle_reads_what_it_was_pinned_to(lake: Lake) -> None:
    write(lake, ticks(MONDAY, price=1.0), MONDAY)
    pinned, old = pin(lake, TOY), head(lake)
    write(lake, ticks(MONDAY, 7, price=2.0), MONDAY)
    assert pinned.batches().read_all()["price"].to_pylist() == [1.0] * 4
    assert old is not None
    again = pin_at(lake, TOY, old)
    assert again == pinned
    assert (again.content_key, again.rows) == (pinned.content_key, 4)
    assert again.batches().read_all()["price"].to_pylist() == [1.0] * 4
    assert pin(lake, TOY).rows == 7


def test_a_snapshot_that_is_not_there_is_named_with_what_to_do(lake: Lake) -> None:
    with pytest.raises(TableMissing, match="toy_ticks has no data yet: materialize the asset toy_ticks"):
        pin_at(lake, TOY, 5)
    write(lake, ticks(MONDAY), MONDAY)
    with pytest.raises(SnapshotMissing, match=r"toy_ticks has no snapshot 5: .* `lakehouse history toy_ticks` lists"):
        pin_at(lake, TOY, 5)


def test_a_column_that_came_later_is_null_at_an_older_snapshot(lake: Lake) -> None:
    old = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    wider = replace(TOY, columns=(*TOY.columns, Column("venue", "string", "Venue")))
    write(lake, ticks(TUESDAY, contract=wider, venue="krx"), TUESDAY, wider)
    assert old is not None
    before = pin_at(lake, wider, old)
    assert before.trading_dates == (date.fromisoformat(MONDAY),)
    assert before.batches(["venue"]).read_all()["venue"].to_pylist() == [None] * 4
    assert pin_at(lake, TOY, old).batches().read_all().num_rows == 4


def test_a_moment_names_the_snapshot_that_was_shown_then(lake: Lake) -> None:
    first = write(lake, ticks(MONDAY), MONDAY).snapshot_id
    table = lake.load("toy_ticks")
    made = datetime.fromtimestamp(table.history()[0].timestamp_ms / 1000, UTC)
    second = write(lake, ticks(TUESDAY), TUESDAY).snapshot_id
    table = lake.load("toy_ticks")
    assert snapshot_as_of(table, made) == first
    assert snapshot_as_of(table, made.astimezone(timezone(timedelta(hours=9)))) == first
    assert snapshot_as_of(table, made + timedelta(days=1)) == second
    with pytest.raises(SnapshotMissing, match="no snapshot as old as"):
        snapshot_as_of(table, made - timedelta(milliseconds=1))
    with pytest.raises(ValueError, match="no time zone"):
        snapshot_as_of(table, made.replace(tzinfo=None))


def test_a_handle_is_restricted_to_its_partitions(lake: Lake) -> None:
    write(lake, ticks(MONDAY, 4), MONDAY)
    write(lake, ticks(TUESDAY, 6), TUESDAY)
    assert [pin(lake, TOY, keys).rows for keys in ([MONDAY], [MONDAY, TUESDAY], [], None)] == [4, 10, 0, 10]
    assert pin(lake, TOY).only(TUESDAY).batches(["id"]).read_all().num_rows == 6
    assert pin(lake, TOY).only("2026-11-19").batches().read_all().num_rows == 0


def test_a_table_that_was_never_written_is_empty(lake: Lake) -> None:
    handle = pin(lake, TOY)
    assert (handle.snapshot_id, handle.rows, handle.batches().read_all().num_rows) == (None, 0, 0)
    with pytest.raises(KeyError, match="no column colour"):
        handle.batches(["colour"])


def test_plain_pyiceberg_and_duckdb_read_the_same_rows(lake: Lake) -> None:
    write(lake, ticks(MONDAY, 5, price=[0.1, None, 0.0, 1e-300, 999.5]), MONDAY)
    write(lake, ticks(TUESDAY, 3), TUESDAY)
    ours = seen(lake)
    order = [("trading_date", "ascending"), ("source", "ascending"), ("id", "ascending")]
    assert lake.load("toy_ticks").scan().to_arrow().sort_by(order).to_pylist() == ours
    one_day = lake.load("toy_ticks").scan(f"trading_date = '{MONDAY}' AND source = 'krx'").to_arrow()
    assert sorted(one_day["id"].to_pylist()) == [1, 3]
    paths = [file.path for file in pin(lake, TOY).files]
    columns = ", ".join(TOY.column_names)
    plain = duckdb.execute(
        f"SELECT {columns} FROM read_parquet($p, hive_partitioning = false) ORDER BY trading_date, source, id",
        {"p": paths},
    )
    assert [dict(zip(TOY.column_names, row, strict=True)) for row in plain.fetchall()] == ours


def test_the_manifests_tell_bounds_and_nulls_as_they_are(lake: Lake) -> None:
    write(lake, ticks(MONDAY, 4, price=[3.5, None, 0.25, 7.0], side=None), MONDAY, BY_DATE)
    table = lake.load("toy_days")
    (task,) = table.scan().plan_files()
    file, fields = task.file, {field.name: field for field in table.schema().fields}
    assert file.record_count == 4
    assert (file.null_value_counts[fields["price"].field_id], file.null_value_counts[fields["side"].field_id]) == (1, 4)
    bounds = [
        from_bytes(ICEBERG_TYPES[BY_DATE.by_name[name].type], side[fields[name].field_id])
        for name in ("price", "id", "source")
        for side in (file.lower_bounds, file.upper_bounds)
    ]
    assert bounds == [0.25, 7.0, 0, 3, "krx", "opra"]
    assert sum(planned.nulls for planned in pin(lake, BY_DATE).files) == 5


CHANGES = [
    {"price": [1.5, 1.5, 1.5, None]},
    {"price": [1.5, 1.5, 1.5, 1.5000000000000002]},
    {"side": ["buy", "buy", "buy", None]},
    {"side": ["buy", "buy", "buy", ""]},
    {"side": ["buy", "buy", "buy", "null"]},
    {"side": ["buy", "buy", "buy", "buy', '1', 'null"]},
    {"size": [1, 1, 2, 0]},
    {"id": [0, 1, 2, 2]},
]


@pytest.mark.parametrize("changed", CHANGES)
def test_the_content_hash_sees_every_change(lake: Lake, changed: dict[str, Any]) -> None:
    same, other = replace(TOY, table="toy_same"), replace(TOY, table="toy_other")
    publish(lake, stage_ticks(lake, ticks(MONDAY, 4), [MONDAY], same), {})
    publish(lake, stage_ticks(lake, ticks(MONDAY, 4, **changed), [MONDAY], other), {})
    assert content_hash(replace(pin(lake, same))) != content_hash(replace(pin(lake, other), contract=same))


def test_the_content_hash_sees_neither_order_nor_files_but_repetition(lake: Lake) -> None:
    rows = ticks(MONDAY, 6)
    written = {
        "toy_a": rows, "toy_b": rows.take(pa.array([5, 3, 1, 0, 2, 4])), "toy_c": pa.concat_tables([rows, rows]),
    }  # fmt: skip
    hashes = {}
    for (name, table), partition in zip(
        written.items(), (("source", "trading_date"), ("trading_date",), ()), strict=True
    ):
        contract = replace(TOY, table=name, partition=partition)
        publish(lake, stage_ticks(lake, table, [MONDAY if partition else "all"], contract), {})
        hashes[name] = content_hash(pin(lake, contract))
    assert hashes["toy_a"] == hashes["toy_b"] != hashes["toy_c"]
    assert content_hash(pin(lake, TOY)) not in hashes.values()


MEASURED = """
import resource
from lakehouse_assets.lake.query import Query
count = int(sys.argv[2])
text = (f"SELECT 'krx' AS source, DATE '{MONDAY}' AS trading_date, range AS id, range % 1000 AS price, "
        f"'buy' AS side, 1 AS size FROM range({count})")
staged = stage(lake, TOY, Query(text, {}), [MONDAY])
assert not [judged for judged in verdicts(staged) if judged.refuses]
publish(lake, staged, {})
print(sum(batch.num_rows for batch in pin(lake, TOY).batches()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_is_flat_however_many_rows_are_written_and_read(lake: Lake) -> None:
    peaks = []
    for count in (1_000_000, 8_000_000):
        said, errors = start(lake.settings, MEASURED, str(count)).communicate(timeout=120)
        assert said, errors
        rows, peak = map(int, said.split())
        assert rows == count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 200, f"peak memory in MB at 1 and 8 million rows: {peaks}"
