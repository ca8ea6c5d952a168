"""What breaks equal bits, seen by types: sums of doubles, casts that round, dates that are counted with.

Belongs here: rules on a tree whose nodes have types (`tree.typed`). Does not: rules that need none (`functions`).
A type that cannot be told is refused where it matters: cast the parameter.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lakehouse_assets.transforms.called import CALLED
from lakehouse_assets.transforms.portable.violation import Rule, bare, spelled_type

if TYPE_CHECKING:
    from sqlglot import exp

FAMILIES: Final[Mapping[str, str]] = {
    "INT": "integer",
    "BIGINT": "integer",
    "DOUBLE": "double",
    "VARCHAR": "text",
    "TEXT": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMPTZ": "time",
    "INTERVAL": "interval",
    "NULL": "null",
}
"""Types by family; anything else is unknown."""

UNKNOWN: Final = "unknown"

CASTS: Final = frozenset(
    f"{source}>{target}"
    for source, targets in {
        "integer": ("integer", "double", "text"),
        "double": ("double", "integer"),
        "text": ("text",),
        "boolean": ("boolean", "integer"),
        "date": ("date", "text", "time"),
        "time": ("time",),
    }.items()
    for target in targets
)
"""Casts from family to family that give the same bits; double>integer only over ROUND, FLOOR or CEIL."""

CAST_REASONS: Final[Mapping[str, str]] = {
    "text>time": "no timestamps from text: engines read different forms; the feed's adapter reads them",
    "text>integer": "CAST of text: TRY_CAST behind a pattern",
    "text>double": "CAST of text: TRY_CAST behind a pattern",
    "text>date": "CAST of text: TRY_CAST behind a pattern",
    "double>text": "DOUBLE to VARCHAR is spelled differently by every engine",
    "time>text": "TIMESTAMPTZ to VARCHAR is spelled differently by every engine",
    "time>date": "the trading date is a column, never CAST(ts AS DATE)",
}

NUMBERS: Final = ("integer", "double")

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("Mul", "Div", "Neg", "Abs", "Sqrt", "Ln", "Exp"), NUMBERS),
    **dict.fromkeys(("Round", "Floor", "Ceil"), ("double",)),
    **dict.fromkeys(("DPipe", "ConcatWs", "Length", "Substring", "RegexpLike", "RegexpExtract", "Like"), ("text",)),
    **dict.fromkeys(("TimestampTrunc", "Hour"), ("time",)),
    **dict.fromkeys(("And", "Or", "Not"), ("boolean",)),
    "Mod": ("integer",),
    "Extract": ("time", "date"),
    "DateDiff": ("date",),
}
"""Which families the operands of a node may have; parameters and NULL may stand anywhere."""

ARGUMENTS_BY_NAME: Final[Mapping[str, tuple[str, ...]]] = {"epoch_us": ("time",), "make_timestamptz": ("integer",)}
"""The same for the functions that SQLGlot has no node for."""

NO_OPERANDS: Final = ("unit", "start", "length", "group", "to")


def family(node: "exp.Expr | None") -> str:
    """The family of a node's type."""
    from sqlglot import exp

    if isinstance(bare(node), exp.Null):
        return "null"
    if node is None or node.type is None:
        return UNKNOWN
    return FAMILIES.get(node.type.this.name, UNKNOWN) if hasattr(node.type.this, "name") else UNKNOWN


def sums_are_of_integers(node: "exp.Expr") -> str | None:
    """SUM over DOUBLE, or over what cannot be told to be an integer."""
    kind = family(node.this)
    if kind == "integer":
        return None
    return f"SUM over {_type(node.this)}: sum fixed-point BIGINT, divide last"


def casts_keep_the_bits(node: "exp.Expr") -> str | None:
    """A cast between types that engines spell, read or round differently."""
    from sqlglot import exp

    source, target = family(node.this), FAMILIES.get(node.args["to"].this.name, UNKNOWN)
    if isinstance(node, exp.TryCast):
        return None if source == "text" else f"TRY_CAST of {_type(node.this)}: it reads text; use CAST"
    if source == "null" or isinstance(bare(node.this), exp.Placeholder) or _date_literal(node):
        return None
    pair = f"{source}>{target}"
    if pair == "double>integer" and not isinstance(bare(node.this), exp.Round | exp.Floor | exp.Ceil):
        return f"CAST({node.this.sql('duckdb')} AS BIGINT) rounds 2.5 differently: CAST(ROUND(x) AS BIGINT)"
    if pair in CASTS:
        return None
    return CAST_REASONS.get(
        pair, f"cast of {_type(node.this)} to {spelled_type(node.args['to'].sql('duckdb'))} is not proven"
    )


