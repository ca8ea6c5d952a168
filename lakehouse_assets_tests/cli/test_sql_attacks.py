"""What `sql` must never do: read another file, write, attach, or change the engine. Every attack is refused twice."""

from pathlib import Path

import duckdb
import pytest

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.lake.inspection import UnknownTable
from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.lake.sql import QueryRefused, ask, locked_engine
from lakehouse_assets.lake.table import pin
from lakehouse_assets_tests.cli.conftest import Script, Toy

COUNT = "SELECT COUNT(*) AS n FROM bronze_option_ticks"

ATTACKS = [
    "SELECT 1; SELECT 2",
    "COPY bronze_option_ticks TO '{out}'",
    "COPY (SELECT 1) TO '{file}' (FORMAT parquet)",
    "ATTACH '{out}' AS x",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET memory_limit",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "CREATE TABLE x AS SELECT 1",
    "INSERT INTO bronze_option_ticks SELECT * FROM bronze_option_ticks",
    "DELETE FROM bronze_option_ticks",
    "UPDATE bronze_option_ticks SET symbol = 'x'",
    "DROP VIEW bronze_option_ticks",
    "WITH d AS (DELETE FROM bronze_option_ticks RETURNING *) SELECT * FROM d",
    "SELECT * INTO x FROM bronze_option_ticks",
    "EXPORT DATABASE '{out}'",
    "SELECT * FROM '{file}'",
    'SELECT * FROM "{file}"',
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM bronze_option_ticks, LATERAL read_csv('/etc/passwd')",
    "SELECT * FROM bronze_option_ticks WHERE symbol IN (FROM read_csv('/etc/passwd'))",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('bronze_option_ticks')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM sqlite_master",
    "SELECT getenv('HOME')",
    "SELECT current_setting('allowed_paths')",
    "SELECT COUNT(*) FROM bronze_option_ticks WHERE GetEnv('HOME') = 'x'",
    "SELECT * FROM (SHOW TABLES)",
    "WITH x AS (SELECT * FROM parquet_metadata('{file}')) SELECT * FROM x",
    'WITH "/etc/passwd" AS (SELECT 1) SELECT 1; SELECT * FROM "/etc/passwd"',
    'SELECT * FROM (WITH "/etc/hosts" AS (SELECT 1) SELECT 1), "/etc/hosts"',
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_but_one_select_over_the_catalog_is_run(
    toy: Toy, lakehouse: Script, tmp_path: Path, attack: str
) -> None:
    data_file = Path(local_path(pin(toy.lake, BRONZE_OPTION_TICKS).files[0].path))
    before = data_file.read_bytes()
    query = attack.format(file=data_file, out=tmp_path / "out")
    with pytest.raises((QueryRefused, UnknownTable)):  # before any engine sees it
        ask(toy.lake, query)
    said = lakehouse("sql", query)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert "unexpected" not in said.err
    assert list(tmp_path.iterdir()) == []
    assert data_file.read_bytes() == before


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '{out}'",
        "ATTACH '{out}'",
        "SET enable_external_access = true",
        "SET allowed_paths = ['/etc/passwd']",
        "SET lock_configuration = false",
        "LOAD httpfs",
    ],
)
def test_the_engine_itself_is_locked_even_where_the_reading_of_the_query_failed(
    toy: Toy, tmp_path: Path, attack: str
) -> None:
    answer = ask(toy.lake, COUNT)
    with locked_engine(answer.views, answer.settings) as connection:
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException), match=r"disabled|locked"):
            connection.execute(attack.format(out=tmp_path / "out"))
        assert connection.execute(answer.text).fetchone() == (5,)
    assert list(tmp_path.iterdir()) == []


def test_a_variable_of_the_calling_program_is_no_table(toy: Toy) -> None:
    answer = ask(toy.lake, COUNT)
    secret = answer.snapshots
    assert secret
    with locked_engine(answer.views, answer.settings) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT * FROM secret")
