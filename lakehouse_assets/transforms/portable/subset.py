"""The lists: which syntax nodes, clauses and functions a transform may use, and what to write instead of others.

Belongs here: names, SQLGlot's class names where nothing else is said. Does not: judging (`syntax`, `functions`).
What is not listed is refused: a new name enters with a test that shows equal bits on DuckDB, Spark and Trino.
"""

from collections.abc import Mapping
from typing import Final

from lakehouse_assets.transforms.called import CALLED

STRUCTURE: Final = (
    "Select From Join Table TableAlias Subquery With CTE Where Group Having Ordered Order Window WindowSpec Union "
    "Alias Column Identifier Star Literal Null Boolean Paren DataType Placeholder Interval Var Distinct"
)
OPERATORS: Final = (
    "Add Sub Mul Div Mod Neg EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ And Or Not Is In Between Like DPipe "
    "Case If Cast TryCast"
)
FUNCTIONS: Final = (
    "Count Sum Min Max ArgMax ArgMin Coalesce Nullif Abs Sqrt Ln Exp Round Floor Ceil RegexpLike RegexpExtract "
    "ConcatWs Length Substring TimestampTrunc Extract Hour DateDiff Lag Lead RowNumber"
)
ALLOWED: Final = frozenset(f"{STRUCTURE} {OPERATORS} {FUNCTIONS}".split())
"""Class names of the syntax nodes of the subset."""

ALLOWED_BY_NAME: Final[Mapping[str, int]] = {
    "epoch_us": 1,
    "make_timestamptz": 1,
    **{name: len(one.arguments) for name, one in CALLED.items()},
}
"""Allowed functions that SQLGlot has no node for, with the number of their arguments; `dialects` writes them."""

INSTEAD_BY_NAME: Final[Mapping[str, str]] = {
    "now": "now is not repeatable; take the time as a $parameter",
    "hash": "HASH differs between engines",
}
"""What to write instead of some functions that SQLGlot has no node for."""

INSTEAD: Final[Mapping[str, str]] = {
    "IntDiv": "`//` truncates differently; write CAST(FLOOR(a / NULLIF(b, 0)) AS BIGINT)",
    "Qualify": "QUALIFY: number the rows in a CTE and filter in the next",
    "Limit": "LIMIT has no meaning in a table",
    "Offset": "OFFSET has no meaning in a table",
    "Pivot": "PIVOT: write SUM(CASE WHEN .. THEN .. END)",
    "Explode": "UNNEST: lists do not travel",
    "Unnest": "UNNEST: lists do not travel",
    "TableSample": "TABLESAMPLE is not repeatable",
    "First": "FIRST depends on the order of reading; write ARG_MIN with an order key",
    "Last": "LAST depends on the order of reading; write ARG_MAX with an order key",
    "AnyValue": "ANY_VALUE depends on the order of reading; write MIN or MAX",
    "Median": "MEDIAN differs between engines",
    "Quantile": "QUANTILE differs between engines",
    "PercentileCont": "QUANTILE differs between engines",
    "PercentileDisc": "QUANTILE differs between engines",
    "ApproxQuantile": "QUANTILE differs between engines",
    "IgnoreNulls": "IGNORE NULLS: carry the value by MAX within a running COUNT",
    "RespectNulls": "RESPECT NULLS is not in the subset",
    "Array": "lists do not travel",
    "List": "lists do not travel",
    "ArrayAgg": "lists do not travel",
    "Bracket": "lists and structs do not travel",
    "Slice": "lists do not travel",
    "Struct": "structs do not travel",
    "Dot": "structs do not travel",
    "Lambda": "lambdas do not travel",
    "Avg": "AVG: sum fixed-point BIGINT, divide last",
    "Stddev": "STDDEV: sum fixed-point BIGINT and their squares, divide last",
    "StddevSamp": "STDDEV: sum fixed-point BIGINT and their squares, divide last",
    "StddevPop": "STDDEV: sum fixed-point BIGINT and their squares, divide last",
    "Variance": "VARIANCE: sum fixed-point BIGINT and their squares, divide last",
    "VariancePop": "VARIANCE: sum fixed-point BIGINT and their squares, divide last",
    "Greatest": "GREATEST treats null differently; write CASE",
    "Least": "LEAST treats null differently; write CASE",
    "Upper": "UPPER of non-ASCII differs between engines; normalise where the feed is read",
    "Lower": "LOWER of non-ASCII differs between engines; normalise where the feed is read",
    "Trim": "TRIM removes other characters on other engines",
    "Filter": "FILTER: write the condition as CASE WHEN .. THEN .. END inside the aggregate",
    "Exists": "EXISTS is not in the subset; write a LEFT JOIN",
    "CurrentTimestamp": "now is not repeatable; take the time as a $parameter",
    "CurrentDate": "now is not repeatable; take the date as a $parameter",
    "Rand": "random is not repeatable",
    "TimeToStr": "strftime differs between engines",
    "DateBin": "time_bucket differs between engines; write DATE_TRUNC or arithmetic on EPOCH_US",
    "DayOfWeek": "the day of the week is numbered differently; count days from a known Monday with DATE_DIFF",
    "Lateral": "LATERAL is not in the subset",
    "Columns": "COLUMNS(..) is DuckDB's alone",
    "ILike": "ILIKE: non-ASCII letters differ; write REGEXP_MATCHES with both cases",
    "Pow": "POWER differs in the last bit; write the product or the number",
}
"""What to write instead of some nodes that are not allowed."""