def _date_literal(node: "exp.Expr") -> bool:
    """Whether the node is DATE 'yyyy-mm-dd'."""
    from datetime import date

    from sqlglot import exp

    literal = node.this
    if not isinstance(literal, exp.Literal) or not literal.is_string or node.args["to"].this.name != "DATE":
        return False
    try:
        return date.fromisoformat(literal.name).isoformat() == literal.name
    except ValueError:
        return False


def times_move_only_by_intervals(node: "exp.Expr") -> str | None:
    """DATE - DATE, DATE + 1, TIMESTAMPTZ - TIMESTAMPTZ, DATE + INTERVAL."""
    left, right = family(node.this), family(node.expression)
    if "date" in (left, right):
        return "arithmetic on a DATE differs: DATE_DIFF('day', from, to), or keep the date as a column"
    if "interval" in (left, right):
        return None if "time" in (left, right) else "an interval is added to a TIMESTAMPTZ only"
    if "time" in (left, right):
        return "arithmetic on TIMESTAMPTZ differs: subtract EPOCH_US(..), or add an INTERVAL"
    return _strangers(node, ("integer", "double"))


def arguments_have_their_type(node: "exp.Expr") -> str | None:
    """An operand of another type, which some engine would cast silently and another refuse."""
    families = ARGUMENTS.get(type(node).__name__) or ARGUMENTS_BY_NAME.get(node.name.lower())
    return _misplaced(node) if families is None else _strangers(node, families)


def _misplaced(node: "exp.Expr") -> str | None:
    """The first argument of a called function that is of another family than its own; integers count as doubles."""
    called = CALLED.get(node.name.lower())
    for place, wanted in enumerate(called.arguments if called else ()):
        families = NUMBERS if wanted == "DOUBLE" else (FAMILIES[wanted],)
        if reason := _strangers(node, families, _operands(node)[place : place + 1]):
            return reason
    return None


def _strangers(node: "exp.Expr", families: tuple[str, ...], operands: "list[exp.Expr] | None" = None) -> str | None:
    """The first operand of another family; parameters and NULL fit everywhere."""
    for operand in _operands(node) if operands is None else operands:
        if family(operand) not in (*families, "null") and not _takes_any_type(operand):
            wanted = " or ".join(families)
            return (
                f"{operand.sql('duckdb')} is {_type(operand)} where {wanted} is expected in {node.sql('duckdb')[:60]}"
            )
    return None


def _operands(node: "exp.Expr") -> "list[exp.Expr]":
    from sqlglot import exp

    parts = [
        value if isinstance(value, list) else [value] for name, value in node.args.items() if name not in NO_OPERANDS
    ]
    return [item for items in parts for item in items if isinstance(item, exp.Expr) and not isinstance(item, exp.Var)]


def _takes_any_type(node: "exp.Expr") -> bool:
    """Whether the type is left open only by a parameter in it."""
    from sqlglot import exp

    return family(node) == UNKNOWN and node.find(exp.Placeholder) is not None


def compared_types_agree(node: "exp.Expr") -> str | None:
    """A comparison or choice between types that only some engines cast silently."""
    from sqlglot import exp

    if isinstance(node, exp.Case):
        operands = [branch.args["true"] for branch in node.args["ifs"]] + [node.args.get("default")]
    else:
        operands = _operands(node)
    kinds = {family(operand) for operand in operands if operand is not None} - {"null", UNKNOWN}
    if len(kinds) <= 1 or kinds == {"integer", "double"}:
        return None
    return f"{' and '.join(sorted(kinds))} side by side in {node.sql('duckdb')[:80]}: cast one of them"


def range_frames_count_integers(node: "exp.Expr") -> str | None:
    """A RANGE frame with an offset over anything but one integer key."""
    from sqlglot import exp

    spec = node.args.get("spec")
    if spec is None or spec.args.get("kind") != "RANGE":
        return None
    if not any(isinstance(spec.args.get(side), exp.Expr) for side in ("start", "end")):
        return None
    keys = node.args["order"].expressions if node.args.get("order") else []
    if len(keys) == 1 and family(keys[0].this) == "integer":
        return None
    return "a RANGE frame with an offset orders by one integer"


def _type(node: "exp.Expr") -> str:
    known = family(node) != UNKNOWN and node.type is not None
    return spelled_type(node.type.sql("duckdb")) if known and node.type else "an unknown type (cast the parameter)"


RULES: Final = (
    Rule(sums_are_of_integers, ("Sum",), typed=True),
    Rule(casts_keep_the_bits, ("Cast", "TryCast"), typed=True),
    Rule(times_move_only_by_intervals, ("Add", "Sub"), typed=True),
    Rule(arguments_have_their_type, (*ARGUMENTS, "Anonymous"), typed=True),
    Rule(compared_types_agree, ("EQ", "NEQ", "GT", "GTE", "LT", "LTE", "NullSafeEQ", "NullSafeNEQ", "Between", "In",
                                "Coalesce", "Nullif", "Case"), typed=True),
    Rule(range_frames_count_integers, ("Window",), typed=True),
)  # fmt: skip
