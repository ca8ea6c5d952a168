"""What Spark and Trino are asked, read as text; `stack/test_engines_behave.py` asks the real ones."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import sqlglot
from sqlglot import exp

from lakehouse_assets.contracts.contract import Column, ColumnType
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engines import ForeignName
from lakehouse_assets.lake.engines.statements import Relation, insert, name_in, over, select
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import Settings
from lakehouse_assets.transforms.dialects import written_for
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, ticks, write

BOTH: tuple[ForeignName, ...] = ("spark", "trino")
TARGET = ("option_ticks_staging", "toy_copies__1")
TEXT = "SELECT source, trading_date, id, price, side, size FROM toy_ticks WHERE price <= $most AND side <> $side"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(Settings(home=tmp_path))
    write(made, ticks(MONDAY), MONDAY)
    return made


def shown(engine: ForeignName, relation: Relation) -> str:
    """A relation's rows as the engine is asked for them, in one line."""
    return " ".join(written_for(engine, select(relation)).split())


@pytest.mark.parametrize("engine", BOTH)
def test_an_input_is_read_at_its_snapshot_and_only_on_the_day(lake: Lake, engine: ForeignName) -> None:
    table = pin(lake, TOY, [MONDAY])
    text = shown(engine, Relation.of(table, MONDAY))
    at = {"spark": "VERSION AS OF", "trino": "FOR VERSION AS OF"}[engine]
    source = name_in(engine, "hive_prod", "option_ticks_db", "toy_ticks")
    assert f"FROM {source} {at} {table.snapshot_id} WHERE" in text
    assert text.endswith(f"= CAST('{MONDAY}' AS DATE)")


@pytest.mark.parametrize("engine", BOTH)
def test_a_column_that_the_table_lacks_is_null_of_its_type(lake: Lake, engine: ForeignName) -> None:
    wider = replace(TOY, columns=(*TOY.columns, Column("greek", "double", "A letter")))
    text = shown(engine, Relation.of(pin(lake, wider), MONDAY))
    assert f"CAST(NULL AS DOUBLE) AS {name_in(engine, 'greek')}" in text


@pytest.mark.parametrize("engine", BOTH)
def test_a_table_without_snapshot_is_no_row_and_names_no_table(engine: ForeignName, tmp_path: Path) -> None:
    text = shown(engine, Relation.of(pin(Lake(Settings(home=tmp_path)), TOY), MONDAY))
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
    assert over({}, "SELECT 1") == "SELECT 1"


TYPED = {
    "spark": ["STRING", "BIGINT", "INT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP", "BINARY"],
    "trino": ["VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP(6) WITH TIME ZONE", "VARBINARY"],
}


@pytest.mark.parametrize("engine", BOTH)
def test_every_type_of_a_contract_has_the_engines_own_name(engine: ForeignName, tmp_path: Path) -> None:
    columns = tuple(Column(f"a_{name}", name, "A column") for name in get_args(ColumnType))
    contract = replace(TOY, columns=columns, key=("a_long",), partition=(), rules=())
    text = shown(engine, Relation(contract, "option_ticks_db", TOY.table, None, frozenset(), None))
    assert get_args(ColumnType) == ("string", "long", "int", "double", "boolean", "date", "timestamptz", "binary")
    casts = (
        f"CAST(NULL AS {name}) AS {name_in(engine, c.name)}" for c, name in zip(columns, TYPED[engine], strict=True)
    )
    assert text == f"SELECT {', '.join(casts)} WHERE 1 = 0"


def test_a_cte_of_the_computed_text_stays_apart_from_the_inputs_on_spark(lake: Lake) -> None:
    text = "WITH cheap AS (SELECT * FROM toy_ticks WHERE price <= 1) SELECT * FROM cheap -- the end"
    query = Query(text, {TOY.table: pin(lake, TOY, [MONDAY])}, {})
    tree = sqlglot.parse_one(insert("spark", query, MONDAY, TOY, TARGET), read="spark")
    assert [cte.alias for cte in tree.find_all(exp.CTE)] == ["toy_ticks", "cheap_1"]
