"""A checked text, written for the engine that runs it.

Belongs here: what SQLGlot does not write rightly by itself for Spark and Trino: microseconds, the precision of times,
the end of the text in a pattern.
Does not: the check (`portable`; only a checked text may be written), binding parameters, nor running anything.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from lakehouse_assets.transforms.called import functions_named
from lakehouse_assets.transforms.text import macros_text
from lakehouse_assets.transforms.tree import parsed

if TYPE_CHECKING:
    from sqlglot import exp

Engine = Literal["duckdb", "spark", "trino"]

_ENDS: Final = re.compile(r"(\[[^\]]*\])|\$")
"""A character class, or the end of the text outside of one."""

_FINITE: Final = "(x) >= -1.7976931348623157e308 AND (x) <= 1.7976931348623157e308"

FORMS: Final[Mapping[Engine, Mapping[str, str]]] = {
    "duckdb": {},
    "spark": {
        "epoch_us": "UNIX_MICROS(x)",
        "make_timestamptz": "TIMESTAMP_MICROS(x)",
        "isfinite": _FINITE,
        "signbit": "CAST(x AS STRING) LIKE '-%'",
    },
    "trino": {
        # TO_UNIXTIME(ts) * 1e6 is inexact after 2038: whole seconds and the rounded rest apart
        "epoch_us": "CAST(TO_UNIXTIME(DATE_TRUNC('SECOND', x)) AS BIGINT) * 1000000"
        " + CAST(ROUND((TO_UNIXTIME(x) - TO_UNIXTIME(DATE_TRUNC('SECOND', x))) * 1e6) AS BIGINT)",
        "make_timestamptz": "CAST(FROM_UNIXTIME_NANOS((x) * 1000) AS TIMESTAMP(6) WITH TIME ZONE)",
        "isfinite": _FINITE,
        "signbit": "CAST(x AS VARCHAR) LIKE '-%'",
    },
}
"""Each engine's own form over `x`, the argument."""


def written_for(engine: Engine, sql: str, macros: str | None = None, values: Mapping[str, object] | None = None) -> str:
    """The text for one engine, macros expanded; parameters stay named placeholders where no value is given.

    Args:
        engine: who runs it.
        sql: one SELECT in the portable subset.
        macros: text of the macros it calls; `macros.sql` where None.
        values: what parameters are bound to, as typed literals.

    A function of `called` keeps its name: Spark knows it once it is registered there.

    Raises:
        sqlglot.errors.UnsupportedError: the engine has no form of something; Trino, for one, calls no Python.
    """
    from sqlglot.errors import ErrorLevel, UnsupportedError

    tree = parsed(sql, macros_text() if macros is None else macros)
    if engine == "trino" and (names := functions_named(tree.sql("duckdb"))):
        raise UnsupportedError(f"Trino cannot call {', '.join(names)}: compute this table on DuckDB or Spark")
    tree = tree.transform(_bound, values or {})
    if engine != "duckdb":
        tree = tree.transform(_formed, engine).transform(_whole_text)
    if engine == "spark":
        _name_apart(tree)
    if engine == "trino":
        tree = tree.transform(_trino_type)
    return tree.sql(engine, pretty=True, unsupported_level=ErrorLevel.RAISE)


def _bound(node: "exp.Expr", values: Mapping[str, object]) -> "exp.Expr":
    """A literal in the place of a parameter that has a value."""
    from sqlglot import exp

    if not isinstance(node, exp.Placeholder | exp.Parameter) or node.name not in values:
        return node
    value = values[node.name]
    if isinstance(value, float):
        return exp.cast(exp.Literal.string(repr(value)), "DOUBLE")
    return exp.convert(value)


def _formed(node: "exp.Expr", engine: Engine) -> "exp.Expr":
    """The engine's own form of a function that SQLGlot does not know."""
    import sqlglot
    from sqlglot import exp

    form = FORMS[engine].get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
    if form is None:
        return node
    argument = node.expressions[0].transform(_formed, engine)

    def with_argument(part: "exp.Expr") -> "exp.Expr":
        return argument.copy() if isinstance(part, exp.Column) else part

    body = sqlglot.parse_one(form, read=engine).transform(with_argument)
    is_call = isinstance(body, exp.Func) and not isinstance(body, exp.Cast | exp.Binary | exp.Connector)
    return body if is_call else exp.Paren(this=body)


def _name_apart(tree: "exp.Expr") -> None:
    """Number the CTEs within subqueries: SQLGlot moves them to the top for Spark, where two of a name would meet."""
    from sqlglot import exp

    nested = [found for found in tree.find_all(exp.With) if found.parent is not tree]
    for number, within in enumerate(reversed(nested), start=1):  # innermost first: a name means the nearest CTE
        for position, cte in enumerate(within.expressions):
            name = cte.alias
            for table in _tables_after(within, position):
                if table.name == name and not table.db:
                    table.set("alias", table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name)))
                    table.set("this", exp.to_identifier(f"{name}_{number}"))
            cte.set("alias", exp.TableAlias(this=exp.to_identifier(f"{name}_{number}")))


def _tables_after(within: "exp.With", position: int) -> "list[exp.Table]":
    """Where the name of a CTE means it: in those after it and in the query, not in its own text or those before."""
    from sqlglot import exp

    before = {id(table) for cte in within.expressions[: position + 1] for table in cte.find_all(exp.Table)}
    return [table for table in within.parent.find_all(exp.Table) if id(table) not in before] if within.parent else []


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
