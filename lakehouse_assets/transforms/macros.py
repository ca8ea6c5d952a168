"""Macros: a named expression that many transforms need, written once in `macros.sql`.

Belongs here: reading the macros and writing their bodies in place of their calls, on the syntax tree.
Does not: the macros themselves (`macros.sql`), nor the portable subset (`portable`).

DuckDB runs `macros.sql` as it stands; for the checker, the lineage and the other engines the calls are expanded here,
and both must mean the same. Hence the rules, each of them refused with a reason:

- `CREATE [OR REPLACE] [TEMP] MACRO name(a, b) AS <expression>;` or `... AS TABLE <query>;`, nothing else in the file.
- A name that no engine has as a function. Positional arguments only. A macro calls only macros above it.
- A scalar body names nothing but its parameters, and holds no subquery. It may hold an aggregate or a whole window;
  a call never carries OVER, FILTER, DISTINCT or ORDER BY.
- A table body reads only its parameters, as `query_table(parameter)`, and its own CTEs. The caller gives the bare name
  of a table or CTE for these, and a literal or `$parameter` for the others.
- No `$parameter` inside a body: it is an argument.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

QUERY_TABLE = "query_table"
"""DuckDB's function that reads the table (or CTE) named by its argument."""


class MacroRefused(ValueError):
    """A macro, or a call of one, that would not mean the same on every engine."""


@dataclass(frozen=True)
class Macro:
    """One macro; its body calls no other macro any more."""

    name: str
    parameters: tuple[str, ...]
    body: "exp.Expr"
    is_table: bool


