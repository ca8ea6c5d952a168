"""Are two tables the same, row for row? A digest of the rows, whatever their order and files.

Belongs here: hashing what a handle shows. Does not: saying what it depends on (`query`, fingerprints).

Each row is written as a list of its columns' exact forms: numbers, dates and booleans in full, a time in microseconds
since 1970, text as it is, bytes in hex, a null apart from every text. A row's sha256 is cut to eight 32-bit words, and
each word is summed over all rows: a sum does not see order but sees how often a row is there. Doubles are written by
their shortest exact form, so 0.1 + 0.2 differs from 0.3, and 0.0 from -0.0.
"""

from hashlib import sha256

from lakehouse_assets.contracts.contract import Column
from lakehouse_assets.lake.engine import connect, quoted
from lakehouse_assets.lake.table import Table

WORDS = 8
"""Words of 8 hex digits in a sha256."""


def content_hash(table: Table) -> str:
    """A digest of the rows that a handle shows, equal exactly where the multisets of rows and the columns are equal."""
    columns = ", ".join(map(_exact, table.contract.columns))
    words = ", ".join(
        f"COALESCE(SUM(CAST('0x' || SUBSTRING(digest, {word * 8 + 1}, 8) AS HUGEINT)), 0)" for word in range(WORDS)
    )
    text = (
        f"SELECT COUNT(*), {words} "
        f"FROM (SELECT SHA256(CAST([{columns}] AS VARCHAR)) AS digest FROM {quoted(table.contract.table)})"
    )
    with connect(table.settings) as connection:
        table.bind(connection)
        found = connection.execute(text).fetchone()
    names = [f"{column.name}:{column.type}" for column in table.contract.columns]
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
