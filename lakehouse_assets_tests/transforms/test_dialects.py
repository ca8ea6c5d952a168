"""Each allowed function, as Spark and Trino are given it."""

import duckdb
import pytest
import sqlglot

from lakehouse_assets.transforms.called import CALLED
from lakehouse_assets.transforms.dialects import Engine, written_for
from lakehouse_assets.transforms.portable import violations
from lakehouse_assets.transforms.portable.subset import ALLOWED_BY_NAME, FUNCTIONS
from lakehouse_assets_tests.transforms.market import INPUTS

US = (
    "(CAST(TO_UNIXTIME(DATE_TRUNC('SECOND', ts)) AS BIGINT) * 1000000"
    " + CAST(ROUND((TO_UNIXTIME(ts) - TO_UNIXTIME(DATE_TRUNC('SECOND', ts))) * 1e6) AS BIGINT))"
)

WRITTEN = [
    ("EPOCH_US(ts)", "UNIX_MICROS(ts)", US),
    ("MAKE_TIMESTAMPTZ(sequence)", "TIMESTAMP_MICROS(sequence)",
     "(CAST(FROM_UNIXTIME_NANOS((sequence) * 1000) AS TIMESTAMP(6) WITH TIME ZONE))"),
    ("MAKE_TIMESTAMPTZ(EPOCH_US(ts))", "TIMESTAMP_MICROS(UNIX_MICROS(ts))",
     f"(CAST(FROM_UNIXTIME_NANOS(({US}) * 1000) AS TIMESTAMP(6) WITH TIME ZONE))"),
    ("CAST(expiration AS TIMESTAMPTZ)", "CAST(expiration AS TIMESTAMP)",
     "CAST(expiration AS TIMESTAMP(6) WITH TIME ZONE)"),
    ("ts + INTERVAL 5 MINUTE", "ts + INTERVAL '5' MINUTE", "ts + INTERVAL '5' MINUTE"),
    ("DATE_TRUNC('minute', ts)", "DATE_TRUNC('MINUTE', ts)", "DATE_TRUNC('MINUTE', ts)"),
    ("EXTRACT(HOUR FROM ts)", "EXTRACT(HOUR FROM ts)", "EXTRACT(HOUR FROM ts)"),
    ("HOUR(ts)", "HOUR(ts)", "HOUR(ts)"),
    ("DATE_DIFF('day', trading_date, expiration)", "DATEDIFF(DAY, trading_date, expiration)",
     "DATE_DIFF('DAY', DATE_TRUNC('DAY', trading_date), DATE_TRUNC('DAY', expiration))"),
    ("DATE '2026-11-20'", "CAST('2026-11-20' AS DATE)", "CAST('2026-11-20' AS DATE)"),
    ("sequence / 60", "sequence / 60", "CAST(sequence AS DOUBLE) / 60"),
    ("price / NULLIF(bid, 0)", "price / NULLIF(bid, 0)", "CAST(price AS DOUBLE) / NULLIF(bid, 0)"),
    ("MOD(sequence, 2)", "sequence % 2", "sequence % 2"),
    ("ARG_MAX(price, CASE WHEN NOT price IS NULL THEN sequence END)",
     "MAX_BY(price, CASE WHEN NOT price IS NULL THEN sequence END)",
     "MAX_BY(price, CASE WHEN NOT price IS NULL THEN sequence END)"),
    ("ARG_MIN(price, CASE WHEN NOT price IS NULL THEN sequence END)",
     "MIN_BY(price, CASE WHEN NOT price IS NULL THEN sequence END)",
     "MIN_BY(price, CASE WHEN NOT price IS NULL THEN sequence END)"),
    ("COALESCE(price, 0)", "COALESCE(price, 0)", "COALESCE(price, 0)"),
    ("COUNT(price)", "COUNT(price)", "COUNT(price)"),
    ("SUM(size)", "SUM(size)", "SUM(size)"),
    ("MIN(price)", "MIN(price)", "MIN(price)"),
    ("MAX(price)", "MAX(price)", "MAX(price)"),
    ("ABS(price)", "ABS(price)", "ABS(price)"),
    ("SQRT(ABS(price))", "SQRT(ABS(price))", "SQRT(ABS(price))"),
    ("CAST(ROUND(LN(ABS(price)) * 1e12) AS BIGINT) / 1e12", "CAST(ROUND(LN(ABS(price)) * 1e12) AS BIGINT) / 1e12",
     "CAST(CAST(ROUND(LN(ABS(price)) * 1e12) AS BIGINT) AS DOUBLE) / 1e12"),
    ("CAST(ROUND(EXP(price) * 1e12) AS BIGINT) / 1e12", "CAST(ROUND(EXP(price) * 1e12) AS BIGINT) / 1e12",
     "CAST(CAST(ROUND(EXP(price) * 1e12) AS BIGINT) AS DOUBLE) / 1e12"),
    ("CAST(FLOOR(price) AS BIGINT)", "CAST(FLOOR(price) AS BIGINT)", "CAST(FLOOR(price) AS BIGINT)"),
    ("CAST(CEIL(price) AS BIGINT)", "CAST(CEIL(price) AS BIGINT)", "CAST(CEIL(price) AS BIGINT)"),
    ("REGEXP_MATCHES(symbol, '^[A-Z]+$')", r"symbol RLIKE '^[A-Z]+\\z'", r"REGEXP_LIKE(symbol, '^[A-Z]+\z')"),
    ("NULLIF(REGEXP_EXTRACT(symbol, '([A-Z])([0-9])', 2), '')",
     "NULLIF(REGEXP_EXTRACT(symbol, '([A-Z])([0-9])', 2), '')",
     "NULLIF(REGEXP_EXTRACT(symbol, '([A-Z])([0-9])', 2), '')"),
    ("REGEXP_MATCHES(symbol, '^[$]|A$')", r"symbol RLIKE '^[$]|A\\z'", r"REGEXP_LIKE(symbol, '^[$]|A\z')"),
    ("symbol LIKE 'A%'", "symbol LIKE 'A%'", "symbol LIKE 'A%'"),
    ("LENGTH(symbol)", "LENGTH(symbol)", "LENGTH(symbol)"),
    ("SUBSTR(symbol, 1, 6)", "SUBSTRING(symbol, 1, 6)", "SUBSTR(symbol, 1, 6)"),
    ("symbol || underlying", "symbol || underlying", "CONCAT(CAST(symbol AS VARCHAR), CAST(underlying AS VARCHAR))"),
    ("CONCAT_WS(',', symbol, underlying)", "CONCAT_WS(',', symbol, underlying)",
     "CONCAT_WS(',', CAST(symbol AS VARCHAR), CAST(underlying AS VARCHAR))"),
    ("price IS DISTINCT FROM bid", "price IS DISTINCT FROM bid", "price IS DISTINCT FROM bid"),
    ("LAG(price) OVER (PARTITION BY symbol ORDER BY sequence)",
     "LAG(price) OVER (PARTITION BY symbol ORDER BY sequence NULLS LAST)",
     "LAG(price) OVER (PARTITION BY symbol ORDER BY sequence)"),
    ("LEAD(price, 2) OVER (ORDER BY sequence)", "LEAD(price, 2) OVER (ORDER BY sequence NULLS LAST)",
     "LEAD(price, 2) OVER (ORDER BY sequence)"),
    ("ROW_NUMBER() OVER (ORDER BY sequence DESC)", "ROW_NUMBER() OVER (ORDER BY sequence DESC)",
     "ROW_NUMBER() OVER (ORDER BY sequence DESC)"),
    ("SUM(size) OVER (ORDER BY sequence RANGE BETWEEN 5 PRECEDING AND 1 PRECEDING)",
     "SUM(size) OVER (ORDER BY sequence NULLS LAST RANGE BETWEEN 5 PRECEDING AND 1 PRECEDING)",
     "SUM(size) OVER (ORDER BY sequence RANGE BETWEEN 5 PRECEDING AND 1 PRECEDING)"),
]  # fmt: skip


