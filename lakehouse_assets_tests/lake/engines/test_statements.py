"""What Spark and Trino are asked, read as text; `stack/test_engines_behave.py` asks the real ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from lakehouse_assets.contracts.contract import Column
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engines import ForeignName
from lakehouse_assets.lake.engines.statements import Relation, insert, name_in, over, select
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, ticks, write

BOTH: tuple[ForeignName, ...] = ("spark", "trino")
TARGET = ("option_ticks_staging", "toy_copies__1")
TEXT = "SELECT source, trading_date, id, price, side, size FROM toy_ticks WHERE price <= $most AND side <> $side"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Settings(home=tmp_path))
    write(made, ticks(MONDAY), MONDAY)
    return made


@pytest.mark.parametrize("engine", BOTH)
def test_an_input_is_read_at_its_snapshot_and_only_on_the_day(lake: Lake, engine: ForeignName) -> None:
    table = pin(lake, TOY, [MONDAY])
    text = select(engine, Relation.of(table, MONDAY))
    assert f"AS OF {table.snapshot_id} WHERE" in text
    assert text.endswith(f"= DATE '{MONDAY}'")
    assert name_in(engine, "hive_prod", "option_ticks_db", "toy_ticks") in text


@pytest.mark.parametrize("engine", BOTH)
def test_a_column_that_the_table_lacks_is_null_of_its_type(lake: Lake, engine: ForeignName) -> None:
    wider = replace(TOY, columns=(*TOY.columns, Column("greek", "double", "A letter")))
    text = select(engine, Relation.of(pin(lake, wider), MONDAY))
    assert f"CAST(NULL AS DOUBLE) AS {name_in(engine, 'greek')}" in text


@pytest.mark.parametrize("engine", BOTH)
def test_a_table_without_snapshot_is_no_row_and_names_no_table(engine: ForeignName, tmp_path: Path) -> None:
    text = select(engine, Relation.of(pin(Lake(Settings(home=tmp_path)), TOY), MONDAY))
    assert "hive_prod" not in text
    assert text.endswith("WHERE 1 = 0")


@pytest.mark.parametrize("engine", BOTH)
def test_an_insert_casts_every_column_and_binds_parameters_as_literals(lake: Lake, engine: ForeignName) -> None:
    query = Query(TEXT, {TOY.table: pin(lake, TOY, [MONDAY])}, {"most": 0.1, "side": "o'clock"})
    text = insert(engine, query, MONDAY, TOY, TARGET)
    tree = sqlglot.parse_one(text, read=engine)
    assert isinstance(tree, exp.Insert)
    assert "'o''clock'" in text or r"'o\'clock'" in text
    assert "CAST('0.1' AS DOUBLE)" in text
    assert "$" not in text
    assert text.startswith(f"INSERT INTO {name_in(engine, 'hive_prod', *TARGET)} (")


def test_a_name_that_is_no_identifier_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a column or table name"):
        name_in("trino", 'x"; DROP TABLE y')


def test_a_text_over_no_relation_is_the_text() -> None:
    assert over("spark", {}, "SELECT 1") == "SELECT 1"