@lru_cache(maxsize=8)
def macros_of(text: str) -> Mapping[str, Macro]:
    """The macros of a text, by lower-case name.

    Raises:
        MacroRefused: a statement breaks a rule of this module.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        statements = sqlglot.parse(text, read="duckdb")
    except SqlglotError as error:
        raise MacroRefused(f"the macros are not SQL: {error}") from error
    found: dict[str, Macro] = {}
    for statement in statements:
        if statement is not None:
            macro = _macro(statement, found)
            found[macro.name] = macro
    return found


def expanded(tree: "exp.Expr", macros: str) -> "exp.Expr":
    """A copy of the tree in which every call of a macro is replaced by its body.

    Nodes that come from a body carry the line of the call.

    Raises:
        MacroRefused: a macro or a call breaks a rule of this module.
    """
    return _expanded(tree.copy(), macros_of(macros))


def _macro(statement: "exp.Expr", earlier: Mapping[str, Macro]) -> Macro:
    from sqlglot import exp

    function = statement.this if isinstance(statement, exp.Create) and statement.kind == "MACRO" else None
    if not isinstance(function, exp.UserDefinedFunction):
        raise MacroRefused(f"macros hold only CREATE MACRO name(..) AS ..: found {statement.sql('duckdb')[:60]!r}")
    name = str(function.this.name).lower()
    returns = statement.find(exp.ReturnsProperty)
    macro = Macro(
        name=name,
        parameters=tuple(_parameter(name, node) for node in function.expressions),
        body=_expanded(statement.expression.copy(), earlier),
        is_table=returns is not None and bool(returns.args.get("is_table")),
    )
    _refuse_name(macro, earlier)
    _refuse_body(macro)
    return macro


def _parameter(macro: str, node: "exp.Expr") -> str:
    from sqlglot import exp

    if not isinstance(node, exp.Identifier):
        raise MacroRefused(f"macro {macro}: parameters are bare names, without default: {node.sql('duckdb')}")
    return str(node.this).lower()


def _refuse_name(macro: Macro, earlier: Mapping[str, Macro]) -> None:
    import sqlglot
    from sqlglot import exp

    if macro.name in earlier:
        raise MacroRefused(f"macro {macro.name} is defined twice")
    known = sqlglot.Dialect.get_or_raise("duckdb").parser_class.FUNCTIONS
    if macro.name.upper() in known or macro.name.upper() in exp.FUNCTION_BY_NAME:
        raise MacroRefused(f"macro {macro.name}: engines have a function of this name; choose another")


def _refuse_body(macro: Macro) -> None:
    from sqlglot import exp

    if macro.body.find(exp.Placeholder, exp.Parameter):
        raise MacroRefused(f"macro {macro.name}: a $parameter is an argument of the macro, not part of its body")
    if macro.is_table:
        _refuse_table_body(macro)
        return
    if macro.body.find(exp.Query):
        raise MacroRefused(f"macro {macro.name}: a scalar macro holds no subquery")
    strangers = [
        column.sql("duckdb")
        for column in macro.body.find_all(exp.Column)
        if column.table or column.name.lower() not in macro.parameters
    ]
    if strangers:
        raise MacroRefused(f"macro {macro.name}: names {', '.join(strangers)}, which is no parameter of it")


def _refuse_table_body(macro: Macro) -> None:
    from sqlglot import exp

    own = {cte.alias.lower() for cte in macro.body.find_all(exp.CTE)}
    for table in macro.body.find_all(exp.Table):
        if _table_parameter(table) not in macro.parameters and table.name.lower() not in own:
            raise MacroRefused(
                f"macro {macro.name}: reads {table.sql('duckdb')}; a table macro reads only "
                f"query_table(<parameter>) and its own CTEs"
            )


def _table_parameter(table: "exp.Expr") -> str | None:
    """The parameter that `query_table(parameter)` names, None for any other source."""
    from sqlglot import exp

    call = table.this
    if not isinstance(call, exp.Anonymous) or call.name.lower() != QUERY_TABLE or len(call.expressions) != 1:
        return None
    return str(call.expressions[0].name).lower()


def _expanded(tree: "exp.Expr", macros: Mapping[str, Macro]) -> "exp.Expr":
    from sqlglot import exp

    calls = [node for node in tree.find_all(exp.Anonymous) if node.name.lower() in macros]
    for call in reversed(calls):  # breadth first, so reversed the arguments of a call come before the call
        macro = macros[call.name.lower()]
        _refuse_call(call, macro)
        arguments = dict(zip(macro.parameters, call.expressions, strict=True))
        body = _body_for(call, macro)
        if macro.is_table:
            _replace_table(call, macro, body, arguments)
            continue
        wrapped = _in_place(_with_arguments(body, arguments))
        if call is tree:
            tree = wrapped
        else:
            call.replace(wrapped)
    return tree


def _refuse_call(call: "exp.Expr", macro: Macro) -> None:
    from sqlglot import exp

    where = f"line {call.meta.get('line', '?')}: macro {macro.name}"
    if len(call.expressions) != len(macro.parameters):
        raise MacroRefused(f"{where} takes {len(macro.parameters)} arguments, {len(call.expressions)} given")
    if any(isinstance(argument, exp.PropertyEQ | exp.Kwarg) for argument in call.expressions):
        raise MacroRefused(f"{where} takes positional arguments only")
    if isinstance(call.parent, exp.Window | exp.Filter) and call.arg_key == "this":
        raise MacroRefused(f"{where}: a call carries no OVER or FILTER; the macro holds the whole window")
    if any(isinstance(argument, exp.Distinct | exp.Order) for argument in call.expressions):
        raise MacroRefused(f"{where}: a call carries no DISTINCT or ORDER BY")
    if macro.is_table != isinstance(call.parent, exp.Table):
        raise MacroRefused(
            f"{where} is a {'table' if macro.is_table else 'scalar'} macro and stands in the wrong place"
        )


def _body_for(call: "exp.Expr", macro: Macro) -> "exp.Expr":
    body = macro.body.copy()
    for node in body.walk():
        node.meta.pop("line", None)
        node.meta.update(line=call.meta.get("line", 1))
    return body


def _with_arguments(body: "exp.Expr", arguments: Mapping[str, "exp.Expr"]) -> "exp.Expr":
    from sqlglot import exp

    for column in list(body.find_all(exp.Column)):
        if not column.table and column.name.lower() in arguments:
            argument = _in_place(arguments[column.name.lower()].copy())
            if column is body:
                return argument
            column.replace(argument)
    return body


def _in_place(node: "exp.Expr") -> "exp.Expr":
    """The node in parentheses, unless it binds as tightly without."""
    from sqlglot import exp

    atoms = (exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Placeholder, exp.Paren, exp.Window, exp.Func)
    if isinstance(node, atoms) and not isinstance(node, exp.Binary | exp.Connector):
        return node
    return exp.Paren(this=node)


def _replace_table(call: "exp.Expr", macro: Macro, body: "exp.Expr", arguments: Mapping[str, "exp.Expr"]) -> None:
    """Put `(body) AS alias` in place of the call, its tables bound to the caller's."""
    from sqlglot import exp

    own = {cte.alias.lower() for cte in body.find_all(exp.CTE)}
    where = f"line {call.meta.get('line', '?')}: macro {macro.name}"
    bound = set()
    for table in list(body.find_all(exp.Table)):
        parameter = _table_parameter(table)
        if parameter is None:
            continue
        argument = arguments[parameter]
        if not isinstance(argument, exp.Column) or argument.table:
            raise MacroRefused(f"{where}: {parameter} is the bare name of a table or CTE, not {argument.sql('duckdb')}")
        if argument.name.lower() in own:
            raise MacroRefused(f"{where}: {argument.name} is also a CTE inside the macro; rename yours")
        table.set("this", argument.this.copy())
        bound.add(parameter)
    scalars = {name: argument for name, argument in arguments.items() if name not in bound}
    for name, argument in scalars.items():
        if not isinstance(argument, exp.Literal | exp.Placeholder):
            raise MacroRefused(f"{where}: {name} is a literal or a $parameter, not {argument.sql('duckdb')}")
    source = call.find_ancestor(exp.Table) or call
    alias = source.args.get("alias") or exp.TableAlias(this=exp.to_identifier(macro.name))
    source.replace(exp.Subquery(this=_with_arguments(body, scalars), alias=alias.copy()))
