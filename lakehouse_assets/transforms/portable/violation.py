"""What the checker reports, and the shape of the rules by which it judges.

Belongs here: `Violation`, `Rule` and small questions about a node that several rules ask. Does not: any rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True, order=True)
class Violation:
    """One place where a transform leaves the portable subset."""

    table: str
    line: int
    reason: str

    def __str__(self) -> str:
        """`table.sql, line n: reason`."""
        return f"{self.table}.sql, line {self.line}: {self.reason}"


@dataclass(frozen=True)
class Rule:
    """One rule: the syntax nodes it looks at (SQLGlot's class names) and its judgement.

    `judge` returns why the node is refused, None where it is fine. A `typed` rule sees nodes with types.
    """

    judge: "Callable[[exp.Expr], str | None]"
    nodes: tuple[str, ...]
    typed: bool = False

    @property
    def name(self) -> str:
        """The rule as a sentence, e.g. `divisors_are_never_zero`."""
        return self.judge.__name__


def bare(node: "exp.Expr | None") -> "exp.Expr | None":
    """The node without the parentheses around it."""
    from sqlglot import exp

    while isinstance(node, exp.Paren):
        node = node.this
    return node


def holder(node: "exp.Expr") -> "exp.Expr | None":
    """What holds the node, parentheses left out."""
    from sqlglot import exp

    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return parent


def spelled(node: "exp.Expr") -> str:
    """The node as its author knows it: a function's name, else the kind of syntax."""
    from sqlglot import exp

    return str(node.sql_name()) if isinstance(node, exp.Func) else type(node).__name__.upper()


def spelled_type(text: str) -> str:
    """A type as the transforms write it: SQLGlot writes VARCHAR as TEXT."""
    return "VARCHAR" if text == "TEXT" else text


def is_number(node: "exp.Expr | None") -> bool:
    """Whether the node is a numeric literal, signed or not."""
    from sqlglot import exp

    node = bare(node)
    if isinstance(node, exp.Neg):
        node = bare(node.this)
    return isinstance(node, exp.Literal) and not node.is_string


def conditions_over(node: "exp.Expr") -> "list[exp.Expr]":
    """The terms that are true wherever the node is evaluated: of each CASE branch around it, split at AND."""
    from sqlglot import exp

    found: list[exp.Expr] = []
    child, parent = node, node.parent
    while parent is not None and not isinstance(parent, exp.Query):
        if isinstance(parent, exp.If) and child.arg_key == "true":
            found.extend(_terms(parent.this))
        child, parent = parent, parent.parent
    return found


def _terms(condition: "exp.Expr") -> "list[exp.Expr]":
    from sqlglot import exp

    inner = bare(condition)
    if isinstance(inner, exp.And):
        return [*_terms(inner.left), *_terms(inner.right)]
    return [] if inner is None else [inner]
