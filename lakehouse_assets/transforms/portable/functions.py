"""What is asked of single functions and operators, whatever the types.

Belongs here: rules that need no types. Does not: which functions there are (`subset`), nor types (`bits`).
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lakehouse_assets.transforms.portable.violation import (
    Rule,
    bare,
    conditions_over,
    holder,
    is_number,
    spelled,
    spelled_type,
)

if TYPE_CHECKING:
    from sqlglot import exp

NUMBER: Final = "^[+-]?[0-9]+([.][0-9]+)?$"
INTEGER: Final = "^-?[0-9]{1,18}$"
DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "DOUBLE": (NUMBER, INTEGER),
    "BIGINT": (INTEGER,),
    "DATE": (DATE,),
}
"""The patterns behind which a text may be read as a type: what every engine reads alike."""

TARGETS: Final = ("VARCHAR", "BIGINT", "INT", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMPTZ")
"""Types to cast to: those of the contracts."""

NULL_FIRST: Final = "NOT of a pattern is null where the text is null: NOT COALESCE(REGEXP_MATCHES(..), FALSE)"

TRUNCATIONS: Final[tuple[str, ...]] = ("SECOND", "MINUTE", "HOUR", "DAY")
FIELDS: Final[tuple[str, ...]] = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE")


def divisors_are_never_zero(node: "exp.Expr") -> str | None:
    """A divisor that is neither a literal nor NULLIF(x, 0)."""
    from sqlglot import exp

    divisor = bare(node.expression)
    if is_number(divisor):
        return "division by the literal 0" if _zero(divisor) else None
    if isinstance(divisor, exp.Nullif) and is_number(divisor.expression) and _zero(bare(divisor.expression)):
        return None
    return f"divisor {node.expression.sql('duckdb')} is neither a literal nor NULLIF(x, 0)"


def _zero(node: "exp.Expr | None") -> bool:
    return node is not None and float(node.sql()) == 0


def arg_max_skips_null(node: "exp.Expr") -> str | None:
    """ARG_MAX(x, key) whose key is not null where x is: DuckDB skips a null x, Spark and Trino return it."""
    from sqlglot import exp

    key = bare(node.expression)
    wanted = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    branches = key.args["ifs"] if isinstance(key, exp.Case) and key.this is None else []
    if len(branches) == 1 and key is not None and not key.args.get("default") and bare(branches[0].this) == wanted:
        return None
    x = node.this.sql("duckdb")
    return f"{spelled(node)}: the key must be CASE WHEN {x} IS NOT NULL THEN <key> END (engines differ on a null {x})"


def logarithms_go_to_a_fixed_point(node: "exp.Expr") -> str | None:
    """LN and EXP other than in CAST(ROUND(LN(x) * 1e12) AS BIGINT) / 1e12."""
    from sqlglot import exp

    scaled = holder(node)
    rounded = holder(scaled) if isinstance(scaled, exp.Mul) and _scale(scaled, node) else None
    cast = holder(rounded) if isinstance(rounded, exp.Round) else None
    divided = holder(cast) if isinstance(cast, exp.Cast) and cast.to.sql("duckdb") == "BIGINT" else None
    if isinstance(divided, exp.Div) and bare(divided.left) is cast and is_number(divided.right):
        return None
    name = spelled(node)
    return f"{name} differs in the last bit: CAST(ROUND({name}(x) * 1e12) AS BIGINT) / 1e12, or the macro for it"


def _scale(product: "exp.Expr", node: "exp.Expr") -> bool:
    other = product.expression if bare(product.this) is node else product.this
    return is_number(other)


def roots_and_logarithms_are_guarded(node: "exp.Expr") -> str | None:
    """SQRT or LN whose argument may be negative: no CASE around or inside it."""
    from sqlglot import exp

    argument = bare(node.this)
    if is_number(argument) or isinstance(argument, exp.Abs | exp.Case):
        return None
    columns = {column.sql() for column in node.this.find_all(exp.Column)}
    compared = (
        term for term in conditions_over(node) if isinstance(term, exp.GT | exp.GTE | exp.LT | exp.LTE | exp.Between)
    )
    if any(columns & {column.sql() for column in term.find_all(exp.Column)} for term in compared):
        return None
    name = spelled(node)
    return f"{name}({node.this.sql('duckdb')}) is not guarded: CASE WHEN <argument> > 0 THEN {name}(..) END"


def rounding_ends_in_an_integer(node: "exp.Expr") -> str | None:
    """ROUND, FLOOR or CEIL that is not cast to BIGINT at once: it may be -0.0, and Spark's FLOOR is an integer."""
    from sqlglot import exp

    cast = holder(node)
    if isinstance(cast, exp.Cast) and not isinstance(cast, exp.TryCast) and cast.to.sql("duckdb") in ("BIGINT", "INT"):
        return None
    return f"bare {spelled(node)} may store -0.0: CAST({spelled(node)}(x) AS BIGINT)"


