"""The content of the table of images: what the files of `mnist.folder`, or scikit-learn's digits, hold.

Belongs here: handing their stream to the engine. Does not: how a file is read (`sources/images`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakehouse_assets.lake.query import ARROW_VIEW, digest
from lakehouse_assets.lake.table import Table
from lakehouse_assets.settings import Settings

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class LandedImages:
    """The images of `mnist.origin`, streamed; `verified` is the fingerprint of their files when these were whole."""

    settings: Settings
    verified: str
    inputs: Mapping[str, Table] = field(default_factory=dict)

    def fingerprint(self, _: str) -> str:
        """Over the files' bytes and the code that reads them."""
        return digest([self.settings.mnist.origin, self.verified])

    def open(self, connection: duckdb.DuckDBPyConnection, _: str) -> tuple[str, Mapping[str, object]]:
        """Show the images to the engine as one stream, of which it holds a batch at a time."""
        import pyarrow as pa

        from lakehouse_assets.sources.images import image_batches
        from lakehouse_assets.sources.images.rows import SCHEMA

        stream = pa.RecordBatchReader.from_batches(SCHEMA, image_batches(self.settings))
        connection.register(ARROW_VIEW, stream)
        return f"SELECT * FROM {ARROW_VIEW}", {}

    def confirm(self, _: str) -> None:
        """Refuse the rows where a file was changed while the engine read it.

        Raises:
            SettingsError: it is gone.
            FileRefused: it is another one.
        """
        from lakehouse_assets.sources.images import verified_fingerprint

        verified_fingerprint(self.settings)


def landed_images(settings: Settings) -> LandedImages:
    """The images of the settings, once their files have been found whole.

    Raises:
        SettingsError: a file is not there; the message says which files to put where, and what else may be set.
        FileRefused: a file is damaged or another one.
    """
    from lakehouse_assets.sources.images import verified_fingerprint

    return LandedImages(settings, verified_fingerprint(settings))