def test_every_allowed_function_is_among_them() -> None:
    texts = [sqlglot.parse_one(expression, read="duckdb") for expression, _, _ in WRITTEN]
    used = {type(node).__name__ for text in texts for node in text.walk()}
    assert set(FUNCTIONS.split()) <= used
    names = {node.name.lower() for text in texts for node in text.find_all(sqlglot.exp.Anonymous)}
    assert set(ALLOWED_BY_NAME) - set(CALLED) == names


def one_line(text: str) -> str:
    """The expression of `SELECT .. AS x FROM ticks`, its white space made single."""
    flat = " ".join(text.split()).replace("( ", "(").replace(" )", ")")
    return flat.removeprefix("SELECT ").removesuffix(" AS x FROM ticks")


@pytest.mark.parametrize(("expression", "spark", "trino"), WRITTEN, ids=[case[0] for case in WRITTEN])
def test_an_allowed_function_is_written_for_every_engine(expression: str, spark: str, trino: str) -> None:
    text = f"SELECT {expression} AS x FROM ticks"
    assert violations("t", text, INPUTS, "") == ()
    assert one_line(written_for("spark", text, "")) == spark
    assert one_line(written_for("trino", text, "")) == trino


def test_try_cast_behind_a_pattern_stays_behind_it() -> None:
    text = (
        "SELECT CASE WHEN REGEXP_MATCHES(symbol, '^-?[0-9]{1,18}$') THEN TRY_CAST(symbol AS BIGINT) END AS x FROM ticks"
    )
    for engine, test in (("spark", "symbol RLIKE"), ("trino", "REGEXP_LIKE(symbol,")):
        written = one_line(written_for(engine, text, ""))  # type: ignore[arg-type]
        assert written.startswith(f"CASE WHEN {test}")
        assert written.endswith("THEN TRY_CAST(symbol AS BIGINT) END")


