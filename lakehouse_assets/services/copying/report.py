"""What a copy did, and how it tells of its progress.

Belongs here: numbers and words. Does not: copying, nor how it is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str, int], None]
"""Told what is being copied, and how many bytes of it were written since the last call."""


class CopyRefused(RuntimeError):
    """Nothing was copied; the message says what stands in the way, where, and what to do."""


@dataclass(frozen=True)
class Line:
    """One kind of thing: how many were copied, were there already, were left as production holds them, in bytes.

    `verified` says by which hash what was copied was compared.
    """

    what: str
    copied: int
    there: int
    left: int
    bytes: int
    verified: str


@dataclass(frozen=True)
class Copied:
    """All that a copy did; `notes` are what a person should know, a sentence each."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def is_new(self) -> bool:
        """Whether anything was copied that was not there."""
        return any(line.copied for line in self.lines)


def silent(_: str, __: int) -> None:
    """Progress that nobody sees."""
