"""Features that give the label away: refused before anything is learnt from them.

Belongs here: the search for a feature that alone separates the classes without one exception. Does not: a score that
is merely too good (judgement), which rows are learnt from (splits).
On a short horizon nothing that is known at t0 separates rises from falls without exception. What does is the label
under another name, or the price that it was made of.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.matrix import Matrix, labels, matrix
from lakehouse_assets.learners.spool import Batches, Columns, values

FEWEST_INSTANTS = 20
"""Each class must be seen at so many instants: with fewer, a feature may part the classes by chance, since all
contracts of one instant share the underlying's features and often their label."""


class TellsTheLabel(ValueError):
    """A feature is the label in disguise; the message names it."""


@dataclass(frozen=True)
class _Extent:
    """Where the values of one class lie; low, high and known of shape (features,), nulls left out."""

    low: Matrix
    high: Matrix
    known: npt.NDArray[np.int64]
    rows: int

    @classmethod
    def of(cls, part: Matrix) -> "_Extent":
        known = len(part) - np.isnan(part).sum(axis=0)
        low, high = np.float32(np.inf), np.float32(-np.inf)
        return cls(
            np.fmin.reduce(part, axis=0, initial=low), np.fmax.reduce(part, axis=0, initial=high), known, len(part)
        )

    def widened(self, by: "_Extent") -> "_Extent":
        return _Extent(
            np.minimum(self.low, by.low), np.maximum(self.high, by.high), self.known + by.known, self.rows + by.rows
        )


def refuse_telltales(batches: Batches, columns: Columns) -> None:
    """Refuse features that separate the classes: by their values wherever they are known, or by being known at all.

    One pass over the rows in the memory of a batch; another one for each feature under suspicion, of which an honest
    table has none.

    Args:
        batches: the rows that are to be learnt from.
        columns: which column is what.

    Raises:
        TellsTheLabel: a feature separates the classes, each seen at `FEWEST_INSTANTS` instants or more.
        ValueError: a label that is not 0 or 1, or an infinite feature.
    """
    fallen, risen = _extents(batches, columns)
    apart = (fallen.high < risen.low) | (risen.high < fallen.low)
    by_value = apart & (fallen.known > 0) & (risen.known > 0)
    by_null = ((fallen.known == fallen.rows) & (risen.known == 0)) | ((fallen.known == 0) & (risen.known == risen.rows))
    telling = [name for name in _named(columns, by_value) if _instants(batches, columns, name) >= FEWEST_INSTANTS]
    if by_null.any() and _instants(batches, columns) >= FEWEST_INSTANTS:
        telling += _named(columns, by_null)
    if telling:
        raise TellsTheLabel(
            f"{', '.join(telling)}: separates all rows with {columns.label} = 1 from all with 0, which nothing known "
            f"at {columns.t0} does. It is the label in disguise, or computed from what came after: take it out of the "
            "features"
        )


def _named(columns: Columns, chosen: npt.NDArray[np.bool_]) -> list[str]:
    return [columns.features[position] for position in np.flatnonzero(chosen)]


def _extents(batches: Batches, columns: Columns) -> Sequence[_Extent]:
    """Of class 0 and of class 1."""
    found = [_Extent.of(np.empty((0, len(columns.features)), dtype=np.float32)) for _ in range(2)]
    for batch in batches():
        features, risen = matrix(batch, columns.features), labels(batch, columns.label) == 1
        for side, mine in enumerate((~risen, risen)):
            found[side] = found[side].widened(_Extent.of(features[mine]))
    return found


def _instants(batches: Batches, columns: Columns, known: str | None = None) -> int:
    """At how many instants the rarer class is seen, among the rows where the feature `known` is not null."""
    seen: tuple[set[int], set[int]] = set(), set()
    for batch in batches():
        risen, times = labels(batch, columns.label) == 1, values(batch, columns.t0)
        counted = np.full(len(times), True) if known is None else ~np.isnan(matrix(batch, (known,))[:, 0])
        for side, mine in enumerate((~risen, risen)):
            seen[side].update(np.unique(times[mine & counted]).tolist())
    return min(map(len, seen))
