"""What was proven of the transforms as they stand: each passed the portable check, and this is its column lineage.

Belongs here: `proofs.json`, its digests, and proving anew. Does not: the check (`portable`) and the lineage themselves.
Parsing all texts takes seconds, and every process that loads the definitions would pay them; so the result lies beside
the texts. A text that was changed since (or its macros, contracts, or SQLGlot) is proven on the spot; a test keeps
the file true, and `make docs` writes it.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any, Final

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.transforms.called import CALLED, functions_named
from lakehouse_assets.transforms.lineage import Source, column_lineage
from lakehouse_assets.transforms.portable import check
from lakehouse_assets.transforms.text import FOLDER, macros_text, sql_text, tables_of, transform_names

PROOFS_FILE: Final = FOLDER / "proofs.json"

Lineage = Mapping[str, tuple[Source, ...]]


def proven_lineage(table: str, upstream: Iterable[str]) -> Lineage:
    """The upstream columns of every column of a table, once its text is known to be portable.

    Args:
        table: the table.
        upstream: the tables that its asset may read.

    Raises:
        NotPortable: the text would not mean the same on every engine, or reads what is not its asset's parameter.
    """
    proof = _proofs().get(table)
    if proof and set(proof["reads"]) <= set(upstream) and proof["digest"] == digest(table, proof["reads"]):
        return {column: tuple((t, c) for t, c in sources) for column, sources in proof["lineage"].items()}
    return prove(table, upstream)


def prove(table: str, inputs: Iterable[str]) -> Lineage:
    """Check the text and read its lineage, without looking at the file."""
    contracts = {name: CONTRACTS[name] for name in inputs}
    check(table, sql_text(table), contracts)
    return column_lineage(table, sql_text(table), contracts)


def digest(table: str, inputs: Iterable[str]) -> str:
    """Over all that a proof depends on: text, macros, called functions, the inputs' contracts, the parser's version."""
    called = [repr(CALLED[name]) for name in functions_named(sql_text(table) + macros_text())]
    columns = [repr(CONTRACTS[name].columns) for name in inputs]
    parts = [sql_text(table), macros_text(), *called, *columns, version("sqlglot")]
    return sha256("\x1f".join(parts).encode()).hexdigest()


def proofs_text() -> str:
    """What `proofs.json` must hold: every transform proven anew."""
    proofs = {}
    for table in transform_names():
        reads = sorted(tables_of(sql_text(table)))
        proofs[table] = {"reads": reads, "digest": digest(table, reads), "lineage": prove(table, reads)}
    return json.dumps(proofs, indent=1, sort_keys=True) + "\n"


@cache
def _proofs() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PROOFS_FILE.read_text(encoding="utf-8")) if PROOFS_FILE.exists() else {}
    return found
