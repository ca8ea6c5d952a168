"""What the allowed functions give at their edges: on DuckDB, and the same on Spark; Trino documents the same values.

A new release that changes one of them is seen here first.
"""

import shutil

import duckdb
import pytest

from lakehouse_assets.transforms.dialects import written_for

MEANINGS = [
    ("CAST(ROUND(2.5e0) AS BIGINT)", 3),
    ("CAST(ROUND(-2.5e0) AS BIGINT)", -3),
    ("CAST(ROUND(3.5e0) AS BIGINT)", 4),
    ("CAST(FLOOR(-1.5e0) AS BIGINT)", -2),
    ("CAST(CEIL(-0.5e0) AS BIGINT)", 0),
    ("MOD(-7, 3)", -1),
    ("-7 % 3", -1),
    ("7 / 2", 3.5),
    ("1 / NULLIF(0, 0)", None),
    ("SQRT(2e0)", 1.4142135623730951),
    ("CAST(ROUND(LN(2e0) * 1e12) AS BIGINT) / 1e12", 0.693147180560),
    ("CAST(ROUND(EXP(1e0) * 1e12) AS BIGINT) / 1e12", 2.718281828459),
    ("ABS(-3)", 3),
    ("COALESCE(NULL, 2)", 2),
    ("NULL IS DISTINCT FROM 1", True),
    ("'A' < 'a'", True),
    ("'a' || NULL", None),
    ("CONCAT_WS(',', NULL, 'a', NULL, 'b')", "a,b"),
    ("CONCAT_WS(',', NULL)", ""),
    ("LENGTH('héé')", 3),
    ("SUBSTR('abc', 2, 5)", "bc"),
    ("SUBSTR('abc', 4)", ""),
    ("REGEXP_MATCHES('xay', 'a')", True),
    ("REGEXP_MATCHES('1\n', '^[0-9]$')", False),
    ("REGEXP_MATCHES(NULL, 'a')", None),
    ("NULLIF(REGEXP_EXTRACT('x1', '([a-z])([0-9])', 2), '')", "1"),
    ("NULLIF(REGEXP_EXTRACT('x', '([0-9])', 1), '')", None),
    ("TRY_CAST('2026-02-30' AS DATE)", None),
    ("DATE_DIFF('day', DATE '2026-02-27', DATE '2026-03-02')", 3),
    ("DATE_DIFF('day', DATE '2026-03-02', DATE '2026-02-27')", -3),
    ("EXTRACT(DAY FROM DATE '2026-11-20')", 20),
    ("CAST(DATE '2026-11-20' AS VARCHAR)", "2026-11-20"),
    ("CAST(-5 AS VARCHAR)", "-5"),
    ("CAST(TRUE AS BIGINT)", 1),
    ("EPOCH_US(MAKE_TIMESTAMPTZ(-1))", -1),
    ("EPOCH_US(MAKE_TIMESTAMPTZ(4102444800123457))", 4102444800123457),
    ("EPOCH_US(DATE_TRUNC('minute', MAKE_TIMESTAMPTZ(119999999)))", 60000000),
    ("EPOCH_US(DATE_TRUNC('minute', MAKE_TIMESTAMPTZ(-1)))", -60000000),
    ("EPOCH_US(DATE_TRUNC('day', MAKE_TIMESTAMPTZ(90000000000)))", 86400000000),
    ("EPOCH_US(CAST(DATE '1970-01-02' AS TIMESTAMPTZ))", 86400000000),
    ("EPOCH_US(MAKE_TIMESTAMPTZ(0) + INTERVAL 1 DAY)", 86400000000),
    ("EPOCH_US(MAKE_TIMESTAMPTZ(0) - INTERVAL 90 SECOND)", -90000000),
    ("EXTRACT(HOUR FROM MAKE_TIMESTAMPTZ(3600000000))", 1),
    ("HOUR(MAKE_TIMESTAMPTZ(3600000000))", 1),
]