def test_macros_are_gone_from_what_other_engines_read() -> None:
    macros = "CREATE MACRO micros(at) AS EPOCH_US(at);"
    assert one_line(written_for("spark", "SELECT micros(ts) AS x FROM ticks", macros)) == "UNIX_MICROS(ts)"
    assert one_line(written_for("trino", "SELECT micros(ts) AS x FROM ticks", macros)) == US


def test_ctes_of_one_name_in_two_subqueries_stay_two_on_spark() -> None:
    """SQLGlot moves them to the top there; the text must mean what it means in place."""
    text = (
        "WITH x AS (SELECT 1 AS a) SELECT one.a + two.a + x.a AS total "
        "FROM (WITH y AS (SELECT a + 1 AS a FROM x) SELECT a FROM y) AS one "
        "CROSS JOIN (WITH y AS (SELECT a + 10 AS a FROM x) SELECT y.a FROM y) AS two CROSS JOIN x"
    )
    written = written_for("spark", text)
    names = [cte.alias for cte in sqlglot.parse_one(written, read="spark").find_all(sqlglot.exp.CTE)]
    assert len(names) == len(set(names)) == 3
    back = sqlglot.transpile(written, read="spark", write="duckdb")[0]
    assert duckdb.execute(back).fetchall() == duckdb.execute(text).fetchall() == [(14,)]


def test_a_cte_that_has_the_name_of_what_it_reads_reads_the_other_one_on_spark() -> None:
    text = (
        "WITH x AS (SELECT 1 AS a) SELECT a FROM "
        "(WITH w AS (SELECT a FROM x), x AS (SELECT x.a + w.a AS a FROM x CROSS JOIN w) SELECT x.a FROM x) AS one"
    )
    back = sqlglot.transpile(written_for("spark", text), read="spark", write="duckdb")[0]
    assert duckdb.execute(back).fetchall() == duckdb.execute(text).fetchall() == [(2,)]


@pytest.mark.parametrize("engine", ["spark", "trino"])
def test_what_gates_ask_of_doubles_has_a_form_on_every_engine(engine: Engine) -> None:
    written = written_for(engine, "SELECT COUNT(*) FILTER (WHERE NOT ISFINITE(x) OR SIGNBIT(x + 1)) AS n FROM t")
    assert "ISFINITE" not in written.upper()
    assert "SIGNBIT" not in written.upper()
    sqlglot.parse_one(written, read=engine)


@pytest.mark.parametrize("engine", ["duckdb", "spark", "trino"])
def test_a_parameter_with_a_value_is_a_literal_of_its_type(engine: Engine) -> None:
    values = {"a": 0.1, "b": 3, "c": "it's", "d": True}
    written = written_for(engine, "SELECT $a AS a, $b AS b, $c AS c, $d AS d, $e AS e", values=values)
    back = sqlglot.transpile(written.replace(":e", "NULL").replace("$e", "NULL"), read=engine, write="duckdb")[0]
    assert duckdb.execute(back).fetchall()[0][:4] == (0.1, 3, "it's", True)
