"""Column lineage, read off the SQL: from which columns of its inputs each column of a table comes.

Belongs here: what Dagster shows as column lineage. Does not: filters and join conditions, which decide about rows,
nor lineage between assets (the signatures say that).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.transforms.text import macros_text
from lakehouse_assets.transforms.tree import DIALECT, parsed, typed

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.lineage import Node

Source = tuple[str, str]
"""An upstream table and one of its columns."""


def column_lineage(
    table: str, sql: str, inputs: Mapping[str, Contract], macros: str | None = None
) -> dict[str, tuple[Source, ...]]:
    """The upstream columns of every column of the result, each pair once, in alphabetical order.

    A column that comes from no column (COUNT(*), a literal, a parameter) has none.

    Args:
        table: the table that the text computes, for messages.
        sql: one SELECT in the portable subset.
        inputs: the contracts of the tables it reads.
        macros: text of the macros it calls; `macros.sql` where None.

    Raises:
        ValueError: the text cannot be read, or names a column that is not there; the message names the table.
    """
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.scope import build_scope

    tree = _read(table, sql, inputs, macros)
    # the names are resolved already, so that no schema is needed
    nodes = lineage(None, tree, schema={}, scope=build_scope(tree), dialect=DIALECT, trim_selects=False, copy=False)
    return {column: _sources(node) for column, node in nodes.items()}


def output_columns(table: str, sql: str, inputs: Mapping[str, Contract], macros: str | None = None) -> tuple[str, ...]:
    """The names of the result's columns in order, stars spelled out; arguments and errors as `column_lineage`."""
    return tuple(_read(table, sql, inputs, macros).named_selects)


def _read(table: str, sql: str, inputs: Mapping[str, Contract], macros: str | None) -> "exp.Query":
    from sqlglot import exp

    try:
        tree = typed(parsed(sql, macros_text() if macros is None else macros), inputs)
    except ValueError as error:
        raise ValueError(f"{table}.sql: {error}") from error
    if not isinstance(tree, exp.Query):
        raise ValueError(f"{table}.sql: a transform is one SELECT, with CTEs before it")
    return tree


def _sources(node: "Node") -> tuple[Source, ...]:
    """The leaves under a node that are columns of a table."""
    from sqlglot import exp

    found, seen, left = set(), set(), [node]
    while left:
        here = left.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        left.extend(here.downstream)
        if isinstance(here.expression, exp.Table):
            found.add((here.expression.name, here.name.rpartition(".")[2]))
    return tuple(sorted(found))