GROUPED = [
    ("ARG_MAX(x, CASE WHEN x IS NOT NULL THEN k END)", 2),
    ("ARG_MIN(x, CASE WHEN x IS NOT NULL THEN k END)", 5),
    ("COUNT(*)", 4),
    ("COUNT(x)", 3),
    ("SUM(x)", 9),
    ("MIN(x)", 2),
    ("MAX(x)", 5),
]

IN_ORDER = [
    ("LAG(x) OVER (ORDER BY k)", [None, None, 5, 2]),
    ("LEAD(x, 2) OVER (ORDER BY k)", [2, 2, None, None]),
    ("ROW_NUMBER() OVER (ORDER BY k DESC)", [4, 3, 2, 1]),
    ("SUM(x) OVER (ORDER BY k ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)", [None, None, 5, 7]),
    ("SUM(x) OVER (ORDER BY k RANGE BETWEEN 2 PRECEDING AND CURRENT ROW)", [None, 5, 7, 2]),
    ("COUNT(x) OVER (ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)", [0, 1, 2, 3]),
]

ROWS = "(SELECT 1 AS k, NULL AS x UNION ALL SELECT 2, 5 UNION ALL SELECT 3, 2 UNION ALL SELECT 9, 2)"


def values(text: str) -> list[object]:
    """The first column, as DuckDB gives it at UTC."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        native = [row[0] for row in connection.execute(text).fetchall()]
        assert native == [row[0] for row in connection.execute(written_for("duckdb", text, "")).fetchall()]
    return native


@pytest.mark.parametrize(("expression", "value"), MEANINGS, ids=[case[0] for case in MEANINGS])
def test_a_function_gives_at_its_edge_what_every_engine_gives(expression: str, value: object) -> None:
    assert values(f"SELECT {expression} AS x") == [value]


@pytest.mark.parametrize(("expression", "value"), GROUPED, ids=[case[0] for case in GROUPED])
def test_an_aggregate_passes_over_null(expression: str, value: object) -> None:
    assert values(f"SELECT {expression} AS y FROM {ROWS}") == [value]


@pytest.mark.parametrize(("expression", "expected"), IN_ORDER, ids=[case[0] for case in IN_ORDER])
def test_a_window_counts_rows_or_keys(expression: str, expected: list[object]) -> None:
    text = f"SELECT y FROM (SELECT k, {expression} AS y FROM {ROWS}) ORDER BY k"
    assert values(text) == expected


def on_spark(texts: list[str]) -> list[list[tuple[object, ...]]]:
    """The rows of each text, as a local Spark gives them at UTC."""
    from pyspark.sql import SparkSession

    settings = {"ui.enabled": "false", "sql.session.timeZone": "UTC", "sql.shuffle.partitions": "1"}
    builder = SparkSession.builder.master("local[1]").appName("meanings")
    for name, value in settings.items():
        builder = builder.config(f"spark.{name}", value)
    spark = builder.getOrCreate()
    try:
        return [[tuple(row) for row in spark.sql(written_for("spark", text, "")).collect()] for text in texts]
    finally:
        spark.stop()


@pytest.mark.slow
def test_spark_gives_the_same_values() -> None:
    if shutil.which("java") is None:
        pytest.skip("Spark needs java on the PATH")
    single, grouped, ordered = (
        ", ".join(f"{case[0]} AS x{n}" for n, case in enumerate(cases)) for cases in (MEANINGS, GROUPED, IN_ORDER)
    )
    from_single, from_grouped, from_ordered = on_spark(
        [f"SELECT {single}", f"SELECT {grouped} FROM {ROWS} AS r", f"SELECT {ordered}, k FROM {ROWS} AS r"]
    )
    assert from_single == [tuple(value for _, value in MEANINGS)]
    assert from_grouped == [tuple(value for _, value in GROUPED)]
    by_key = sorted(from_ordered, key=lambda row: str(row[-1]))
    assert [list(column) for column in zip(*by_key, strict=True)][:-1] == [expected for _, expected in IN_ORDER]