CLAUSES: Final[Mapping[str, str]] = {
    "Select": "with_ expressions from_ joins where group having distinct windows",
    "Union": "with_ this expression distinct",
    "Join": "this on using side kind method",
    "Group": "expressions",
    "Distinct": "",
    "Star": "",
    "Table": "this alias",
    "TableAlias": "this columns",
    "Subquery": "this alias",
    "With": "expressions",
    "CTE": "this alias",
    "Window": "this partition_by order spec alias over",
    "WindowSpec": "kind start start_side end end_side",
    "Order": "expressions",
    "Ordered": "this desc nulls_first",
    "Column": "this table",
    "Count": "this big_int",
    "Sum": "this",
    "Min": "this",
    "Max": "this",
    "ArgMax": "this expression",
    "ArgMin": "this expression",
    "Lag": "this offset",
    "Lead": "this offset",
    "In": "this expressions",
    "Like": "this expression negate",
    "Cast": "this to",
    "TryCast": "this to safe",
    "Round": "this",
    "Floor": "this",
    "Ceil": "this",
    "RegexpLike": "this expression",
    "Length": "this",
    "Ln": "this",
}
"""The parts a node may have; anything else that it carries is refused."""

CLAUSE_NAMES: Final[Mapping[tuple[str, str], str]] = {
    ("Distinct", "on"): "DISTINCT ON: number the rows in a CTE and filter in the next",
    ("Distinct", "expressions"): "COUNT(DISTINCT ..) and its kin: count the rows of a grouped CTE",
    ("Group", "all"): "GROUP BY ALL: name the columns",
    ("Star", "except_"): "star EXCLUDE: name the columns",
    ("Star", "replace"): "star REPLACE: name the columns",
    ("Star", "rename"): "star RENAME: name the columns",
    ("Select", "order"): "ORDER BY outside a window has no meaning in a table (the contract's sort lays rows out)",
    ("Union", "order"): "ORDER BY outside a window has no meaning in a table (the contract's sort lays rows out)",
    ("Union", "by_name"): "UNION BY NAME: name the columns in order",
    ("With", "recursive"): "WITH RECURSIVE is not in the subset",
    ("Table", "db"): "a table is named by its bare name",
    ("In", "query"): "IN (SELECT ..) is not in the subset; write a LEFT JOIN",
    ("Column", "db"): "structs do not travel",
    ("Round", "decimals"): "ROUND to decimals differs in the last bit; round the scaled number to BIGINT, divide last",
}
