"""Bronze's content: the landed files of a trading date, as the manifest lists them.

Belongs here: turning manifest rows into a stream for the engine. Does not: how a feed is read (`sources`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lakehouse_assets.lake.query import ARROW_VIEW, digest
from lakehouse_assets.lake.table import Table
from lakehouse_assets.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from lakehouse_assets.sources.adapter import Kind


@dataclass(frozen=True)
class LandedTicks:
    """The ticks of one kind in the accepted files of a manifest, streamed in batches of `bronze.batch_size`."""

    kind: Kind
    manifest: pa.Table
    settings: Settings
    inputs: Mapping[str, Table] = field(default_factory=dict)

    def has_rows(self, partition_key: str) -> bool:
        """Whether any accepted file holds ticks of this kind and date."""
        return bool(self._files(partition_key))

    def fingerprint(self, partition_key: str) -> str:
        """Over the files' bytes, names and first sight, their source's settings, and the adapters' code."""
        from lakehouse_assets.sources.landing import fingerprint

        return digest([self.kind, fingerprint(self._files(partition_key), self.settings)])

    def open(self, connection: duckdb.DuckDBPyConnection, partition_key: str) -> tuple[str, Mapping[str, object]]:
        """Let the engine read the files by itself where it can (Parquet), else show their ticks as one stream."""
        from lakehouse_assets.sources.landing import tick_batches, tick_query

        landed = self._files(partition_key), self.settings.raw, self.settings, date.fromisoformat(partition_key)
        if text := tick_query(self.kind, *landed):
            return text, {}
        connection.register(ARROW_VIEW, tick_batches(self.kind, *landed))
        return f"SELECT * FROM {ARROW_VIEW}", {}

    def confirm(self, partition_key: str) -> None:
        """Refuse the rows where a file was changed while the engine read it.

        Raises:
            FileRefused: CHANGED.
        """
        from lakehouse_assets.sources.adapter import FileRefused

        for row in self._files(partition_key):
            now = (self.settings.raw / row["path"]).stat()
            if (now.st_size, now.st_mtime_ns) != (row["bytes"], row["modified_ns"]):
                raise FileRefused("CHANGED", f"{row['path']} changed while it was read: run again from the manifest on")

    def _files(self, partition_key: str) -> list[dict[str, Any]]:
        return self._by_date.get(date.fromisoformat(partition_key), [])

    @cached_property
    def _by_date(self) -> Mapping[date, list[dict[str, Any]]]:
        """The accepted files with ticks of this kind; sorted out once, however many dates are asked for."""
        found: dict[date, list[dict[str, Any]]] = {}
        for row in self.manifest.to_pylist():
            if row["status"] == "accepted" and row[f"{self.kind}_rows"]:
                found.setdefault(row["trading_date"], []).append(row)
        return found


def landed_ticks(kind: Kind, manifest: Table) -> LandedTicks:
    """The ticks that a pinned manifest lists; it is small enough to hold: one row a file and date."""
    return LandedTicks(kind, manifest.batches().read_all(), manifest.settings, {manifest.contract.table: manifest})
