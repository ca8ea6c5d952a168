"""What another engine is asked: the portable text of a table over pinned snapshots.

Belongs here: binding inputs as CTEs, casts to the contract; all in DuckDB's dialect. Does not: how an engine writes it
(`transforms.dialects`), nor running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.engine import casts, columns_of, quoted
from lakehouse_assets.lake.engines import ForeignName
from lakehouse_assets.lake.table import Table
from lakehouse_assets.settings import CATALOG, NAMESPACE
from lakehouse_assets.transforms.dialects import written_for
from lakehouse_assets.transforms.tree import DIALECT

if TYPE_CHECKING:
    from lakehouse_assets.lake.query import Query


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
    from sqlglot import transpile

    return transpile(_qualified(*parts), read=DIALECT, write=engine)[0]


def select(relation: Relation) -> str:
    """The relation's rows with the contract's columns, in DuckDB's dialect; null where the table lacks one yet."""
    contract = relation.contract
    if relation.snapshot_id is None:
        return f"SELECT {columns_of(contract, ())} WHERE 1 = 0"
    source = f"{_qualified(CATALOG, relation.namespace, relation.table)} FOR VERSION AS OF {relation.snapshot_id}"
    text = f"SELECT {columns_of(contract, relation.columns)} FROM {source}"
    if relation.trading_date is None:
        return text
    return f"{text} WHERE {quoted('trading_date')} = DATE '{date.fromisoformat(relation.trading_date)}'"


def over(relations: Mapping[str, Relation], text: str) -> str:
    """A text over relations, each shown under its name."""
    shown = ", ".join(f"{quoted(name)} AS ({select(one)})" for name, one in relations.items())
    return f"WITH {shown} {text}" if shown else text


def insert(engine: ForeignName, query: Query, key: str, contract: Contract, target: tuple[str, str]) -> str:
    """The statement that writes a partition's rows, cast to the contract, into `target` (namespace, table)."""
    relations = {name: Relation.of(table, key) for name, table in query.inputs.items()}
    rows = over(relations, f"SELECT {casts(contract)} FROM (\n{query.text}\n) AS computed")
    columns = ", ".join(name_in(engine, c.name) for c in contract.columns)
    written = written_for(engine, rows, values=query.parameters)
    return f"INSERT INTO {name_in(engine, CATALOG, *target)} ({columns}) {written}"


def _qualified(*parts: str) -> str:
    return ".".join(map(quoted, parts))
