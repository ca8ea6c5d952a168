"""A job's Parquet files as content: each date its own folder, taken in once, refused where they change underway."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.parquet_files import OutputChanged, ParquetFiles
from lakehouse_assets.lake.staging import Staged, stage
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.lake.toys import (
    BY_DATE,
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    data_files,
    head,
    seen,
    ticks,
    verdicts,
)


def write(folder: Path, day: str, rows: pa.Table, name: str = "part-0") -> Path:
    """As Spark's partitionBy does: without the column that names the folder."""
    place = folder / f"trading_date={day}"
    place.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.drop_columns(["trading_date"]), place / f"{name}.parquet")
    return place / f"{name}.parquet"


@pytest.fixture
def lake() -> Lake:
    return Lake(load_settings())


def staged(lake: Lake, folder: Path, *days: str) -> Staged:
    return stage(lake, BY_DATE, ParquetFiles(BY_DATE, folder, lake.settings), days)


def test_each_date_is_what_lies_in_its_folder(lake: Lake, tmp_path: Path) -> None:
    write(tmp_path, MONDAY, ticks(MONDAY, 3))
    write(tmp_path, TUESDAY, ticks(TUESDAY, 2), "a")
    write(tmp_path, TUESDAY, ticks(TUESDAY, 1, id=[7]), "b")
    found = staged(lake, tmp_path, MONDAY, TUESDAY, WEDNESDAY)
    assert [part.rows for part in found.partitions] == [3, 3, 0]
    publish(lake, found, {})
    rows = seen(lake, contract=BY_DATE)
    assert [row["trading_date"] for row in rows] == [date.fromisoformat(MONDAY)] * 3 + [date.fromisoformat(TUESDAY)] * 3
    assert sorted(row["id"] for row in rows[3:]) == [0, 1, 7]


def test_the_same_rows_are_published_once_however_they_lie_in_files(lake: Lake, tmp_path: Path) -> None:
    write(tmp_path, MONDAY, ticks(MONDAY, 3), "one")
    publish(lake, staged(lake, tmp_path, MONDAY), {})
    before = head(lake, BY_DATE)
    (tmp_path / f"trading_date={MONDAY}" / "one.parquet").unlink()
    rows = ticks(MONDAY, 3)
    write(tmp_path, MONDAY, rows.slice(2), "a")
    write(tmp_path, MONDAY, rows.slice(0, 2), "other")
    write(tmp_path, TUESDAY, ticks(TUESDAY, 1))
    again = staged(lake, tmp_path, MONDAY)
    assert again.partitions[0].is_current
    assert not publish(lake, again, {}).is_new
    assert head(lake, BY_DATE) == before
    write(tmp_path, MONDAY, ticks(MONDAY, 3, price=2.5), "other")
    (tmp_path / f"trading_date={MONDAY}" / "a.parquet").unlink()
    assert publish(lake, staged(lake, tmp_path, MONDAY), {}).is_new
    assert {row["price"] for row in seen(lake, contract=BY_DATE)} == {2.5}


def test_what_the_contract_refuses_is_refused(lake: Lake, tmp_path: Path) -> None:
    write(tmp_path, MONDAY, ticks(MONDAY, 3, price=-1.0))
    (verdict,) = [one for one in verdicts(staged(lake, tmp_path, MONDAY)) if one.refuses]
    assert "price_is_below_0: 3 of 3 rows" in verdict.verdict.words


def test_columns_are_found_by_name_and_further_ones_left_out(lake: Lake, tmp_path: Path) -> None:
    rows = ticks(MONDAY, 2)
    mixed = rows.select(list(reversed(rows.column_names))).append_column("note", pa.array(["x", "y"]))
    write(tmp_path, MONDAY, mixed)
    publish(lake, staged(lake, tmp_path, MONDAY), {})
    assert [(row["id"], row["side"]) for row in seen(lake, contract=BY_DATE)] == [(1, "buy"), (0, "buy")]


def test_a_column_that_is_not_there_is_named_and_nothing_stays(lake: Lake, tmp_path: Path) -> None:
    write(tmp_path, MONDAY, ticks(MONDAY, 2).drop_columns(["side"]))
    with pytest.raises(Exception, match="side"):
        staged(lake, tmp_path, MONDAY)
    assert data_files(lake, BY_DATE) == set()


def test_files_that_change_while_they_are_read_are_refused(lake: Lake, tmp_path: Path) -> None:
    write(tmp_path, MONDAY, ticks(MONDAY, 2))
    content = ParquetFiles(BY_DATE, tmp_path, lake.settings)
    content.fingerprint(MONDAY)
    with connect(lake.settings) as connection:
        text, parameters = content.open(connection, MONDAY)
        assert len(connection.execute(text, dict(parameters)).fetchall()) == 2
    content.confirm(MONDAY)
    write(tmp_path, MONDAY, ticks(MONDAY, 3))
    with pytest.raises(OutputChanged, match=f"trading_date={MONDAY} changed while it was read"):
        content.confirm(MONDAY)
