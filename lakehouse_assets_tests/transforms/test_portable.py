"""Every rule of the portable subset, by a text that it refuses and one that it accepts."""

import time
from typing import NamedTuple

import pytest

from lakehouse_assets.transforms.portable import RULES, NotPortable, Violation, check, violations
from lakehouse_assets_tests.transforms.market import INPUTS

MACROS = "CREATE MACRO fixed_ln(x) AS CAST(ROUND(LN(x) * 1e12) AS BIGINT) / 1e12;"


class Case(NamedTuple):
    """A rule, an expression (or a whole SELECT) that it refuses, words of the reason, and one that is accepted."""

    rule: str
    refused: str
    reason: str
    accepted: str


CASES = [
    Case("only_known_clauses_are_used", "SELECT DISTINCT ON (symbol) symbol FROM ticks", "DISTINCT ON",
         "SELECT DISTINCT symbol FROM ticks"),
    Case("only_known_clauses_are_used", "COUNT(DISTINCT symbol)", "COUNT(DISTINCT", "COUNT(symbol)"),
    Case("only_known_clauses_are_used", "SELECT symbol, COUNT(*) AS n FROM ticks GROUP BY ALL", "GROUP BY ALL",
         "SELECT symbol, COUNT(*) AS n FROM ticks GROUP BY symbol"),
    Case("only_known_clauses_are_used", "SELECT * EXCLUDE (symbol) FROM ticks", "EXCLUDE", "SELECT * FROM ticks"),
    Case("only_known_clauses_are_used", "SELECT * REPLACE (1 AS symbol) FROM ticks", "REPLACE", "SELECT * FROM ticks"),
    Case("only_known_clauses_are_used", "SELECT symbol FROM ticks ORDER BY symbol", "ORDER BY outside",
         "SELECT symbol FROM ticks"),
    Case("only_known_clauses_are_used", "SELECT symbol FROM ticks UNION BY NAME SELECT symbol FROM quotes", "BY NAME",
         "SELECT symbol FROM ticks UNION ALL SELECT symbol FROM quotes"),
    Case("only_known_clauses_are_used", "SELECT symbol FROM main.ticks", "bare name", "SELECT symbol FROM ticks"),
    Case("only_known_clauses_are_used", "price IN (SELECT mid FROM quotes)", "LEFT JOIN", "price IN (1, 2)"),
    Case("only_known_clauses_are_used", "CAST(ROUND(price, 2) AS BIGINT)", "ROUND to decimals",
         "CAST(ROUND(price * 1e2) AS BIGINT) / 1e2"),
    Case("only_known_clauses_are_used", "SUM(size) OVER (ORDER BY sequence ROWS 2 PRECEDING EXCLUDE CURRENT ROW)",
         "exclude", "SUM(size) OVER (ORDER BY sequence ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING)"),
    Case("only_known_clauses_are_used", "MAX(price, 2)", "MAX with count", "MAX(price)"),
    Case("only_known_clauses_are_used", "LAG(price, 1, 0e0) OVER (PARTITION BY symbol ORDER BY sequence)",
         "LAG with default", "LAG(price, 1) OVER (PARTITION BY symbol ORDER BY sequence)"),
    Case("only_known_clauses_are_used",
         "WITH RECURSIVE a AS (SELECT symbol FROM ticks UNION ALL SELECT symbol FROM a) SELECT symbol FROM a",
         "RECURSIVE", "WITH a AS (SELECT symbol FROM ticks) SELECT symbol FROM a"),
    Case("joins_say_on_what",
         "SELECT t.price FROM ticks AS t ASOF JOIN quotes AS q ON t.symbol = q.symbol AND t.ts >= q.ts",
         "ASOF JOIN", "SELECT t.price FROM ticks AS t JOIN quotes AS q ON t.symbol = q.symbol AND t.ts >= q.ts"),
    Case("joins_say_on_what", "SELECT t.price FROM ticks AS t POSITIONAL JOIN quotes AS q", "POSITIONAL JOIN",
         "SELECT t.price FROM ticks AS t CROSS JOIN quotes AS q"),
    Case("joins_say_on_what", "SELECT t.price FROM ticks AS t NATURAL JOIN quotes AS q", "NATURAL JOIN",
         "SELECT t.price FROM ticks AS t JOIN quotes AS q USING (symbol, sequence)"),
    Case("joins_say_on_what", "SELECT t.price FROM ticks AS t, quotes AS q WHERE t.symbol = q.symbol", "comma join",
         "SELECT t.price FROM ticks AS t LEFT JOIN quotes AS q ON t.symbol = q.symbol"),
    Case("joins_say_on_what", "SELECT t.price FROM ticks AS t SEMI JOIN quotes AS q ON t.symbol = q.symbol",
         "SEMI JOIN",
         "SELECT t.price FROM ticks AS t FULL JOIN quotes AS q ON t.symbol = q.symbol"),
    Case("ranks_and_lags_are_ordered", "LAG(price) OVER (PARTITION BY symbol)", "LAG without ORDER BY",
         "LAG(price) OVER (PARTITION BY symbol ORDER BY sequence)"),
    Case("ranks_and_lags_are_ordered", "LEAD(price) OVER ()", "LEAD without ORDER BY",
         "LEAD(price) OVER (ORDER BY sequence)"),
    Case("ranks_and_lags_are_ordered", "ROW_NUMBER() OVER (PARTITION BY symbol)", "ROW_NUMBER without ORDER BY",
         "ROW_NUMBER() OVER (PARTITION BY symbol ORDER BY sequence)"),
    Case("ranks_and_lags_are_ordered", "SELECT LAG(price) OVER w AS x FROM ticks WINDOW w AS (PARTITION BY symbol)",
         "LAG without ORDER BY",
         "SELECT LAG(price) OVER w AS x FROM ticks WINDOW w AS (PARTITION BY symbol ORDER BY sequence)"),
    Case("named_windows_are_not_extended",
         "SELECT SUM(size) OVER (w ORDER BY sequence) AS x FROM ticks WINDOW w AS (PARTITION BY symbol)",
         "named window", "SELECT SUM(size) OVER w AS x FROM ticks WINDOW w AS (PARTITION BY symbol ORDER BY sequence)"),
    Case("frames_count_rows_or_range", "SUM(size) OVER (ORDER BY sequence GROUPS 2 PRECEDING)", "GROUPS",
         "SUM(size) OVER (ORDER BY sequence ROWS 2 PRECEDING)"),
    Case("frames_count_rows_or_range", "SUM(size) OVER (ORDER BY sequence ROWS BETWEEN size PRECEDING AND CURRENT ROW)",
         "as wide as", "SUM(size) OVER (ORDER BY sequence ROWS BETWEEN $rows PRECEDING AND CURRENT ROW)"),
    Case("subqueries_stand_in_from", "(SELECT MAX(mid) FROM quotes)", "join a CTE",
         "SELECT m.mid AS x FROM (SELECT MAX(mid) AS mid FROM quotes) AS m"),
    Case("branches_stand_in_case", "IF(is_trade, 1, 0)", "CASE WHEN", "CASE WHEN is_trade THEN 1 ELSE 0 END"),
    Case("is_asks_only_for_null", "is_trade IS TRUE", "COALESCE", "is_trade IS NULL"),
    Case("intervals_are_literal", "ts + INTERVAL (size) MINUTE", "literal", "ts + INTERVAL 5 MINUTE"),
    Case("intervals_are_literal", "ts + INTERVAL 5 MICROSECOND", "MICROSECOND", "ts - INTERVAL '5' HOUR"),
    Case("intervals_are_literal", "INTERVAL 5 MINUTE", "only added", "ts - INTERVAL 1 DAY"),
    Case("outputs_are_named_once", "SELECT price + 1 FROM ticks", "no name", "SELECT price + 1 AS more FROM ticks"),
    Case("outputs_are_named_once", "SELECT price AS a, bid AS a FROM ticks", "names a twice",
         "SELECT price AS a, bid AS b FROM ticks"),
    Case("divisors_are_never_zero", "price / bid", "NULLIF", "price / NULLIF(bid, 0)"),
    Case("divisors_are_never_zero", "price / NULLIF(bid, 1)", "NULLIF", "price / (NULLIF(bid, 0e0))"),
    Case("divisors_are_never_zero", "price / 0", "literal 0", "price / 60"),
    Case("divisors_are_never_zero", "sequence % size", "NULLIF", "MOD(sequence, NULLIF(size, 0))"),
    Case("divisors_are_never_zero", "price / $scale", "NULLIF", "price / NULLIF($scale, 0)"),
    Case("arg_max_skips_null", "ARG_MAX(price, sequence)", "IS NOT NULL",
         "ARG_MAX(price, CASE WHEN price IS NOT NULL THEN sequence END)"),
    Case("arg_max_skips_null", "ARG_MIN(price, CASE WHEN bid IS NOT NULL THEN sequence END)", "price IS NOT NULL",
         "ARG_MIN(price, CASE WHEN (price IS NOT NULL) THEN sequence END)"),
    Case("arg_max_skips_null", "MAX_BY(price, CASE WHEN price IS NOT NULL THEN sequence ELSE 0 END)", "IS NOT NULL",
         "MAX_BY(price, CASE WHEN price IS NOT NULL THEN sequence END)"),
    Case("logarithms_go_to_a_fixed_point", "CASE WHEN price > 0 THEN LN(price) END", "last bit",
         "CASE WHEN price > 0 THEN CAST(ROUND(LN(price) * 1e12) AS BIGINT) / 1e12 END"),
    Case("logarithms_go_to_a_fixed_point", "EXP(price)", "last bit", "CAST(ROUND(1e12 * EXP(price)) AS BIGINT) / 1e12"),
    Case("logarithms_go_to_a_fixed_point", "CAST(ROUND(EXP(price)) AS BIGINT)", "last bit",
         "CASE WHEN price > 0 THEN fixed_ln(price) END"),
    Case("roots_and_logarithms_are_guarded", "SQRT(price)", "not guarded", "CASE WHEN price >= 0 THEN SQRT(price) END"),
    Case("roots_and_logarithms_are_guarded", "fixed_ln(price)", "not guarded",
         "fixed_ln(CASE WHEN price > 0 THEN price END)"),
    Case("roots_and_logarithms_are_guarded", "CASE WHEN bid > 0 THEN 0e0 ELSE SQRT(bid) END", "not guarded",
         "CASE WHEN is_trade AND bid > 0 THEN SQRT(bid + 1) END"),
    Case("rounding_ends_in_an_integer", "ROUND(price)", "-0.0", "CAST(ROUND(price) AS BIGINT)"),
    Case("rounding_ends_in_an_integer", "FLOOR(price) * 2", "-0.0", "CAST(FLOOR(price) AS BIGINT) * 2"),
    Case("patterns_are_plain", "REGEXP_MATCHES(symbol, underlying)", "literal", "REGEXP_MATCHES(symbol, '^[A-Z]+$')"),
    Case("patterns_are_plain", r"REGEXP_MATCHES(symbol, '^\d+$')", "backslash", "REGEXP_MATCHES(symbol, '^[0-9]+$')"),
    Case("patterns_are_plain", "REGEXP_MATCHES(symbol, '(?i)spy')", "(?..)", "REGEXP_MATCHES(symbol, '^(SPY|spy)?')"),
    Case("patterns_are_plain", "symbol LIKE underlying", "literal", "symbol LIKE 'SPY%'"),
    Case("missing_text_is_no_match", "NOT REGEXP_MATCHES(symbol, '^A')", "COALESCE",
         "NOT COALESCE(REGEXP_MATCHES(symbol, '^A'), FALSE)"),
    Case("missing_text_is_no_match", "NOT (is_trade OR REGEXP_MATCHES(symbol, '^A'))", "COALESCE",
         "is_trade OR REGEXP_MATCHES(symbol, '^A')"),
    Case("missing_text_is_no_match", "REGEXP_MATCHES(symbol, '^A') = FALSE", "COALESCE",
         "COALESCE(REGEXP_MATCHES(symbol, '^A'), FALSE) = FALSE"),
    Case("missing_text_is_no_match", "symbol NOT LIKE 'A%'", "COALESCE", "NOT COALESCE(symbol LIKE 'A%', FALSE)"),
    Case("no_match_is_null", "REGEXP_EXTRACT(symbol, '^([A-Z]+)', 1)", "NULLIF",
         "NULLIF(REGEXP_EXTRACT(symbol, '^([A-Z]+)', 1), '')"),
    Case("no_match_is_null", "NULLIF(REGEXP_EXTRACT(symbol, '^([A-Z]+)', size), '')", "literal group",
         "NULLIF(REGEXP_EXTRACT(symbol, '^([A-Z])([0-9])', 2), '')"),
    Case("text_is_read_behind_a_pattern", "TRY_CAST(symbol AS DOUBLE)", "behind no pattern",
         "CASE WHEN REGEXP_MATCHES(symbol, '^[+-]?[0-9]+([.][0-9]+)?$') THEN TRY_CAST(symbol AS DOUBLE) END"),
    Case("text_is_read_behind_a_pattern",
         "CASE WHEN REGEXP_MATCHES(underlying, '^-?[0-9]{1,18}$') THEN TRY_CAST(symbol AS BIGINT) END", "no pattern",
         "CASE WHEN REGEXP_MATCHES(symbol, '^-?[0-9]{1,18}$') AND is_trade THEN TRY_CAST(symbol AS BIGINT) END"),
    Case("text_is_read_behind_a_pattern",
         "CASE WHEN REGEXP_MATCHES(symbol, '^[0-9]+$') THEN TRY_CAST(symbol AS DATE) END",
         "no pattern",
         "CASE WHEN COALESCE(REGEXP_MATCHES(symbol, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'), FALSE) "
         "THEN TRY_CAST(symbol AS DATE) END"),
    Case("text_is_read_behind_a_pattern",
         "CASE WHEN REGEXP_MATCHES(symbol, '^-?[0-9]{1,18}$') OR is_trade THEN TRY_CAST(symbol AS BIGINT) END",
         "no pattern", "CASE WHEN REGEXP_MATCHES(symbol, '^-?[0-9]{1,18}$') THEN TRY_CAST(symbol AS BIGINT) + 1 END"),
    Case("casts_name_contract_types", "CAST(sequence AS DECIMAL(18, 2))", "cast to DECIMAL(18, 2):",
         "CAST(sequence AS DOUBLE)"),
    Case("casts_name_contract_types", "CAST(ts AS TIMESTAMP)", "cast to TIMESTAMP:", "CAST(ts AS TIMESTAMPTZ)"),
    Case("fractions_are_doubles", "price * 1.0", "1.0e0", "price * 1.0e0"),
    Case("fractions_are_doubles", "price > .5", "exponent", "price > 5e-1"),
    Case("text_is_cut_from_one", "SUBSTR(symbol, 0, 3)", "start from 1", "SUBSTR(symbol, 1, 3)"),
    Case("text_is_cut_from_one", "SUBSTR(symbol, size, 3)", "literal", "SUBSTR(symbol, 7)"),
    Case("separators_are_literal", "CONCAT_WS(symbol, underlying)", "literal separator",
         "CONCAT_WS(',', symbol, underlying)"),
    Case("units_are_proven", "DATE_TRUNC('week', ts)", "WEEK", "DATE_TRUNC('minute', ts)"),
    Case("units_are_proven", "EXTRACT(DOW FROM ts)", "DOW", "EXTRACT(HOUR FROM ts)"),
    Case("units_are_proven", "DATE_DIFF('month', trading_date, expiration)", "MONTH",
         "DATE_DIFF('day', trading_date, expiration)"),
    Case("lags_step_by_a_literal", "LAG(price, size) OVER (ORDER BY sequence)", "literal number",
         "LAG(price, 5) OVER (ORDER BY sequence)"),
    Case("sums_are_of_integers", "SUM(price)", "SUM over DOUBLE", "SUM(CAST(ROUND(price * 1e6) AS BIGINT)) / 1e6"),
    Case("sums_are_of_integers", "SUM(price * size) OVER (PARTITION BY symbol ORDER BY sequence)", "SUM over DOUBLE",
         "SUM(size) OVER (PARTITION BY symbol ORDER BY sequence)"),
    Case("sums_are_of_integers", "SUM($weight)", "unknown type", "SUM(CAST($weight AS BIGINT))"),
    Case("sums_are_of_integers", "WITH c AS (SELECT price * size AS v FROM ticks) SELECT SUM(v) AS x FROM c",
         "SUM over DOUBLE", "WITH c AS (SELECT size AS v FROM ticks) SELECT SUM(v) AS x FROM c"),
    Case("casts_keep_the_bits", "CAST(price AS BIGINT)", "rounds 2.5 differently", "CAST(ROUND(price) AS BIGINT)"),
    Case("casts_keep_the_bits", "CAST(price AS VARCHAR)", "DOUBLE to VARCHAR", "CAST(sequence AS VARCHAR)"),
    Case("casts_keep_the_bits", "CAST(symbol AS TIMESTAMPTZ)", "no timestamps from text",
         "CAST(expiration AS TIMESTAMPTZ)"),
    Case("casts_keep_the_bits", "TIMESTAMPTZ '2026-11-20 14:30:00+00'", "no timestamps from text", "DATE '2026-11-20'"),
    Case("casts_keep_the_bits", "DATE '2026-1-2'", "behind a pattern", "DATE '2026-01-02'"),
    Case("casts_keep_the_bits", "CAST(symbol AS DOUBLE)", "behind a pattern", "CAST($threshold AS DOUBLE)"),
    Case("casts_keep_the_bits", "CAST(ts AS DATE)", "trading date is a column", "CAST(trading_date AS VARCHAR)"),
    Case("times_move_only_by_intervals", "expiration - trading_date", "DATE_DIFF",
         "DATE_DIFF('day', trading_date, expiration)"),
    Case("times_move_only_by_intervals", "trading_date + 1", "DATE_DIFF", "sequence + 1"),
    Case("times_move_only_by_intervals", "ts - ts", "EPOCH_US", "EPOCH_US(ts) - EPOCH_US(ts)"),
    Case("times_move_only_by_intervals", "symbol + 1", "VARCHAR", "price - size"),
    Case("arguments_have_their_type", "MOD(price, 2)", "DOUBLE where integer", "MOD(sequence, 2)"),
    Case("arguments_have_their_type", "DATE_TRUNC('day', trading_date)", "DATE where time", "DATE_TRUNC('day', ts)"),
    Case("arguments_have_their_type", "symbol || sequence", "BIGINT where text", "symbol || underlying"),
    Case("arguments_have_their_type", "CONCAT_WS(',', symbol, price)", "DOUBLE where text",
         "CONCAT_WS(',', symbol, CASE WHEN is_trade THEN 'T' END, NULL)"),
    Case("arguments_have_their_type", "DATE_DIFF('day', ts, ts)", "TIMESTAMPTZ where date",
         "DATE_DIFF('day', expiration, expiration)"),
    Case("arguments_have_their_type", "EPOCH_US(trading_date)", "DATE where time",
         "MAKE_TIMESTAMPTZ(EPOCH_US(ts) + 1)"),
    Case("arguments_have_their_type", "CAST(ROUND(sequence) AS BIGINT)", "BIGINT where double",
         "CAST(ROUND(bid) AS BIGINT)"),
    Case("arguments_have_their_type", "is_trade AND size", "INT where boolean", "is_trade AND size > 0"),
    Case("arguments_have_their_type", "EXTRACT(HOUR FROM sequence)", "BIGINT where time",
         "EXTRACT(DAY FROM expiration)"),
    Case("compared_types_agree", "symbol = 5", "integer and text", "symbol = '5'"),
    Case("compared_types_agree", "trading_date = '2026-11-20'", "date and text", "trading_date = DATE '2026-11-20'"),
    Case("compared_types_agree", "sequence IN ('1', '2')", "integer and text", "sequence IN (1, 2)"),
    Case("compared_types_agree", "COALESCE(price, 'none')", "double and text", "COALESCE(price, 0)"),
    Case("compared_types_agree", "CASE WHEN is_trade THEN symbol ELSE 0 END", "integer and text",
         "CASE WHEN is_trade THEN symbol ELSE NULL END"),
    Case("range_frames_count_integers", "SUM(size) OVER (ORDER BY price RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)",
         "one integer", "SUM(size) OVER (ORDER BY sequence RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)"),
    Case("range_frames_count_integers",
         "SUM(size) OVER (ORDER BY sequence, size RANGE BETWEEN 5 PRECEDING AND CURRENT ROW)", "one integer",
         "SUM(size) OVER (ORDER BY sequence, size RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"),
]  # fmt: skip


