"""What may be asked in SQL, and of which tables: the reading of a query before any engine sees it.

Belongs here: the rules by which a text is one SELECT over tables of the catalog. Does not: running it (`sql`).
What runs is written anew from the tree that was checked, so that nothing can hide in the text. Syntax is a list of
what is allowed: an unknown construct is refused. Of functions, those that look outside are refused by name, and the
locked engine is what holds.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lakehouse_assets.settings import CATALOG, NAMESPACE

DIALECT = "duckdb"

REFUSED_FUNCTIONS = frozenset(
    {"current_setting", "getenv", "getvariable", "write_log", "sleep_ms", "currval", "nextval", "setval", "setseed"}
)
"""Scalar functions that ask about, or act on, the engine's session instead of the data."""

ONE_SELECT = "only one SELECT (or WITH ... SELECT) may be asked"


class QueryRefused(ValueError):
    """The query is not a single readable SELECT over the catalog's tables; the message says where and why."""


@dataclass(frozen=True)
class Asked:
    """A table that a query names, and of when: a snapshot id, a time as written, or neither for now."""

    table: str
    snapshot_id: int | None = None
    at: str | None = None


def resolve(text: str, view_of: Callable[[Asked], str]) -> str:
    """Check a query and write it with each table replaced by the view that `view_of` names.

    Raises:
        QueryRefused: see the class.
    """
    root = _parsed(text)
    _check_shape(root)
    for table in _catalog_tables(root):
        _replace(table, view_of(_asked(table)))
    _unqualify_columns(root)
    return str(root.sql(dialect=DIALECT, comments=False))


def _parsed(text: str) -> Any:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError, SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements that are refused here anyway
    try:
        statements = [one for one in sqlglot.parse(text, read=DIALECT) if one is not None]
    except ParseError as error:
        place = error.errors[0] if error.errors else {}
        what = str(place.get("description", error)).split("<Token", maxsplit=1)[0].strip()
        where = f" at line {place.get('line')}, column {place.get('col')}, near {place.get('highlight')!r}"
        raise QueryRefused(f"the query cannot be read: {what}{where if place else ''}") from error
    except (SqlglotError, RecursionError) as error:
        raise QueryRefused(
            f"the query cannot be read: {str(error).splitlines()[0]}: check quotes and brackets"
        ) from error
    if len(statements) != 1:
        raise QueryRefused(f"{ONE_SELECT}, these are {len(statements)} statements")
    if not isinstance(statements[0], exp.Query) or statements[0].find(exp.Into):
        raise QueryRefused(f"{ONE_SELECT}: the catalog is read-only here, and tables are written by their assets")
    return statements[0]


def _check_shape(root: Any) -> None:
    """Refuse whatever is no query, and no source of rows that the catalog vouches for."""
    from sqlglot import exp

    allowed_below: dict[Any, tuple[Any, ...]] = {
        exp.From: (exp.Table, exp.Subquery, exp.Values, exp.Unnest, exp.Lateral),
        exp.Join: (exp.Table, exp.Subquery, exp.Values, exp.Unnest, exp.Lateral),
        exp.Lateral: (exp.Subquery, exp.Unnest),
        exp.Subquery: (exp.Query, exp.Values, exp.Table),
        exp.CTE: (exp.Query, exp.Values),
    }
    for node in root.walk():
        kinds = allowed_below.get(type(node))
        if kinds is not None and not isinstance(node.this, kinds):
            raise QueryRefused(f"{_excerpt(node.this)} cannot be read from: name a table of the catalog or a SELECT")
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
            raise QueryRefused(f"{_excerpt(node.this)} is not a table of the catalog: table functions are not allowed")
        if isinstance(node, exp.DDL | exp.DML | exp.Command) and not isinstance(node, exp.Query):
            raise QueryRefused(f"{_excerpt(node)} would change something: {ONE_SELECT}")
        if isinstance(node, exp.Func) and _function_name(node) in REFUSED_FUNCTIONS:
            raise QueryRefused(
                f"the function {_function_name(node)} is not allowed: it is about the engine, not the data"
            )


def _function_name(node: Any) -> str:
    from sqlglot import exp

    return str(node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def _excerpt(node: Any) -> str:
    text = node.sql(dialect=DIALECT, comments=False) if hasattr(node, "sql") else str(node)
    return " ".join(text[:60].split())


def _catalog_tables(root: Any) -> Iterator[Any]:
    """The tables of the catalog that the query names; a name that a WITH defines in its reach is none."""
    from sqlglot import exp

    found = [table for table in root.find_all(exp.Table) if table.db or not _is_with_name(table)]
    yield from found


def _is_with_name(table: Any) -> bool:
    """Whether a WITH around the table defines its name: before it, or itself where recursive."""
    from sqlglot import exp

    child, node = table, table.parent
    inside: Any = None
    while node is not None:
        if isinstance(node, exp.CTE):
            inside = node
        clause = node if isinstance(node, exp.With) else node.args.get("with_")
        if clause is not None and clause is not child and table.name.lower() in _names_before(clause, inside):
            return True
        child, node = node, node.parent
    return False


def _names_before(clause: Any, inside: Any) -> set[str]:
    names: set[str] = set()
    for one in clause.expressions:
        if one is inside:
            return names | {one.alias.lower()} if clause.args.get("recursive") else names
        names.add(one.alias.lower())
    return names


def _asked(table: Any) -> Asked:
    """The name and version of a table as the query asks for it.

    Raises:
        QueryRefused: it lies in another catalog or namespace, or its version is neither an id nor a time.
    """
    catalog, namespace = (table.catalog or CATALOG).lower(), (table.db or NAMESPACE).lower()
    if (catalog, namespace) != (CATALOG, NAMESPACE):
        raise QueryRefused(f"{_excerpt(table)}: the tables lie in {CATALOG}.{NAMESPACE}")
    if table.args.get("when") is not None:
        raise QueryRefused(f"{_excerpt(table)}: write FOR VERSION AS OF <snapshot id> instead of AT (...)")
    version = table.args.get("version")
    if version is None:
        return Asked(table.name)
    value = version.expression.find(_literal_type())
    kind = str(version.name).upper()
    if value is None or str(version.args.get("kind")).upper() != "AS OF" or kind not in {"VERSION", "TIMESTAMP"}:
        raise QueryRefused(f"{_excerpt(table)}: write FOR VERSION AS OF <snapshot id> or FOR TIMESTAMP AS OF '<time>'")
    if kind == "VERSION" and value.name.isdecimal():
        return Asked(table.name, snapshot_id=int(value.name))
    return Asked(table.name, at=value.name)


def _literal_type() -> Any:
    from sqlglot import exp

    return exp.Literal


def _replace(table: Any, view: str) -> None:
    """Put the view in the table's place, still called as the query calls it."""
    from sqlglot import exp

    if not table.alias:
        table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
    for part in ("catalog", "db", "version"):
        table.set(part, None)
    table.set("this", exp.to_identifier(view, quoted=True))


def _unqualify_columns(root: Any) -> None:
    """`hive_prod.option_ticks_db.t.symbol` becomes `t.symbol`: the view has no namespace."""
    from sqlglot import exp

    for column in root.find_all(exp.Column):
        if column.args.get("db") is not None and column.text("db").lower() == NAMESPACE:
            column.set("db", None)
            column.set("catalog", None)
