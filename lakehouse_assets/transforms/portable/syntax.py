"""The syntax a transform may use: what has been shown to mean the same on DuckDB, Spark and Trino.

Belongs here: rules about nodes and clauses outside the lists of `subset`, about joins, windows and sources.
Does not: what is asked of a single function (`functions`), nor of types (`bits`).
"""

from typing import TYPE_CHECKING, Final

from lakehouse_assets.transforms.portable.subset import (
    ALLOWED,
    ALLOWED_BY_NAME,
    CLAUSE_NAMES,
    CLAUSES,
    INSTEAD,
    INSTEAD_BY_NAME,
)
from lakehouse_assets.transforms.portable.violation import Rule, bare, holder, spelled

if TYPE_CHECKING:
    from sqlglot import exp


def only_the_subset_is_used(node: "exp.Expr") -> str | None:
    """Any syntax node or function outside the lists of this module."""
    kind = type(node).__name__
    if kind == "Anonymous":
        return _unlisted(node.name, len(node.expressions))
    if kind in ALLOWED:
        return None
    return INSTEAD.get(kind, f"{spelled(node)} is not in the proven subset")


def _unlisted(name: str, arguments: int) -> str | None:
    expected = ALLOWED_BY_NAME.get(name.lower())
    if expected is None:
        return INSTEAD_BY_NAME.get(name.lower(), f"{name.upper()} is not in the proven subset, nor a macro")
    return (
        None
        if arguments == expected
        else f"{name.upper()} takes {expected} argument{'s' * (expected > 1)}, {arguments} given"
    )


def only_known_clauses_are_used(node: "exp.Expr") -> str | None:
    """A part of an allowed node that the list of this module does not name."""
    kind = type(node).__name__
    known = CLAUSES.get(kind)
    if known is None:
        return None
    for part, value in node.args.items():
        if value is not None and value is not False and value != [] and part not in known.split():
            return CLAUSE_NAMES.get((kind, part), f"{kind.upper()} with {part.strip('_')} is not in the proven subset")
    return None


def joins_say_on_what(node: "exp.Expr") -> str | None:
    """ASOF, POSITIONAL, NATURAL, SEMI, ANTI and comma joins."""
    if method := node.args.get("method"):
        return f"{method} JOIN is not in the subset" + ("; use the as-of macro" if method == "ASOF" else "")
    kind = str(node.args.get("kind") or "").upper()
    if kind in ("SEMI", "ANTI"):
        return f"{kind} JOIN is not in the subset; write a LEFT JOIN and look for null"
    if kind != "CROSS" and not node.args.get("on") and not node.args.get("using"):
        return "a comma join, or a JOIN without ON: write CROSS JOIN or the condition"
    return None


def ranks_and_lags_are_ordered(node: "exp.Expr") -> str | None:
    """LAG, LEAD or ROW_NUMBER without ORDER BY."""
    from sqlglot import exp

    window = node.parent
    if not isinstance(window, exp.Window):
        return f"{spelled(node)} needs OVER (.. ORDER BY ..)"
    select = node.find_ancestor(exp.Select)
    if window.args.get("alias") and select is not None:
        named = {defined.name: defined for defined in select.args.get("windows") or ()}
        window = named.get(window.alias, window)
    return None if window.args.get("order") else f"{spelled(node)} without ORDER BY depends on the order of reading"


def named_windows_are_not_extended(node: "exp.Expr") -> str | None:
    """`OVER (w ORDER BY ..)`: Spark reads only `OVER w`."""
    if not node.args.get("alias"):
        return None
    extra = [part for part in ("order", "spec", "partition_by") if node.args.get(part)]
    return "a named window is used as it is: OVER name" if extra else None


def frames_count_rows_or_range(node: "exp.Expr") -> str | None:
    """Window frames other than ROWS and RANGE, or as wide as a column says."""
    from sqlglot import exp

    kind = node.args.get("kind")
    if kind not in ("ROWS", "RANGE"):
        return f"a window frame counts ROWS or RANGE, not {kind}"
    ends = [node.args.get(side) for side in ("start", "end")]
    widths = [bare(end) for end in ends if isinstance(end, exp.Expr)]
    if not all(isinstance(width, exp.Literal | exp.Placeholder) for width in widths):
        return "a window frame is as wide as a literal or a $parameter says"
    return None


def subqueries_stand_in_from(node: "exp.Expr") -> str | None:
    """A subquery as a value."""
    from sqlglot import exp

    return None if isinstance(node.parent, exp.From | exp.Join) else "a subquery as a value: join a CTE"


def branches_stand_in_case(node: "exp.Expr") -> str | None:
    """`IF(a, b, c)` as a function."""
    from sqlglot import exp

    return None if isinstance(node.parent, exp.Case) else "IF(..): write CASE WHEN"


def is_asks_only_for_null(node: "exp.Expr") -> str | None:
    """`IS TRUE` and the like."""
    from sqlglot import exp

    return None if isinstance(bare(node.expression), exp.Null) else "IS asks only for NULL: write COALESCE(x, FALSE)"


def intervals_are_literal(node: "exp.Expr") -> str | None:
    """An interval that is computed, of another unit, or not added to or taken from a timestamp."""
    from sqlglot import exp

    unit = node.args.get("unit")
    if not isinstance(node.this, exp.Literal) or not node.this.name.isdigit() or unit is None:
        return "an interval is a literal whole number: INTERVAL 5 MINUTE; else compute on EPOCH_US"
    if unit.name.upper() not in ("SECOND", "MINUTE", "HOUR", "DAY"):
        return f"INTERVAL in {unit.name}: only SECOND, MINUTE, HOUR, DAY are proven; else compute on EPOCH_US"
    return None if isinstance(holder(node), exp.Add | exp.Sub) else "an interval is only added to or taken from a time"


def outputs_are_named_once(node: "exp.Expr") -> str | None:
    """A result without columns, a column of it without a name, or two of one name."""
    from sqlglot import exp

    if node.parent is not None or not isinstance(node, exp.Query):
        return None
    names = [select.alias_or_name.lower() for select in node.selects if not isinstance(select, exp.Star)]
    if not node.selects:
        return "the result has no column"
    if "" in names:
        return f"column {names.index('') + 1} of the result has no name"
    twice = sorted({name for name in names if names.count(name) > 1 and name != "*"})
    return f"the result names {', '.join(twice)} twice" if twice else None


RULES: Final = (
    Rule(only_known_clauses_are_used, tuple(CLAUSES)),
    Rule(joins_say_on_what, ("Join",)),
    Rule(ranks_and_lags_are_ordered, ("Lag", "Lead", "RowNumber")),
    Rule(named_windows_are_not_extended, ("Window",)),
    Rule(frames_count_rows_or_range, ("WindowSpec",)),
    Rule(subqueries_stand_in_from, ("Subquery",)),
    Rule(branches_stand_in_case, ("If",)),
    Rule(is_asks_only_for_null, ("Is",)),
    Rule(intervals_are_literal, ("Interval",)),
    Rule(outputs_are_named_once, ("Select", "Union")),
)