def patterns_are_plain(node: "exp.Expr") -> str | None:
    """A regular expression or LIKE pattern that is computed, or that engines read differently."""
    from sqlglot import exp

    pattern = node.expression
    if not isinstance(pattern, exp.Literal) or not pattern.is_string:
        return "a pattern is a literal"
    if "\\" in pattern.name:
        return "a backslash in a pattern: Spark reads it as an escape; write [.] and [0-9]"
    if isinstance(node, exp.RegexpLike | exp.RegexpExtract) and re.search(r"\(\?|[*+?}]\+|[*+?}]\?", pattern.name):
        return "a pattern without (?..), possessive or lazy repeats"
    return None


def missing_text_is_no_match(node: "exp.Expr") -> str | None:
    """NOT REGEXP_MATCHES(x, ..) without COALESCE(.., FALSE): null in, null out, and no reason code."""
    from sqlglot import exp

    if isinstance(node, exp.Like):
        return NULL_FIRST if node.args.get("negate") else None
    inner: exp.Expr | None = bare(node.this) if isinstance(node, exp.Not) else None
    if isinstance(node, exp.EQ | exp.NEQ):
        sides = (bare(node.left), bare(node.right))
        inner = next((side for side in sides if isinstance(side, exp.RegexpLike | exp.Like)), None)
    terms = inner.flatten() if isinstance(inner, exp.Connector) else (inner,)
    return NULL_FIRST if any(isinstance(bare(term), exp.RegexpLike | exp.Like) for term in terms) else None


def no_match_is_null(node: "exp.Expr") -> str | None:
    """REGEXP_EXTRACT outside NULLIF(.., ''): DuckDB and Spark give '' where nothing matches, Trino null."""
    from sqlglot import exp

    parent = holder(node)
    empty = isinstance(parent, exp.Nullif) and parent.expression == exp.Literal.string("")
    if not is_number(node.args.get("group")):
        return "REGEXP_EXTRACT takes a literal group: REGEXP_EXTRACT(x, 'pattern', 1)"
    return None if empty else "REGEXP_EXTRACT: NULLIF(REGEXP_EXTRACT(x, 'pattern', 1), '') (no match differs)"


def text_is_read_behind_a_pattern(node: "exp.Expr") -> str | None:
    """TRY_CAST that no CASE WHEN REGEXP_MATCHES(same text, known pattern) stands before."""
    from sqlglot import exp

    target = node.args["to"].sql("duckdb")
    patterns = PATTERNS.get(target)
    if patterns is None:
        return f"TRY_CAST to {target}: only DOUBLE, BIGINT and DATE are read from text"
    for term in conditions_over(node):
        test = _without_coalesce(term)
        if isinstance(test, exp.RegexpLike) and test.expression.name in patterns and bare(test.this) == bare(node.this):
            return None
    text = node.this.sql("duckdb")
    return (
        f"TRY_CAST stands behind no pattern: CASE WHEN REGEXP_MATCHES({text}, '{patterns[0]}') "
        f"THEN TRY_CAST({text} AS {target}) END"
    )