def whole(text: str) -> str:
    """A SELECT over `ticks` of one expression; a text that is a SELECT stays."""
    return text if text.startswith(("SELECT", "WITH")) else f"SELECT\n{text} AS x\nFROM ticks"


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}: {case.refused[:60]}" for case in CASES])
def test_a_rule_refuses_one_text_and_accepts_its_repair(case: Case) -> None:
    found = violations("table", whole(case.refused), INPUTS, MACROS)
    assert any(case.reason in violation.reason for violation in found), found
    assert violations("table", whole(case.accepted), INPUTS, MACROS) == ()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}: {case.refused[:60]}" for case in CASES])
def test_no_other_rule_gives_the_reason(case: Case) -> None:
    """Removing a rule loses its reason, so that the test above fails without it."""
    others = tuple(rule for rule in RULES if rule.name != case.rule)
    assert len(others) == len(RULES) - 1, f"there is no rule {case.rule}"
    found = violations("table", whole(case.refused), INPUTS, MACROS, others)
    assert not any(case.reason in violation.reason for violation in found), found


def test_every_rule_has_a_case() -> None:
    assert {rule.name for rule in RULES} == {case.rule for case in CASES}


OUTSIDE = {
    "sequence // 2": "`//` truncates",
    "FIRST(price)": "FIRST depends",
    "ANY_VALUE(price)": "ANY_VALUE depends",
    "MEDIAN(price)": "MEDIAN",
    "QUANTILE_CONT(price, 0.5)": "QUANTILE",
    "QUANTILE_DISC(price, 5e-1)": "QUANTILE",
    "LAST_VALUE(price IGNORE NULLS) OVER (ORDER BY sequence)": "IGNORE NULLS",
    "LAST_VALUE(price) OVER (ORDER BY sequence)": "LAST_VALUE",
    "time_bucket(INTERVAL 5 MINUTE, ts)": "time_bucket",
    "strftime(ts, '%Y')": "strftime",
    "now()": "now is not repeatable",
    "CURRENT_TIMESTAMP": "now is not repeatable",
    "CURRENT_DATE": "now is not repeatable",
    "today()": "not repeatable",
    "random()": "random",
    "hash(symbol)": "HASH",
    "md5(symbol)": "MD5",
    "[1, 2]": "lists",
    "LIST(price)": "lists",
    "LIST(price)[1]": "lists",
    "ARRAY_AGG(price)": "lists",
    "{'a': 1}": "structs",
    "list_transform([1], lambda v : v + 1)": "lambdas",
    "UNNEST([1, 2])": "UNNEST",
    "AVG(size)": "AVG: sum fixed-point",
    "STDDEV(price)": "STDDEV",
    "STDDEV_POP(price)": "STDDEV",
    "VAR_SAMP(price)": "VARIANCE",
    "GREATEST(price, bid)": "GREATEST",
    "LEAST(price, bid)": "LEAST",
    "UPPER(symbol)": "UPPER",
    "TRIM(symbol)": "TRIM",
    "CONCAT(symbol, 'x')": "CONCAT is not in",
    "COUNT(*) FILTER (WHERE is_trade)": "FILTER",
    "EXISTS (SELECT 1 FROM quotes)": "EXISTS",
    "dayofweek(ts)": "day of the week",
    "symbol ILIKE 'a%'": "ILIKE",
    "price ** 2": "POWER",
    "price ^ 2": "POWER",
    "size & 1": "not in the proven subset",
    "symbol SIMILAR TO 'a'": "not in the proven subset",
    "EPOCH_MS(ts)": "not in the proven subset",
    "EPOCH_US(ts, 1)": "takes 1 argument",
    "STRING_AGG(symbol, ',')": "not in the proven subset",
    "my_function(price)": "MY_FUNCTION is not in the proven subset, nor a macro",
    "SELECT price FROM ticks LIMIT 5": "LIMIT",
    "SELECT price FROM ticks OFFSET 5": "OFFSET",
    "SELECT price FROM ticks QUALIFY ROW_NUMBER() OVER (ORDER BY sequence) = 1": "QUALIFY",
    "SELECT symbol FROM ticks TABLESAMPLE 10%": "TABLESAMPLE",
    "SELECT COLUMNS('p.*') FROM ticks": "COLUMNS",
    "SELECT x FROM (VALUES (1)) AS v(x)": "VALUES",
    "SELECT * FROM (PIVOT ticks ON symbol USING SUM(size))": "PIVOT",
    "SELECT price FROM ticks EXCEPT SELECT mid FROM quotes": "EXCEPT",
    "SELECT symbol, COUNT(*) AS n FROM ticks GROUP BY CUBE (symbol)": "CUBE",
    "SELECT #1 AS x FROM ticks": "not in the proven subset",
    "SELECT t.price FROM ticks AS t, LATERAL (SELECT 1 AS a) AS l": "LATERAL",
    "SELECT a FROM read_parquet('x.parquet')": "not in the proven subset",
}


