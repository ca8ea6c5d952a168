"""Every rule of the portable subset, by a text that it refuses and one that it accepts."""

import pytest

from lakehouse_assets.transforms.portable import RULES, NotPortable, Violation, check, violations
from lakehouse_assets_tests.transforms.market import INPUTS
from lakehouse_assets_tests.transforms.portable_cases import CASES, MACROS, Case


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


def test_a_long_text_passes() -> None:
    columns = ",\n".join(
        f"CASE WHEN price > {n} THEN CAST(ROUND(price * 1e6) AS BIGINT) END AS c{n}" for n in range(50)
    )
    text = f"WITH a AS (SELECT *, {columns} FROM ticks), b AS (SELECT * FROM a), c AS (SELECT * FROM b) SELECT * FROM c"
    assert violations("t", text, INPUTS, MACROS) == ()
