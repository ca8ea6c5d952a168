"""Are two tables the same, row for row? A digest of the rows, whatever their order and files.

Belongs here: hashing what a handle shows. Does not: saying what it depends on (`query`, fingerprints).

Each row is written as a list of its columns' exact forms: numbers, dates and booleans in full, a time in microseconds
since 1970, text as it is, bytes in hex, a null apart from every text. A row's sha256 is cut to eight 32-bit words, and
each word is summed over all rows: a sum does not see order but sees how often a row is there. Doubles are written by
their shortest exact form, so 0.1 + 0.2 differs from 0.3, and 0.0 from -0.0.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.engine import connect, quoted
from lakehouse_assets.lake.table import Table

if TYPE_CHECKING:
    import duckdb

WORDS = 8
"""Words of 8 hex digits in a sha256."""


def content_hash(table: Table) -> str:
    """A digest of the rows that a handle shows, equal exactly where the multisets of rows and the columns are equal."""
    with connect(table.settings) as connection:
        table.bind(connection)
        return rows_hash(connection, table.contract, table.contract.table)


def rows_hash(connection: duckdb.DuckDBPyConnection, contract: Contract, view: str) -> str:
    """The same of a view that has the contract's columns in the contract's types."""
    columns = ", ".join(map(_exact, contract.columns))
    words = ", ".join(
        f"COALESCE(SUM(CAST('0x' || SUBSTRING(digest, {word * 8 + 1}, 8) AS HUGEINT)), 0)" for word in range(WORDS)
    )
    text = f"SELECT COUNT(*), {words} FROM (SELECT SHA256(CAST([{columns}] AS VARCHAR)) AS digest FROM {quoted(view)})"
    found = connection.execute(text).fetchone()
    names = [f"{column.name}:{column.type}" for column in contract.columns]
    return sha256(repr((names, found)).encode()).hexdigest()


def _exact(column: Column) -> str:
    """The value as text, in which no two values look alike; text carries its length, so nothing within it does."""
    name = quoted(column.name)
    if column.type == "timestamptz":
        shown = f"CAST(EPOCH_US({name}) AS VARCHAR)"
    elif column.type == "binary":
        shown = f"HEX({name})"
    elif column.type == "string":
        shown = f"LENGTH({name}) || ':' || {name}"
    else:
        shown = f"CAST({name} AS VARCHAR)"
    return f"COALESCE({shown}, 'null')"