@pytest.mark.parametrize("text", OUTSIDE)
def test_what_is_not_listed_is_refused(text: str) -> None:
    found = violations("table", whole(text), INPUTS, "")
    assert any(OUTSIDE[text] in violation.reason for violation in found), found


REFUSED_WHOLE = {
    "SELECT price FROM trades": "reads trades, which is not declared (declared: quotes, ticks)",
    "SELECT price FROM 'x.parquet'": "reads x.parquet, which is not declared",
    "SELECT cost FROM ticks": "'cost' could not be resolved",
    "SELECT price AS p, p + 1 AS q FROM ticks": "alias of the same SELECT",
    "SELECT symbol AS s, COUNT(*) AS n FROM ticks GROUP BY s": "alias of the same SELECT",
    "DROP TABLE ticks": "a transform is one SELECT",
    "SELECT price FROM ticks; SELECT price FROM ticks": "one statement, found 2",
    "SELECT price FROM": "not SQL",
    "SELECT 'open FROM ticks": "not SQL",
    "": "found 0",
    "SELECT": "no column",
}


@pytest.mark.parametrize("text", REFUSED_WHOLE)
def test_a_text_that_reads_what_is_not_there_is_refused(text: str) -> None:
    found = violations("table", text, INPUTS, "")
    assert any(REFUSED_WHOLE[text] in violation.reason for violation in found), found


