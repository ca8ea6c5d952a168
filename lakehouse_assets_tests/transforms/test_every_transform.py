"""Every .sql file of the project: portable, true to its contract, and known to every engine."""

import pytest
from sqlglot.errors import UnsupportedError

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.transforms.called import functions_named
from lakehouse_assets.transforms.dialects import Engine, written_for
from lakehouse_assets.transforms.lineage import column_lineage, output_columns
from lakehouse_assets.transforms.portable import check
from lakehouse_assets.transforms.text import sql_text, tables_of, transform_names

TABLES = transform_names()


@pytest.mark.parametrize("table", TABLES)
def test_every_transform_is_portable(table: str) -> None:
    sql = sql_text(table)
    check(table, sql, {name: CONTRACTS[name] for name in tables_of(sql)})


@pytest.mark.parametrize("table", TABLES)
def test_every_transform_gives_the_columns_of_its_contract(table: str) -> None:
    assert set(output_columns(table, sql_text(table), CONTRACTS)) == set(CONTRACTS[table].column_names)


@pytest.mark.parametrize("table", TABLES)
def test_every_column_comes_from_declared_columns(table: str) -> None:
    sql = sql_text(table)
    lineage = column_lineage(table, sql, CONTRACTS)
    sources = {source for pairs in lineage.values() for source in pairs}
    assert sources
    assert {name for name, _ in sources} <= tables_of(sql)
    assert all(column in CONTRACTS[name].by_name for name, column in sources)


@pytest.mark.parametrize("engine", ["spark", "trino"])
@pytest.mark.parametrize("table", TABLES)
def test_every_transform_can_be_written_for_every_engine(table: str, engine: Engine) -> None:
    if engine == "trino" and functions_named(sql_text(table)):
        with pytest.raises(UnsupportedError, match="Trino cannot call black_"):
            written_for(engine, sql_text(table))
        return
    written = written_for(engine, sql_text(table))
    assert "EPOCH_US" not in written
    assert "MAKE_TIMESTAMPTZ" not in written
