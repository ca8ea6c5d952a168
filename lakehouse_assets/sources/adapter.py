"""What an adapter is: one function that turns one landed file into batches of canonical ticks.

Belongs here: the words shared by every feed: the file it is given, the batches it yields, the refusal it raises.
Does not: any feed (one module each), the canonical columns (`canonical`), or which files exist (`landing`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import pyarrow as pa

from lakehouse_assets.settings import SourceSettings

Array: TypeAlias = "pa.Array[Any]"
"""An Arrow array of any type (quoted: the class takes its parameter only in its type stubs)."""

Field: TypeAlias = "pa.Field[Any]"
"""An Arrow field of any type."""

Kind = Literal["option", "underlying"]
"""Which table a tick belongs to: bronze_option_ticks or bronze_underlying_ticks."""

KINDS: Final[tuple[Kind, ...]] = ("option", "underlying")

Reason = Literal[
    "EMPTY", "TRUNCATED", "NOT_WHAT_IT_SAYS", "MISSING_COLUMN", "EXTRA_COLUMN", "WRONG_TYPE", "BAD_ENCODING",
    "PARSE_ERROR", "NO_TICKS", "TOO_LARGE", "UNSAFE_ENTRY", "UNSAFE_PATH", "UNKNOWN_SOURCE", "UNEXPECTED_NAME",
    "CHANGED", "UNREADABLE",
]  # fmt: skip
"""Why a file is not taken in; the first word of the manifest's `reason`."""


class FileRefused(ValueError):
    """A file is not taken in; `str()` reads "CODE: what, where: what to do" and goes into the manifest as it is."""

    def __init__(self, reason: Reason, message: str) -> None:
        """Refuse a file.

        Args:
            reason: the short code.
            message: what is wrong, where in the file, and what to do about it.
        """
        super().__init__(f"{reason}: {message}")
        self.reason: Reason = reason


@dataclass(frozen=True)
class LandedFile:
    """One file of the landing zone, as an adapter gets it.

    `path` is where its bytes lie, `name` its path relative to the landing zone with forward slashes, `source` the
    feed it belongs to, `settings` that feed's five lines, `batch_size` the most rows a batch may hold.
    """

    path: Path
    name: str
    source: str
    settings: SourceSettings
    batch_size: int


class Ticks(NamedTuple):
    """A batch of one kind: the columns of `canonical.TICK_SCHEMAS[kind]`, made by `canonical.complete`."""

    kind: Kind
    batch: pa.RecordBatch


Adapter = Callable[[LandedFile], Iterator[Ticks]]
"""A feed: the function `read` of its module. It streams: memory is bounded by the batch, never by the file."""
