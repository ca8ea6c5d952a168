"""What a table is made of: a portable SQL text over pinned tables, or batches that a source reads from files.

Belongs here: the two kinds of content that the lake can stage, and their fingerprints. Does not: writing them.
A fingerprint says what the rows depend on, so that the same content is never written twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.table import BATCH_ROWS, Table
from lakehouse_assets.settings import Settings
from lakehouse_assets.transforms.called import code_named
from lakehouse_assets.transforms.text import macros_text, parameters_of, sql_text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ARROW_VIEW = "arrived"


class Content(Protocol):
    """Something that can be staged, one partition at a time."""

    @property
    def inputs(self) -> Mapping[str, Table]:
        """The pinned tables that are read, by name."""
        ...

    def fingerprint(self, partition_key: str) -> str:
        """A digest of everything that the partition's rows depend on."""
        ...

    def open(self, connection: duckdb.DuckDBPyConnection, partition_key: str, /) -> tuple[str, Mapping[str, object]]:
        """Bind the inputs to the engine; the select that yields the partition's rows, and its parameters."""
        ...

    def confirm(self, partition_key: str, /) -> None:
        """After the rows were written: refuse them if what they were read from changed meanwhile."""
        ...


@dataclass(frozen=True)
class Query:
    """A table's SQL over pinned inputs; `parameters` are the thresholds that the text names with `$`."""

    text: str
    inputs: Mapping[str, Table]
    parameters: Mapping[str, object] = field(default_factory=dict)

    def fingerprint(self, partition_key: str) -> str:
        """Over text, macros, called functions, parameters and the immutable input files of the partition."""
        parts = {
            "text": self.text,
            "macros": macros_text(),
            "code": code_named(self.text + macros_text()),
            "parameters": {name: repr(value) for name, value in sorted(self.parameters.items())},
            "inputs": {name: table.only(partition_key).content_key for name, table in sorted(self.inputs.items())},
        }
        return digest(parts)

    def open(self, connection: duckdb.DuckDBPyConnection, partition_key: str) -> tuple[str, Mapping[str, object]]:
        """Show each input's partition under its own name; the text runs as written."""
        for table in self.inputs.values():
            table.only(partition_key).bind(connection)
        return self.text, self.parameters

    def confirm(self, _: str) -> None:
        """Nothing can have changed: snapshots and rows in memory are immutable."""


@dataclass(frozen=True)
class Rows:
    """Rows made in Python, such as the manifest: small enough to hold."""

    rows: pa.Table
    inputs: Mapping[str, Table] = field(default_factory=dict)

    def fingerprint(self, partition_key: str) -> str:
        """Over the rows themselves."""
        return digest({"rows": self.rows.to_pylist(), "key": partition_key})

    def open(self, connection: duckdb.DuckDBPyConnection, _: str) -> tuple[str, Mapping[str, object]]:
        """Show the rows to the engine."""
        connection.register(ARROW_VIEW, self.rows)
        return f"SELECT * FROM {ARROW_VIEW}", {}

    def confirm(self, _: str) -> None:
        """Nothing can have changed: snapshots and rows in memory are immutable."""


def query(table: str, *inputs: Table, parameters: Mapping[str, object] | None = None) -> Query:
    """The SQL text named like the table over its inputs; of the parameters, those that it names.

    Raises:
        FileNotFoundError: there is no such transform.
        KeyError: the text names a parameter that nobody gave.
    """
    text = sql_text(table)
    given = parameters or {}
    return Query(text, {one.contract.table: one for one in inputs}, {name: given[name] for name in parameters_of(text)})


def run(text: str, tables: Mapping[str, Table], settings: Settings, size: int = BATCH_ROWS) -> pa.RecordBatchReader:
    """Stream a select over pinned tables, each shown under its name."""
    connection = connect(settings)
    for name, table in tables.items():
        table.bind(connection, name)
    return connection.sql(text).to_arrow_reader(size)


def digest(parts: object) -> str:
    """The sha256 of a JSON text with sorted keys."""
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
