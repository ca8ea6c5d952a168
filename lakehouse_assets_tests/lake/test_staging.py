"""What may be staged: every row in its own partition, every file in one."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.schema import field_ids
from lakehouse_assets.lake.staging import evolved, stage
from lakehouse_assets.lake.strays import StrayRows, guarded
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import (
    BY_DATE,
    MONDAY,
    TOY,
    TUESDAY,
    data_files,
    published_files,
    seen,
    stage_ticks,
    ticks,
)

STRAY_DATES = [date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 16), date(2026, 11, 16)]


@pytest.mark.parametrize("contract", [TOY, BY_DATE])
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"trading_date": STRAY_DATES}, "trading_date 2026-11-17"),
        ({"trading_date": [*STRAY_DATES[2:], None, None]}, "trading_date null"),
        ({"trading_date": None}, "trading_date null"),
        ({"trading_date": date(2026, 11, 17)}, "trading_date 2026-11-17"),
    ],
)
def test_a_row_outside_the_partition_is_refused_and_its_files_are_removed(
    lake: Lake, contract: Contract, columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(StrayRows, match=f"{contract.table} {MONDAY}: rows with {words}"):
        stage_ticks(lake, ticks(MONDAY, 4, **columns), [MONDAY], contract)
    assert data_files(lake, contract) == set()


@pytest.mark.parametrize("sources", [[None, "krx", "krx", "krx"], [None] * 4])
def test_a_row_without_a_required_partition_value_is_refused(lake: Lake, sources: list[str | None]) -> None:
    with pytest.raises(StrayRows, match="rows with source null"):
        stage_ticks(lake, ticks(MONDAY, 4, source=sources), [MONDAY])


def test_a_partition_column_that_may_be_null_gets_a_file_of_its_own_for_nulls(lake: Lake) -> None:
    by_side = replace(TOY, table="toy_sides", partition=("side", "trading_date"))
    publish(lake, stage_ticks(lake, ticks(MONDAY, 4, side=["buy", None, None, "sell"]), [MONDAY], by_side), {})
    held = {task.file.partition[0]: task.file.record_count for task in lake.load("toy_sides").scan().plan_files()}
    assert held == {"buy": 1, "sell": 1, None: 2}
    assert lake.load("toy_sides").scan("side IS NULL").to_arrow().num_rows == 2


def test_one_file_never_spans_two_partitions(lake: Lake) -> None:
    odd = ["a b", "ä/ö", "50%", "it's", "x=1"]
    publish(lake, stage_ticks(lake, ticks(MONDAY, 10, source=odd * 2), [MONDAY]), {})
    files = sorted(published_files(lake))
    assert len(files) == len(odd)
    assert sorted(s for f in files for s in set(pq.ParquetFile(f).read(["source"])["source"].to_pylist())) == sorted(
        odd
    )
    assert {task.file.partition[0] for task in lake.load("toy_ticks").scan().plan_files()} == set(odd)
    assert sorted(row["source"] for row in seen(lake)) == sorted(odd * 2)
    assert data_files(lake) == published_files(lake)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({}, "several partitions"),
        ({"source": ["krx", "krx", None, "krx"]}, "1 of 4 rows have no source"),
        ({"source": "krx", "trading_date": date(2026, 11, 17)}, "holds rows of 2026-11-17"),
        ({"source": "krx", "trading_date": [*[date(2026, 11, 16)] * 3, None]}, "1 of 4 rows have no trading_date"),
    ],
)
def test_the_statistics_of_a_file_guard_its_entry(
    lake: Lake, tmp_path: Path, columns: dict[str, Any], words: str
) -> None:
    table = lake.load_or_create(TOY)
    ids = field_ids(TOY, table.metadata)
    rows = ticks(MONDAY, 4, **columns)
    fields = [field.with_metadata({"PARQUET:field_id": str(ids[field.name])}) for field in rows.schema]
    path = tmp_path / "file.parquet"
    pq.write_table(rows.cast(pa.schema(fields)), path)
    with pytest.raises(StrayRows, match=words):
        guarded(table, evolved(table, TOY), TOY, MONDAY, f"file://{path}")


def test_an_engine_error_leaves_no_file(lake: Lake) -> None:
    broken = Query(f"SELECT 'a' AS source, DATE '{MONDAY}' AS trading_date, CAST('x' AS BIGINT) AS id", {})
    with pytest.raises(duckdb.Error):
        stage(lake, TOY, broken, [MONDAY])
    assert data_files(lake) == set()


def test_a_later_partition_that_fails_takes_the_earlier_ones_along(lake: Lake) -> None:
    with pytest.raises(StrayRows, match=TUESDAY):
        stage_ticks(lake, ticks(MONDAY), [MONDAY, TUESDAY])
    assert data_files(lake) == set()


@pytest.mark.parametrize("name", ["with space", "it's", "도쿄 ü", "[a]*b", "50%20"])
def test_the_state_folder_may_have_almost_any_name(tmp_path: Path, name: str) -> None:
    lake = Lake(Settings(home=tmp_path / name))
    publish(lake, stage_ticks(lake, ticks(MONDAY, 6), [MONDAY]), {})
    publish(lake, stage_ticks(lake, ticks(MONDAY, 5), [MONDAY]), {})
    assert len(seen(lake)) == 5
    assert lake.load("toy_ticks").scan().to_arrow().num_rows == 5
    assert (tmp_path / name / "catalog.db").exists()


@pytest.mark.parametrize("name", ["what?", "number#1"])
def test_a_state_folder_whose_name_would_be_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    lake = Lake(Settings(home=tmp_path / name))
    with pytest.raises(ValueError, match="may not hold a \\? or #"):
        stage_ticks(lake, ticks(MONDAY), [MONDAY])
