"""The checked portable subset of SQL: one text that gives the same bits on DuckDB, Spark and Trino.

Belongs here: the questions `violations` and `check`. Does not: the rules, which lie in `syntax` (nodes, clauses, joins,
windows), `functions` (what is asked of single functions) and `bits` (what types show), with the lists in `subset`.
SQLGlot writes `ASOF JOIN`, `MEDIAN` and others for other engines without an error, so the check is never skipped.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.transforms.macros import MacroRefused
from lakehouse_assets.transforms.portable import bits, functions, syntax
from lakehouse_assets.transforms.portable.violation import Rule, Violation
from lakehouse_assets.transforms.text import macros_text
from lakehouse_assets.transforms.tree import Unreadable, line_of, parsed, typed

if TYPE_CHECKING:
    from sqlglot import exp

RULES = (*syntax.RULES, *functions.RULES, *bits.RULES)
"""Every rule, in the order in which it is asked."""

__all__ = ["RULES", "NotPortable", "Violation", "check", "violations"]


class NotPortable(ValueError):
    """A transform leaves the portable subset; `.violations` holds every place, the message names them all."""

    def __init__(self, found: tuple[Violation, ...]) -> None:
        """One line a violation."""
        super().__init__("not in the portable subset:\n" + "\n".join(f"  {violation}" for violation in found))
        self.violations = found


def violations(
    table: str,
    sql: str,
    inputs: Mapping[str, Contract],
    macros: str | None = None,
    rules: tuple[Rule, ...] = RULES,
) -> tuple[Violation, ...]:
    """Every place where the text leaves the portable subset, by line; empty where it is portable.

    The types are looked at once the syntax is portable.

    Args:
        table: the table that the text computes, for the message.
        sql: one SELECT in DuckDB's dialect.
        inputs: the contracts of the tables it may read, by the name it reads them under.
        macros: text of the macros it may call; `macros.sql` where None.
        rules: the rules to ask.
    """
    try:
        tree = parsed(sql, macros_text() if macros is None else macros)
    except MacroRefused as error:
        return (Violation(table, 1, str(error)),)
    except Unreadable as error:
        return (Violation(table, error.line, str(error)),)
    found = {*_outside(table, tree), *_undeclared(table, tree, inputs)}
    found |= _judged(table, tree, [rule for rule in rules if not rule.typed])
    if not found:
        try:
            found = _judged(table, typed(tree, inputs), [rule for rule in rules if rule.typed])
        except Unreadable as error:
            found = {Violation(table, error.line, str(error))}
    return tuple(sorted(found))


def check(table: str, sql: str, inputs: Mapping[str, Contract], macros: str | None = None) -> None:
    """Refuse a text that is not portable.

    Raises:
        NotPortable: naming table, line and reason of every violation.
    """
    if found := violations(table, sql, inputs, macros):
        raise NotPortable(found)


def _outside(table: str, tree: "exp.Expr") -> set[Violation]:
    """Nodes and functions outside the lists; a text that is not a query has no other fault."""
    from sqlglot import exp

    if not isinstance(tree, exp.Select | exp.SetOperation):
        return {Violation(table, line_of(tree), "a transform is one SELECT, with CTEs before it")}
    judged = ((node, syntax.only_the_subset_is_used(node)) for node in tree.walk())
    return {Violation(table, line_of(node), reason) for node, reason in judged if reason is not None}


def _undeclared(table: str, tree: "exp.Expr", inputs: Mapping[str, Contract]) -> set[Violation]:
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    found = set()
    for scope in traverse_scope(tree) if isinstance(tree, exp.Query) else ():
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and source.name not in inputs:
                declared = ", ".join(sorted(inputs)) or "nothing"
                reason = f"reads {source.name or source.sql('duckdb')}, which is not declared (declared: {declared})"
                found.add(Violation(table, line_of(source), reason))
    return found


def _judged(table: str, tree: "exp.Expr", rules: list[Rule]) -> set[Violation]:
    by_node: dict[str, list[Rule]] = {}
    for rule in rules:
        for name in rule.nodes:
            by_node.setdefault(name, []).append(rule)
    return {
        Violation(table, line_of(node), reason)
        for node in tree.walk()
        for rule in by_node.get(type(node).__name__, ())
        if (reason := rule.judge(node)) is not None
    }