def _without_coalesce(term: "exp.Expr") -> "exp.Expr | None":
    from sqlglot import exp

    return bare(term.this) if isinstance(term, exp.Coalesce) else term


def casts_name_contract_types(node: "exp.Expr") -> str | None:
    """A cast to a type that no contract has."""
    target = spelled_type(node.args["to"].sql("duckdb"))
    return None if target in TARGETS else f"cast to {target}: columns are of {', '.join(TARGETS)}"


def fractions_are_doubles(node: "exp.Expr") -> str | None:
    """`1.0`: DuckDB, Spark and Trino read a decimal."""
    text = node.name
    if node.is_string or "." not in text or "e" in text.lower():
        return None
    return f"{text} is read as a decimal: write it with an exponent, {text}e0"


def text_is_cut_from_one(node: "exp.Expr") -> str | None:
    """SUBSTR from 0, from the end, or from a computed place."""
    from sqlglot import exp

    start, length = node.args.get("start"), node.args.get("length")
    literal = isinstance(start, exp.Literal) and start.name.isdigit() and int(start.name) >= 1
    if literal and (length is None or (isinstance(length, exp.Literal) and length.name.isdigit())):
        return None
    return "SUBSTR(x, start, length) with literal start from 1 and literal length"


def separators_are_literal(node: "exp.Expr") -> str | None:
    """CONCAT_WS whose separator may be null."""
    from sqlglot import exp

    first = node.expressions[0]
    return None if isinstance(first, exp.Literal) and first.is_string else "CONCAT_WS takes a literal separator"


def units_are_proven(node: "exp.Expr") -> str | None:
    """DATE_TRUNC, EXTRACT or DATE_DIFF in a unit that engines count differently."""
    from sqlglot import exp

    if isinstance(node, exp.Extract):
        unit, known = node.this.name.upper(), FIELDS
    elif isinstance(node, exp.TimestampTrunc):
        unit, known = node.args["unit"].name.upper(), TRUNCATIONS
    else:
        unit, known = node.args["unit"].name.upper(), ("DAY",)
    return None if unit in known else f"{spelled(node)} of {unit}: only {', '.join(known)} count alike on every engine"


def lags_step_by_a_literal(node: "exp.Expr") -> str | None:
    """LAG or LEAD by a computed number of rows."""
    offset = node.args.get("offset")
    return None if offset is None or is_number(offset) else f"{spelled(node)} steps by a literal number of rows"


RULES: Final = (
    Rule(divisors_are_never_zero, ("Div", "Mod")),
    Rule(arg_max_skips_null, ("ArgMax", "ArgMin")),
    Rule(logarithms_go_to_a_fixed_point, ("Ln", "Exp")),
    Rule(roots_and_logarithms_are_guarded, ("Ln", "Sqrt")),
    Rule(rounding_ends_in_an_integer, ("Round", "Floor", "Ceil")),
    Rule(patterns_are_plain, ("RegexpLike", "RegexpExtract", "Like")),
    Rule(missing_text_is_no_match, ("Not", "EQ", "NEQ", "Like")),
    Rule(no_match_is_null, ("RegexpExtract",)),
    Rule(text_is_read_behind_a_pattern, ("TryCast",)),
    Rule(casts_name_contract_types, ("Cast", "TryCast")),
    Rule(fractions_are_doubles, ("Literal",)),
    Rule(text_is_cut_from_one, ("Substring",)),
    Rule(separators_are_literal, ("ConcatWs",)),
    Rule(units_are_proven, ("TimestampTrunc", "Extract", "DateDiff")),
    Rule(lags_step_by_a_literal, ("Lag", "Lead")),
)
