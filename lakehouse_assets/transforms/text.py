"""The texts of the transforms: where they lie and what they name.

Belongs here: reading `<table>.sql` and `macros.sql`, and which parameters and tables a text names.
Does not: whether a text is portable (`portable`), what a macro means (`macros`), nor running anything.
"""

import re
from functools import cache
from pathlib import Path

from lakehouse_assets.transforms.tree import parsed

FOLDER = Path(__file__).resolve().parent
MACROS_FILE = "macros.sql"

_NOT_CODE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def transform_names(folder: Path = FOLDER) -> tuple[str, ...]:
    """The tables that have a `.sql` file, in alphabetical order."""
    return tuple(sorted(path.stem for path in folder.glob("*.sql") if path.name != MACROS_FILE))


@cache
def sql_text(table: str, folder: Path = FOLDER) -> str:
    """The text of `<table>.sql`.

    Raises:
        FileNotFoundError: there is no such file; the message lists the tables that have one.
    """
    path = folder / f"{table}.sql"
    if table not in transform_names(folder):
        raise FileNotFoundError(
            f"no transform for table {table!r}: expected {path.name} in {folder.name}/, "
            f"which holds {', '.join(transform_names(folder)) or 'no .sql file'}"
        )
    return path.read_text(encoding="utf-8")


@cache
def macros_text(folder: Path = FOLDER) -> str:
    """The text of `macros.sql`, which DuckDB runs as it stands; empty where there is none."""
    path = folder / MACROS_FILE
    return path.read_text(encoding="utf-8") if path.exists() else ""


def parameters_of(sql: str) -> frozenset[str]:
    """The named parameters (`$name`) of a text, without the dollar; comments and quoted text do not count.

    Needs no parser, so that a step may call it.
    """
    return frozenset(_PARAMETER.findall(_NOT_CODE.sub(" ", sql)))


def tables_of(sql: str, macros: str | None = None) -> frozenset[str]:
    """The tables that a text reads, without its own CTEs; table macros are looked through.

    Args:
        sql: one statement.
        macros: text of the macros it may call; `macros.sql` where None.
    """
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    tree = parsed(sql, macros_text() if macros is None else macros)
    sources = (source for scope in traverse_scope(tree) for source in scope.sources.values())
    return frozenset(source.name for source in sources if isinstance(source, exp.Table))
