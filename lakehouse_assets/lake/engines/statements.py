"""What another engine is asked: the portable text of a table over pinned snapshots, in the engine's own dialect.

Belongs here: binding inputs as CTEs and parameters as literals, casts to the contract. Does not: running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import ColumnType, Contract
from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.engines import ForeignName
from lakehouse_assets.lake.table import Table
from lakehouse_assets.settings import CATALOG, NAMESPACE
from lakehouse_assets.transforms.dialects import written_for

if TYPE_CHECKING:
    from lakehouse_assets.lake.query import Query

TYPES: Mapping[ForeignName, Mapping[ColumnType, str]] = {
    "spark": {
        "string": "STRING", "long": "BIGINT", "int": "INT", "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
        "timestamptz": "TIMESTAMP", "binary": "BINARY",
    },
    "trino": {
        "string": "VARCHAR", "long": "BIGINT", "int": "INTEGER", "double": "DOUBLE", "boolean": "BOOLEAN",
        "date": "DATE", "timestamptz": "TIMESTAMP(6) WITH TIME ZONE", "binary": "VARBINARY",
    },
}  # fmt: skip
QUOTES: Mapping[ForeignName, str] = {"spark": "`", "trino": '"'}
AT_SNAPSHOT: Mapping[ForeignName, str] = {"spark": "VERSION AS OF", "trino": "FOR VERSION AS OF"}


@dataclass(frozen=True)
class Relation:
    """Rows as an engine finds them: a table of the catalog at a snapshot (None: it is empty), or of one date of it."""

    contract: Contract
    namespace: str
    table: str
    snapshot_id: int | None
    columns: frozenset[str]
    trading_date: str | None

    @classmethod
    def of(cls, table: Table, key: str) -> Relation:
        """The rows of one partition of a pinned table; all rows where it has none."""
        contract = table.contract
        only = key if contract.is_partitioned else None
        names = frozenset(dict(table.field_ids))
        return cls(contract, NAMESPACE, contract.table, table.snapshot_id, names, only)


def name_in(engine: ForeignName, *parts: str) -> str:
    """A qualified name, quoted as the engine quotes."""
    mark = QUOTES[engine]
    return ".".join(f"{mark}{quoted(part)[1:-1]}{mark}" for part in parts)


def select(engine: ForeignName, relation: Relation) -> str:
    """The relation's rows with the contract's columns; null where the table has not got one yet."""
    is_empty = relation.snapshot_id is None
    columns = ", ".join(
        f"CAST(NULL AS {TYPES[engine][c.type]}) AS {name_in(engine, c.name)}"
        if is_empty or c.name not in relation.columns
        else name_in(engine, c.name)
        for c in relation.contract.columns
    )
    if is_empty:
        return f"SELECT {columns} WHERE 1 = 0"
    source = name_in(engine, CATALOG, relation.namespace, relation.table)
    text = f"SELECT {columns} FROM {source} {AT_SNAPSHOT[engine]} {relation.snapshot_id}"
    if relation.trading_date is None:
        return text
    return f"{text} WHERE {name_in(engine, 'trading_date')} = DATE '{date.fromisoformat(relation.trading_date)}'"


def over(engine: ForeignName, relations: Mapping[str, Relation], text: str) -> str:
    """A text over relations, each shown under its name."""
    shown = ", ".join(f"{name_in(engine, name)} AS ({select(engine, one)})" for name, one in relations.items())
    return f"WITH {shown} {text}" if shown else text


def insert(engine: ForeignName, query: Query, key: str, contract: Contract, target: tuple[str, str]) -> str:
    """The statement that writes a partition's rows, cast to the contract, into `target` (namespace, table)."""
    relations = {name: Relation.of(table, key) for name, table in query.inputs.items()}
    columns = ", ".join(name_in(engine, c.name) for c in contract.columns)
    casts = ", ".join(
        f"CAST({name_in(engine, c.name)} AS {TYPES[engine][c.type]}) AS {name_in(engine, c.name)}"
        for c in contract.columns
    )
    computed = written_for(engine, query.text, values=query.parameters)
    rows = over(engine, relations, f"SELECT {casts} FROM ({computed}) AS computed")
    return f"INSERT INTO {name_in(engine, CATALOG, *target)} ({columns}) {rows}"
