"""How a table's schema may grow, and what it never does."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.contract import Column, ColumnType
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict, publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.schema import SchemaConflict
from lakehouse_assets.lake.staging import stage
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, TUESDAY, seen, stage_ticks, ticks, write

NOTE = Column("note", "string", "A note", unit="words")
WITH_NOTE = replace(TOY, columns=(*TOY.columns[:2], NOTE, *TOY.columns[2:]))
WIDER = replace(TOY, columns=tuple(replace(c, type="long") if c.name == "size" else c for c in TOY.columns))


def noted(day: str, note: str = "hello") -> pa.Table:
    return ticks(day).append_column("note", pa.array([note] * 4))


def test_a_column_is_added_with_the_data_that_needs_it(lake: Lake) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    staged = stage_ticks(lake, noted(TUESDAY), [TUESDAY], WITH_NOTE)
    assert "note" not in lake.load("toy_ticks").schema().column_names
    publish(lake, staged, {})
    assert [row["note"] for row in seen(lake, contract=WITH_NOTE)] == [None] * 4 + ["hello"] * 4
    table = lake.load("toy_ticks")
    assert table.schema().find_field("note").field_id == 7
    assert table.schema().find_field("note").doc == "A note [words]"
    assert sorted(table.scan().to_arrow()["note"].to_pylist(), key=str) == [None] * 4 + ["hello"] * 4


def test_a_column_is_widened_and_old_files_still_read(lake: Lake) -> None:
    write(lake, ticks(MONDAY, size=2**31 - 1), MONDAY)
    write(lake, ticks(TUESDAY, contract=WIDER).set_column(5, "size", pa.array([2**40] * 4)), TUESDAY, WIDER)
    assert [row["size"] for row in seen(lake, contract=WIDER)] == [2**31 - 1] * 4 + [2**40] * 4
    assert sorted(lake.load("toy_ticks").scan().to_arrow()["size"].to_pylist()) == [2**31 - 1] * 4 + [2**40] * 4


@pytest.mark.parametrize(("column", "kind"), [("id", "int"), ("price", "long"), ("size", "string"), ("size", "double")])
def test_a_column_is_never_narrowed_nor_changed_in_kind(lake: Lake, column: str, kind: ColumnType) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    before = lake.load("toy_ticks").schema()
    changed = replace(TOY, columns=tuple(replace(c, type=kind) if c.name == column else c for c in TOY.columns))
    with pytest.raises(SchemaConflict, match=f"toy_ticks.{column}"):
        stage_ticks(lake, ticks(TUESDAY), [TUESDAY], changed)
    assert lake.load("toy_ticks").schema() == before


def test_a_table_keeps_the_partitions_that_it_was_made_with(lake: Lake) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    other = replace(TOY, partition=("trading_date",))
    with pytest.raises(SchemaConflict, match="partitioned by source, trading_date on the lake and by trading_date in"):
        stage(lake, other, Rows(ticks(TUESDAY)), [TUESDAY])


def test_older_code_that_lacks_a_column_neither_drops_nor_empties_it(lake: Lake) -> None:
    write(lake, noted(MONDAY), MONDAY, WITH_NOTE)
    write(lake, ticks(TUESDAY), TUESDAY)
    assert [row["note"] for row in seen(lake, contract=WITH_NOTE)] == ["hello"] * 4 + [None] * 4
    assert len(seen(lake, contract=TOY)) == 8


def test_a_renamed_column_is_a_new_one_and_the_old_one_stays(lake: Lake) -> None:
    write(lake, ticks(MONDAY), MONDAY)
    renamed = replace(
        TOY, columns=tuple(replace(c, name="cost") if c.name == "price" else c for c in TOY.columns), rules=()
    )
    write(lake, ticks(TUESDAY).rename_columns([c.name for c in renamed.columns]), TUESDAY, renamed)
    assert [row["price"] for row in seen(lake)] == [1.5] * 4 + [None] * 4
    assert [row["cost"] for row in seen(lake, contract=renamed)] == [None] * 4 + [1.5] * 4


def test_two_writers_that_add_the_same_column_at_once_both_publish(lake: Lake) -> None:
    write(lake, ticks("2026-11-13"), "2026-11-13")
    ours = stage_ticks(lake, noted(MONDAY), [MONDAY], WITH_NOTE)
    theirs = stage_ticks(lake, noted(TUESDAY, "bye"), [TUESDAY], WITH_NOTE)
    publish(lake, ours, {}, before_commit=_once(lambda: publish(Lake(lake.settings), theirs, {})))
    assert [row["note"] for row in seen(lake, contract=WITH_NOTE)] == [None] * 4 + ["hello"] * 4 + ["bye"] * 4


def test_two_writers_that_add_different_columns_at_once_never_share_an_id(lake: Lake) -> None:
    write(lake, ticks("2026-11-13"), "2026-11-13")
    ours = stage_ticks(lake, noted(MONDAY), [MONDAY], WITH_NOTE)
    other = replace(TOY, columns=(*TOY.columns, Column("depth", "long", "Depth")))
    write(lake, ticks(TUESDAY).append_column("depth", pa.array([5] * 4)), TUESDAY, other)
    with pytest.raises(PublishConflict, match="changed the schema"):
        publish(lake, ours, {})
    write(lake, noted(MONDAY), MONDAY, WITH_NOTE)
    table = lake.load("toy_ticks").scan().to_arrow()
    assert sorted(table["depth"].drop_null().to_pylist()) == [5] * 4
    assert table["note"].drop_null().to_pylist() == ["hello"] * 4


def _once(step: Callable[[], object]) -> Callable[[], None]:
    calls: list[int] = []

    def hook() -> None:
        if not calls:
            calls.append(1)
            step()

    return hook
