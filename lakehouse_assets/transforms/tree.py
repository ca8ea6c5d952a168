"""The syntax tree of a transform: parsed, macros expanded, names and types resolved from contracts.

Belongs here: what the checker, the lineage and the dialects all stand on. Does not: any judgement of a tree.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.transforms.called import CALLED
from lakehouse_assets.transforms.macros import expanded

if TYPE_CHECKING:
    from sqlglot import exp

DIALECT: Final = "duckdb"

SQL_TYPES: Final[Mapping[str, str]] = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "int": "INT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamptz": "TIMESTAMPTZ",
    "binary": "BLOB",
}
"""What a contract's column type is called in SQL; bytes may be passed on, and nothing is proven of them."""

FUNCTION_TYPES: Final[Mapping[str, str]] = {
    "epoch_us": "BIGINT",
    "make_timestamptz": "TIMESTAMPTZ",
    **{name: one.returns for name, one in CALLED.items()},
}
"""Result types of the allowed functions that SQLGlot does not know by name."""


class Unreadable(ValueError):
    """A text that is not one statement, or names what is not there; `.line` says where, 1 where unknown."""

    def __init__(self, reason: str, line: int = 1) -> None:
        """Keep the line beside the reason."""
        super().__init__(reason)
        self.line = line


def parsed(sql: str, macros: str) -> "exp.Expr":
    """The tree of one statement, its macros expanded.

    Raises:
        Unreadable: the text is not exactly one statement of DuckDB's dialect.
        MacroRefused: a macro, or the call of one, breaks its rules.
    """
    import sqlglot
    from sqlglot.errors import ParseError, TokenError

    try:
        statements = [statement for statement in sqlglot.parse(sql, read=DIALECT) if statement is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        raise Unreadable(f"not SQL: {first.get('description', error)}", int(first.get("line") or 1)) from error
    except TokenError as error:
        raise Unreadable(f"not SQL: {error}") from error
    if len(statements) != 1:
        raise Unreadable(f"expected one statement, found {len(statements)}")
    return expanded(statements[0], macros)


def typed(tree: "exp.Expr", inputs: Mapping[str, Contract]) -> "exp.Expr":
    """The tree, changed in place: every column names its table, stars are spelled out and every node has a type.

    An alias of the same SELECT is not a column (Trino does not know it), nor is anything that no contract declares.

    Raises:
        Unreadable: a column cannot be resolved.
    """
    from sqlglot.errors import OptimizeError
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.schema import MappingSchema

    columns: dict[str, object] = {
        contract.table: {column.name: SQL_TYPES[column.type] for column in contract.columns}
        for contract in inputs.values()
    }
    schema = MappingSchema(columns, dialect=DIALECT, udf_mapping=dict(FUNCTION_TYPES))
    try:
        named = qualify(tree, schema=schema, dialect=DIALECT, expand_alias_refs=False, identify=False)
    except OptimizeError as error:
        reason, line = _place(str(error))
        raise Unreadable(
            f"{reason}: neither a column of a declared input nor of a CTE "
            f"(an alias of the same SELECT does not count: put it in a CTE)",
            line,
        ) from error
    return annotate_types(named, schema=schema, dialect=DIALECT, expression_metadata=_metadata())


def line_of(node: "exp.Expr") -> int:
    """The line of a node in its text: its own, else the first of what it holds, else that of what holds it."""
    if line := node.meta.get("line"):
        return int(line)
    within = [int(child.meta["line"]) for child in node.walk() if "line" in child.meta]
    if within:
        return min(within)
    return line_of(node.parent) if node.parent is not None else 1


def _metadata() -> "dict[type[exp.Expr], dict[str, object]]":
    """SQLGlot's typing rules, and the ones it lacks: ARG_MAX and ARG_MIN give the type of their first argument."""
    from sqlglot import Dialect, exp

    def of_first(_annotator: "object", node: "exp.Expr") -> "exp.Expr":
        node.type = node.this.type
        return node

    known = Dialect.get_or_raise(DIALECT).EXPRESSION_METADATA
    return {**known, exp.ArgMax: {"annotator": of_first}, exp.ArgMin: {"annotator": of_first}}


def _place(message: str) -> tuple[str, int]:
    """SQLGlot's message without its place, and the line it names."""
    reason, _, place = message.partition(" Line: ")
    digits = place.split(",")[0].strip()
    return reason.rstrip(". "), int(digits) if digits.isdigit() else 1
