"""Bronze's content: the landed files of a trading date, as the manifest lists them.

Belongs here: turning manifest rows into a stream for the engine. Does not: how a feed is read (`sources`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.query import ARROW_VIEW, digest
from lakehouse_assets.lake.table import Table
from lakehouse_assets.sources.adapter import Kind
from lakehouse_assets.sources.landing import fingerprint, tick_batches


@dataclass(frozen=True)
class LandedTicks:
    """The ticks of one kind in the accepted files of the manifest, streamed in batches of `bronze.batch_size`."""

    kind: Kind
    manifest: Table

    @property
    def inputs(self) -> Mapping[str, Table]:
        """The pinned manifest."""
        return {self.manifest.contract.table: self.manifest}

    def fingerprint(self, partition_key: str) -> str:
        """Over the files' bytes, names and first sight, their source's settings, and the adapters' code."""
        files = self._files(partition_key)
        return digest([self.kind, fingerprint(files, self.manifest.settings)])

    def open(self, connection: duckdb.DuckDBPyConnection, partition_key: str) -> tuple[str, Mapping[str, object]]:
        """Show the files' ticks to the engine as one stream."""
        settings = self.manifest.settings
        stream = tick_batches(
            self.kind, self._files(partition_key), settings.raw, settings, date.fromisoformat(partition_key)
        )
        connection.register(ARROW_VIEW, stream)
        return f"SELECT * FROM {ARROW_VIEW}", {}

    def _files(self, partition_key: str) -> list[dict[str, Any]]:
        """The manifest's rows of accepted files that hold ticks of this kind and date, in a stable order."""
        with connect(self.manifest.settings) as connection:
            self.manifest.bind(connection)
            rows = connection.execute(
                f"SELECT * FROM raw_option_tick_files WHERE status = 'accepted' AND trading_date = CAST($day AS DATE) "
                f"AND {self.kind}_rows > 0 ORDER BY source, path",
                {"day": partition_key},
            )
            return rows.to_arrow_table().to_pylist()
