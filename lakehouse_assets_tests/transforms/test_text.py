"""What a text names, and where it lies."""

import subprocess
import sys
from pathlib import Path

import pytest

from lakehouse_assets.transforms.text import macros_text, parameters_of, sql_text, tables_of, transform_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gold_bars.sql").write_text("SELECT 1 AS one", encoding="utf-8")
    (tmp_path / "macros.sql").write_text("CREATE MACRO f(a) AS a", encoding="utf-8")
    return tmp_path


def test_a_table_is_read_from_the_file_of_its_name(folder: Path) -> None:
    assert sql_text("gold_bars", folder) == "SELECT 1 AS one"
    assert transform_names(folder) == ("gold_bars",)
    assert macros_text(folder) == "CREATE MACRO f(a) AS a"


@pytest.mark.parametrize("table", ["gold_missing", "macros", "../gold_bars"])
def test_a_table_without_a_text_is_refused_with_those_that_have_one(folder: Path, table: str) -> None:
    with pytest.raises(FileNotFoundError, match="gold_bars"):
        sql_text(table, folder)


def test_a_folder_without_macros_has_none(tmp_path: Path) -> None:
    assert macros_text(tmp_path) == ""


def test_parameters_in_comments_and_quoted_text_do_not_count() -> None:
    text = """-- not $this
    /* nor $that,
       nor $those */
    SELECT $low, '$quoted ''$still'' quoted', "$name", a -- it's $done
    FROM t WHERE b > $high AND c = $low"""
    assert parameters_of(text) == {"low", "high"}


def test_tables_are_those_that_are_read_not_the_ctes() -> None:
    text = """WITH a AS (SELECT x FROM ticks), b AS (SELECT x FROM a JOIN quotes AS q USING (x))
    SELECT b.x FROM b LEFT JOIN (SELECT x FROM bars) AS c ON b.x = c.x"""
    assert tables_of(text, "") == {"ticks", "quotes", "bars"}


def test_a_cte_named_as_a_table_still_reads_it() -> None:
    assert tables_of("WITH ticks AS (SELECT x FROM ticks) SELECT x FROM ticks", "") == {"ticks"}


def test_a_table_macro_reads_what_it_is_given() -> None:
    macros = "CREATE MACRO latest(source) AS TABLE SELECT MAX(x) AS x FROM query_table(source)"
    assert tables_of("WITH a AS (SELECT x FROM ticks) SELECT x FROM latest(a), latest(quotes)", macros) == {
        "ticks",
        "quotes",
    }


def test_the_modules_load_without_the_parser() -> None:
    modules = "text, macros, tree, portable, lineage, dialects"
    code = f"import sys; from lakehouse_assets.transforms import {modules}; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