def test_a_cte_hides_no_table() -> None:
    text = "WITH trades AS (SELECT price FROM trades) SELECT price FROM trades"
    assert "reads trades" in violations("table", text, INPUTS, "")[0].reason


LONG_TEXT = """-- grain: one symbol
WITH priced AS (
    SELECT symbol, price, size
    FROM ticks
    WHERE NOT REGEXP_MATCHES(symbol, '^X')
)
SELECT
    symbol,
    SUM(size) AS size,
    MEDIAN(price) AS price,
    MAX(price)
        / MIN(price) AS spread
FROM priced
GROUP BY symbol
"""


def test_every_violation_names_table_line_and_reason() -> None:
    with pytest.raises(NotPortable) as refused:
        check("gold_prices", LONG_TEXT, INPUTS, "")
    assert [violation.line for violation in refused.value.violations] == [5, 10, 11]
    assert "gold_prices.sql, line 10: MEDIAN differs between engines" in str(refused.value)
    assert str(refused.value).count("\n") == 3


def test_types_are_looked_at_once_the_syntax_is_portable() -> None:
    text = "SELECT\n  symbol,\n  SUM(price) AS price\nFROM ticks\nGROUP BY symbol"
    assert violations("t", text, INPUTS, "") == (
        Violation("t", 3, "SUM over DOUBLE: sum fixed-point BIGINT, divide last"),
    )


def test_a_violation_inside_a_macro_carries_the_line_of_the_call() -> None:
    macros = "\n\n\nCREATE MACRO middle(x) AS MEDIAN(x);"
    found = violations("t", "SELECT\n  symbol,\n  middle(price) AS m\nFROM ticks GROUP BY symbol", INPUTS, macros)
    assert found == (Violation("t", 3, "MEDIAN differs between engines"),)


def test_a_broken_macro_is_a_violation() -> None:
    (found,) = violations("t", "SELECT price FROM ticks", INPUTS, "CREATE MACRO f(a) AS b")
    assert "names b, which is no parameter" in found.reason


def test_a_long_text_is_checked_in_a_tenth_of_a_second() -> None:
    columns = ",\n".join(
        f"CASE WHEN price > {n} THEN CAST(ROUND(price * 1e6) AS BIGINT) END AS c{n}" for n in range(50)
    )
    text = f"WITH a AS (SELECT *, {columns} FROM ticks), b AS (SELECT * FROM a), c AS (SELECT * FROM b) SELECT * FROM c"
    assert violations("t", text, INPUTS, MACROS) == ()
    started = time.process_time()
    violations("t", text, INPUTS, MACROS)
    assert time.process_time() - started < 0.5
