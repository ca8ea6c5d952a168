"""Engines beside DuckDB that compute tables and write their files themselves: Spark and Trino.

Belongs here: what the lake asks of such an engine, and opening the one that the settings name. Does not: what they are
asked (`statements`), nor where they write (`lake.clones`).
"""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from lakehouse_assets.settings import Settings

ForeignName = Literal["spark", "trino"]


class EngineFailed(RuntimeError):
    """An engine could not be reached, or failed at a statement; the message says which and with what words."""


class ForeignEngine(Protocol):
    """An engine on the catalog of the settings."""

    name: ForeignName

    def rows(self, text: str, /) -> Sequence[tuple[Any, ...]]:
        """The rows of a question in the engine's own dialect; small ones.

        Raises:
            EngineFailed: the engine refused it, or is not there.
        """
        ...

    def run(self, text: str, /) -> None:
        """Carry out a statement.

        Raises:
            EngineFailed: the engine refused it, or is not there.
        """
        ...


_OPENED: dict[tuple[str, ...], ForeignEngine] = {}


def opened(name: ForeignName, settings: Settings) -> ForeignEngine:
    """The engine of this process; a session is dear (Spark 15 s), so there is one."""
    where = (name, settings.catalog_uri, str(settings.storage), str(settings.spark), str(settings.trino))
    if where not in _OPENED:
        _OPENED[where] = _open(name, settings)
    return _OPENED[where]


def _open(name: ForeignName, settings: Settings) -> ForeignEngine:
    if name == "spark":
        from lakehouse_assets.lake.engines.spark import Spark

        return Spark(settings)
    from lakehouse_assets.lake.engines.trino import Trino

    return Trino(settings)
