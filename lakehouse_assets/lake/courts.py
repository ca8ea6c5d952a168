"""Where gates ask their questions: on the engine that computed the rows.

Belongs here: one question in DuckDB's dialect, answered by any engine. Does not: the questions (`gates`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from lakehouse_assets.lake.engines import ForeignEngine
from lakehouse_assets.lake.engines.statements import Relation, over
from lakehouse_assets.transforms.dialects import written_for

if TYPE_CHECKING:
    import duckdb

BEFORE = "_before"
"""Ends the name of what a table held that is written now."""


class Court(Protocol):
    """An engine that shows the staged rows and their inputs under the names of their tables."""

    @property
    def has_bitmaps(self) -> bool:
        """Whether the engine aggregates numbers into bitmaps."""
        ...

    def ask(self, text: str, parameters: Mapping[str, object] | None = None, /) -> Sequence[tuple[Any, ...]]:
        """The rows of a question; parameters are named with `$`."""
        ...


@dataclass(frozen=True)
class DuckDBCourt:
    """The embedded engine, the rows bound as views."""

    connection: duckdb.DuckDBPyConnection
    has_bitmaps = True

    def ask(self, text: str, parameters: Mapping[str, object] | None = None) -> Sequence[tuple[Any, ...]]:
        """The rows of a question."""
        return self.connection.execute(text, dict(parameters) if parameters else None).fetchall()


@dataclass(frozen=True)
class ForeignCourt:
    """Spark or Trino, the rows shown as CTEs over the catalog's tables."""

    engine: ForeignEngine
    relations: Mapping[str, Relation]
    has_bitmaps = False

    def ask(self, text: str, parameters: Mapping[str, object] | None = None) -> Sequence[tuple[Any, ...]]:
        """The rows of a question, in the engine's dialect."""
        named = {name: one for name, one in self.relations.items() if name in text}
        return self.engine.rows(written_for(self.engine.name, over(named, text), values=parameters))
