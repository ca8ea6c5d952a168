"""A checked text, written for the engine that runs it.

Belongs here: what SQLGlot does not write rightly by itself for Spark and Trino: microseconds, the precision of times,
the end of the text in a pattern.
Does not: the check (`portable`; only a checked text may be written), binding parameters, nor running anything.
"""

import re
from typing import TYPE_CHECKING, Final, Literal

from lakehouse_assets.transforms.called import functions_named
from lakehouse_assets.transforms.text import macros_text
from lakehouse_assets.transforms.tree import parsed

if TYPE_CHECKING:
    from sqlglot import exp

Engine = Literal["duckdb", "spark", "trino"]

_ENDS: Final = re.compile(r"(\[[^\]]*\])|\$")
"""A character class, or the end of the text outside of one."""

SPARK_NAMES: Final = {"epoch_us": "UNIX_MICROS", "make_timestamptz": "TIMESTAMP_MICROS"}

TRINO_FORMS: Final = {
    # TO_UNIXTIME(ts) * 1e6 is inexact after 2038: whole seconds and the rounded rest apart
    "epoch_us": "CAST(TO_UNIXTIME(DATE_TRUNC('SECOND', x)) AS BIGINT) * 1000000"
    " + CAST(ROUND((TO_UNIXTIME(x) - TO_UNIXTIME(DATE_TRUNC('SECOND', x))) * 1e6) AS BIGINT)",
    "make_timestamptz": "CAST(FROM_UNIXTIME_NANOS((x) * 1000) AS TIMESTAMP(6) WITH TIME ZONE)",
}
"""Forms over `x`, the argument."""


def written_for(engine: Engine, sql: str, macros: str | None = None) -> str:
    """The text for one engine, macros expanded; parameters stay named placeholders.

    Args:
        engine: who runs it.
        sql: one SELECT in the portable subset.
        macros: text of the macros it calls; `macros.sql` where None.

    A function of `called` keeps its name: Spark knows it once it is registered there.

    Raises:
        sqlglot.errors.UnsupportedError: the engine has no form of something; Trino, for one, calls no Python.
    """
    from sqlglot.errors import ErrorLevel, UnsupportedError

    tree = parsed(sql, macros_text() if macros is None else macros)
    if engine == "trino" and (names := functions_named(tree.sql("duckdb"))):
        raise UnsupportedError(f"Trino cannot call {', '.join(names)}: compute this table on DuckDB or Spark")
    if engine == "spark":
        tree = tree.transform(_spark)
    if engine == "trino":
        tree = tree.transform(_trino_function).transform(_trino_type)
    if engine != "duckdb":
        tree = tree.transform(_whole_text)
    return tree.sql(engine, pretty=True, unsupported_level=ErrorLevel.RAISE)


def _spark(node: "exp.Expr") -> "exp.Expr":
    from sqlglot import exp

    if isinstance(node, exp.Anonymous) and node.name.lower() in SPARK_NAMES:
        arguments = [argument.transform(_spark) for argument in node.expressions]
        return exp.Anonymous(this=SPARK_NAMES[node.name.lower()], expressions=arguments)
    return node


def _trino_function(node: "exp.Expr") -> "exp.Expr":
    import sqlglot
    from sqlglot import exp

    form = TRINO_FORMS.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
    if form is None:
        return node
    argument = node.expressions[0].transform(_trino_function)

    def with_argument(part: "exp.Expr") -> "exp.Expr":
        return argument.copy() if isinstance(part, exp.Column) else part

    return exp.Paren(this=sqlglot.parse_one(form, read="trino").transform(with_argument))


def _trino_type(node: "exp.Expr") -> "exp.Expr":
    """TIMESTAMP WITH TIME ZONE keeps microseconds only where it says (6)."""
    from sqlglot import exp

    if isinstance(node, exp.DataType) and node.this == exp.DType.TIMESTAMPTZ and not node.expressions:
        return exp.DataType.build("TIMESTAMP(6) WITH TIME ZONE", dialect="trino")
    return node


def _whole_text(node: "exp.Expr") -> "exp.Expr":
    """`$` as DuckDB means it, the end of the text: elsewhere it also matches before a last line feed."""
    from sqlglot import exp

    if isinstance(node, exp.RegexpLike | exp.RegexpExtract):
        pattern = _ENDS.sub(lambda found: found[1] or r"\z", node.expression.name)
        node.set("expression", exp.Literal.string(pattern))
    return node
