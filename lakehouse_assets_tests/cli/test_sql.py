"""Questions in SQL: the users' query, the tables of other times, and what cannot be read."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.lake.sql import ask
from lakehouse_assets_tests.cli.conftest import Script, Toy
from lakehouse_assets_tests.cli.toy_lake import LAST_DAY, at_home, land, ticks

USERS_QUERY = (
    "SELECT symbol, AVG(last_price) FROM hive_prod.option_ticks_db.bronze_option_ticks "
    "WHERE DATE(timestamp) = DATE '2026-11-20' GROUP BY symbol"
)
FULL = "hive_prod.option_ticks_db.bronze_option_ticks"
COUNT = "SELECT COUNT(*) AS n FROM bronze_option_ticks"


def rows(lakehouse: Script, query: str) -> list[dict[str, object]]:
    said = lakehouse("sql", query, "--json")
    assert said.code == 0, said.err
    found: list[dict[str, object]] = json.loads(said.out)
    return found


def test_the_users_query_runs_as_it_is(toy: Toy, lakehouse: Script) -> None:
    found = rows(lakehouse, USERS_QUERY)
    assert sorted((row["symbol"], row["avg(last_price)"]) for row in found) == [("AAA", 3.0), ("BBB", 5.0)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT COUNT(*) AS n FROM option_ticks_db.bronze_option_ticks",
        "SELECT COUNT(*) AS n FROM HIVE_PROD.OPTION_TICKS_DB.Bronze_Option_Ticks",
        'SELECT COUNT(bronze_option_ticks.symbol) AS n FROM "bronze_option_ticks"',
        f"SELECT COUNT({FULL}.symbol) AS n FROM {FULL}",
        "SELECT n FROM (SELECT COUNT(*) AS n FROM bronze_option_ticks t WHERE t.symbol IS NOT NULL) -- a comment",
        "WITH bronze_option_ticks AS (SELECT * FROM bronze_option_ticks) SELECT COUNT(*) AS n FROM bronze_option_ticks",
        "WITH a AS (SELECT 1), b AS (SELECT symbol FROM bronze_option_ticks) SELECT COUNT(*) AS n FROM a, b",
        "WITH RECURSIVE up AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM up WHERE n < 5) SELECT MAX(n) AS n FROM up",
        "SELECT COUNT(*) AS n FROM (SELECT 1 WHERE FALSE UNION ALL SELECT 1 FROM bronze_option_ticks);",
    ],
)
def test_a_table_is_found_however_the_query_names_it(toy: Toy, lakehouse: Script, query: str) -> None:
    assert rows(lakehouse, query) == [{"n": 5}]


def test_a_with_name_hides_the_table_only_in_its_reach(toy: Toy, lakehouse: Script) -> None:
    query = (
        "SELECT (SELECT COUNT(*) FROM bronze_option_ticks) AS whole, COUNT(*) AS part FROM "
        "(WITH bronze_option_ticks AS (SELECT 1) SELECT * FROM bronze_option_ticks)"
    )
    assert rows(lakehouse, query) == [{"whole": 5, "part": 1}]


def test_a_version_shows_the_table_as_it_was(toy: Toy, lakehouse: Script) -> None:
    first = toy.snapshots["first"]
    assert rows(lakehouse, f"{COUNT} FOR VERSION AS OF {first}") == [{"n": 2}]
    both = (
        f"SELECT SUM(old.last_price) AS old, SUM(now.last_price) AS now "
        f"FROM bronze_option_ticks FOR VERSION AS OF {first} AS old "
        "FULL JOIN bronze_option_ticks AS now ON FALSE"
    )
    assert rows(lakehouse, both) == [{"old": 11.0, "now": 12.0}]


@pytest.mark.parametrize(
    "clause",
    ["FOR TIMESTAMP AS OF TIMESTAMP '{}'", "FOR TIMESTAMP AS OF '{}+00:00'", "FOR VERSION AS OF '{}Z'"],
)
def test_a_time_shows_the_snapshot_that_was_current_then(toy: Toy, lakehouse: Script, clause: str) -> None:
    table = toy.lake.load("bronze_option_ticks")
    snapshot = table.snapshot_by_id(toy.snapshots["first"])
    assert snapshot is not None
    moment = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC).replace(tzinfo=None).isoformat(sep=" ")
    assert rows(lakehouse, f"{COUNT} {clause.format(moment)}") == [{"n": 2}]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"{COUNT} FOR VERSION AS OF 12345", "has no snapshot 12345"),
        (f"{COUNT} FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01'", "had no snapshot yet"),
        (f"{COUNT} FOR VERSION AS OF 'yesterday'", "'yesterday' is not a time"),
        (f"{COUNT} AT (VERSION => 3)", "FOR VERSION AS OF"),
        ("SELECT * FROM bronze_option_tick", "did you mean bronze_option_ticks"),
        ("SELECT * FROM other.option_ticks_db.bronze_option_ticks", "the tables lie in hive_prod.option_ticks_db"),
        ("SELECT * FROM information_schema.tables", "the tables lie in hive_prod.option_ticks_db"),
        ("SELECT (1", "cannot be read"),
        ("SELECT 'a", "cannot be read"),
        ("", "0 statements"),
        ("SELECT nope FROM bronze_option_ticks", 'column "nope" not found'),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert"),
    ],
)
def test_a_wrong_query_is_one_line(toy: Toy, lakehouse: Script, query: str, words: str) -> None:
    said = lakehouse("sql", query)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err
    assert "unexpected" not in said.err


def test_all_tables_of_a_query_are_of_one_instant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lake = at_home(monkeypatch, tmp_path)
    land(lake, BRONZE_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [1.0]}), "one")
    answer = ask(lake, "SELECT (SELECT COUNT(*) FROM bronze_option_ticks) + COUNT(*) FROM bronze_option_ticks")
    land(lake, BRONZE_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [1.0, 2.0]}), "two")
    with answer.batches() as batches:
        assert batches.read_all().column(0).to_pylist() == [2]
    assert len(answer.views) == 1


def test_a_state_folder_with_a_strange_name_can_be_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lake = at_home(monkeypatch, tmp_path / "it's [a] home")
    land(lake, BRONZE_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [1.0]}), "one")
    assert ask(lake, COUNT).row_count() == 1


def test_a_table_is_cut_to_its_limit_and_says_how_much_it_leaves_out(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("sql", "SELECT source_seq FROM bronze_option_ticks", "--limit", "2")
    assert said.code == 0
    assert "2 rows, 3 left out" in said.out
    assert "5 rows\n" in lakehouse("sql", "SELECT source_seq FROM bronze_option_ticks", "--limit", "5").out
    assert "1 row\n" in lakehouse("sql", COUNT).out


def test_a_query_over_a_table_without_data_says_so(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("sql", "SELECT * FROM gold_put_call_ratios")
    assert said.code == 0
    assert "no data yet in gold_put_call_ratios" in said.out


def test_json_holds_every_value_and_times_in_iso_form(toy: Toy, lakehouse: Script) -> None:
    query = (
        "SELECT trading_date, timestamp, symbol, SUM(source_seq) AS total, symbol, CAST('nan' AS DOUBLE) AS nothing "
        "FROM bronze_option_ticks WHERE symbol = 'BBB' GROUP BY ALL ORDER BY timestamp"
    )
    found = rows(lakehouse, query)
    assert found[0] == {
        "trading_date": "2026-11-20", "timestamp": "2026-11-20T00:02:00+00:00", "symbol": "BBB", "total": 2,
        "symbol_2": "BBB", "nothing": None,
    }  # fmt: skip
    assert rows(lakehouse, "SELECT 1 AS x WHERE FALSE") == []


def test_csv_has_a_header_and_empty_cells_for_nulls(toy: Toy, lakehouse: Script) -> None:
    query = "SELECT symbol, last_price, trading_date FROM bronze_option_ticks WHERE symbol = 'BBB' ORDER BY source_seq"
    said = lakehouse("sql", query, "--csv")
    assert list(csv.reader(io.StringIO(said.out))) == [
        ["symbol", "last_price", "trading_date"], ["BBB", "5.0", "2026-11-20"], ["BBB", "", "2026-11-20"],
    ]  # fmt: skip


def test_json_and_csv_exclude_each_other(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("sql", COUNT, "--json", "--csv")
    assert said.code == 2
    assert said.err.count("\n") == 1
