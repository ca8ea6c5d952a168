"""Macros mean the same run by DuckDB and expanded on the tree."""

import duckdb
import pytest
import sqlglot

from lakehouse_assets.transforms.macros import MacroRefused, expanded, macros_of

MACROS = """
-- the fixed point
CREATE MACRO fixed(x) AS CAST(ROUND(x * 1e6) AS BIGINT) / 1e6;
CREATE OR REPLACE MACRO fixed_ln(x) AS fixed(LN(x));
CREATE TEMP MACRO double_of(a) AS a * 2;
CREATE MACRO total(x) AS SUM(x);
CREATE MACRO before(x, who, moment) AS LAG(x) OVER (PARTITION BY who ORDER BY moment);
CREATE MACRO as_of(probes, facts, least) AS TABLE
WITH as_of_both AS (
    SELECT who, moment, 1 AS is_probe FROM query_table(probes)
    UNION ALL
    SELECT who, moment, 0 AS is_probe FROM query_table(facts)
),
as_of_groups AS (
    SELECT who, moment, is_probe,
        COUNT(CASE WHEN is_probe = 0 THEN 1 END)
            OVER (PARTITION BY who ORDER BY moment, is_probe ROWS UNBOUNDED PRECEDING) AS n
    FROM as_of_both
    WHERE moment >= least
)
SELECT who, moment, is_probe, MAX(CASE WHEN is_probe = 0 THEN moment END) OVER (PARTITION BY who, n) AS fact_at
FROM as_of_groups;
"""

TABLE = "CREATE TABLE ticks AS SELECT i % 3 AS who, i * 7 % 50 AS moment, 1 + i AS price FROM range(40) AS r(i)"

CALLS = [
    "SELECT who, moment, fixed(price) + 1 AS x FROM ticks",
    "SELECT who, moment, double_of(price + 1) AS x FROM ticks",
    "SELECT who, moment, 10 - double_of(price - moment) * 2 AS x FROM ticks",
    "SELECT who, moment, fixed_ln(double_of(price)) AS x FROM ticks",
    "SELECT who, 0 AS moment, double_of(total(price)) AS x FROM ticks GROUP BY who",
    "SELECT t.who, t.moment, before(t.price, t.who, t.moment) AS x FROM ticks AS t",
    "SELECT who, moment, fixed(CASE WHEN moment > 3 THEN price END) AS x FROM ticks WHERE double_of(moment) > 9",
    (
        "WITH p AS (SELECT who, moment + 1 AS moment FROM ticks), "
        "f AS (SELECT who, moment FROM ticks WHERE moment % 2 = 0) "
        "SELECT who, moment, fact_at AS x FROM as_of(p, f, 4) WHERE is_probe = 1"
    ),
    (
        "SELECT a.who, a.moment, b.fact_at AS x FROM as_of(ticks, ticks, 0) AS a "
        "JOIN as_of(ticks, ticks, $least) AS b ON a.who = b.who AND a.moment = b.moment"
    ),
]


@pytest.mark.parametrize("text", CALLS)
def test_a_call_means_the_same_expanded_and_native(text: str) -> None:
    tree = expanded(sqlglot.parse_one(text, read="duckdb"), MACROS)
    bound = {"least": 10} if "$least" in text else {}
    with duckdb.connect() as connection:
        connection.execute(TABLE)
        rows = "SELECT who, moment, x FROM ({}) ORDER BY ALL"
        from_tree = connection.execute(rows.format(tree.sql("duckdb")), bound).fetchall()
        connection.execute(MACROS)
        native = connection.execute(rows.format(text), bound).fetchall()
    assert len(native) >= 3
    assert from_tree == native


def test_the_callers_tree_is_left_as_it_was() -> None:
    tree = sqlglot.parse_one("SELECT fixed(price) AS x FROM ticks", read="duckdb")
    before = tree.sql("duckdb")
    expanded(tree, MACROS)
    assert tree.sql("duckdb") == before


def test_a_call_at_the_root_is_expanded() -> None:
    assert expanded(sqlglot.parse_one("double_of(3)", read="duckdb"), MACROS).sql("duckdb") == "(3 * 2)"


REFUSED = {
    "SELECT 1": "only CREATE MACRO",
    "CREATE TABLE t (a INT)": "only CREATE MACRO",
    "CREATE MACRO f(a) AS a + b": "names b, which is no parameter",
    "CREATE MACRO f(a) AS t.a": "names t.a, which is no parameter",
    "CREATE MACRO f(a) AS (SELECT MAX(a))": "no subquery",
    "CREATE MACRO f(a) AS a + $limit": "$parameter is an argument",
    "CREATE MACRO f(a := 5) AS a": "macros are not SQL",
    "CREATE MACRO sqrt(a) AS a": "engines have a function of this name",
    "CREATE MACRO f(a) AS a; CREATE MACRO F(a) AS a": "defined twice",
    "CREATE MACRO f(t) AS TABLE SELECT * FROM ticks": "reads ticks",
    "CREATE MACRO f(t) AS TABLE SELECT * FROM query_table(u)": "reads QUERY_TABLE(u)",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_macro_that_would_not_travel_is_refused(text: str) -> None:
    with pytest.raises(MacroRefused) as refused:
        macros_of(text)
    assert REFUSED[text].lower() in str(refused.value).lower()


WRONG_CALLS = {
    "SELECT fixed(1, 2) AS x": "takes 1 arguments, 2 given",
    "SELECT fixed(x := 1) AS x": "positional",
    "SELECT total(price) OVER (ORDER BY moment) AS x FROM ticks": "no OVER or FILTER",
    "SELECT total(price) FILTER (WHERE moment > 1) AS x FROM ticks": "no OVER or FILTER",
    "SELECT total(DISTINCT price) AS x FROM ticks": "no DISTINCT",
    "SELECT x FROM fixed(1)": "wrong place",
    "SELECT as_of(ticks, ticks, 1) AS x FROM ticks": "wrong place",
    "SELECT moment FROM as_of('ticks', ticks, 1)": "bare name of a table or CTE",
    "SELECT moment FROM as_of(ticks, ticks, moment)": "literal or a $parameter",
    "WITH as_of_both AS (SELECT who, moment FROM ticks) SELECT moment FROM as_of(as_of_both, ticks, 1)": "rename yours",
}


@pytest.mark.parametrize("text", WRONG_CALLS)
def test_a_call_that_would_not_travel_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(MacroRefused) as refused:
        expanded(sqlglot.parse_one(f"\n{text}", read="duckdb"), MACROS)
    assert WRONG_CALLS[text] in str(refused.value)
    assert str(refused.value).startswith("line 2: macro ")


def test_a_macro_calls_only_macros_above_it() -> None:
    macros = "CREATE MACRO first_one(a) AS second_one(a); CREATE MACRO second_one(a) AS a + 1"
    assert (
        macros_of(macros)["first_one"].body.sql("duckdb") == "SECOND_ONE(a)"
    )  # stays a call, which the checker refuses
