"""Walk-forward splits on time intervals: purged by label end, then embargoed.

Belongs here: which rows a model may learn from and which it is judged on. Does not: reading rows, fitting.
Each row's label looks at the closed interval [t0, t1]; rows are told apart by these times alone, never by their
position, because a gap counted in rows leaks wherever rows are unevenly spaced in time.
Source: Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 7.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.untrainable import Untrainable

Times: TypeAlias = npt.NDArray[np.int64]
"""Microseconds since the epoch, UTC; shape (rows,)."""
Mask: TypeAlias = npt.NDArray[np.bool_]
Rows: TypeAlias = npt.NDArray[np.int64]

MICROSECONDS_A_MINUTE = 60_000_000


class TooLittleHistory(Untrainable):
    """The rows span too few instants to train and to judge honestly; the message says what is missing."""


@dataclass(frozen=True)
class Fold:
    """One training set and the test span after it.

    Rows are tested where `test_start <= t0 < test_stop` (`test_stop` None: open), and trained on where
    `t1 < train_end`, with `train_end = test_start - embargo`. Membership is a threshold on time, so it can be
    decided batch by batch; all rows of one instant, whatever their contract or underlying, fall on one side.
    """

    name: str
    train_end: int
    test_start: int
    test_stop: int | None

    def trains(self, t1: Times) -> Mask:
        """The rows to learn from: their label is known, and the embargo over, before the test span starts."""
        return t1 < self.train_end

    def tests(self, t0: Times) -> Mask:
        """The rows of the test span."""
        after = t0 >= self.test_start
        return after if self.test_stop is None else after & (t0 < self.test_stop)

    def train_rows(self, t1: Times) -> Rows:
        """The positions of the training rows, ascending."""
        return np.flatnonzero(self.trains(t1)).astype(np.int64)

    def test_rows(self, t0: Times) -> Rows:
        """The positions of the test rows, ascending."""
        return np.flatnonzero(self.tests(t0)).astype(np.int64)


@dataclass(frozen=True)
class WalkForward:
    """Folds in the order of time, and a last span that no fold has seen."""

    folds: tuple[Fold, ...]
    holdout: Fold

    @property
    def every(self) -> tuple[Fold, ...]:
        """The folds, then the hold-out."""
        return (*self.folds, self.holdout)


def walk_forward(t0: Times, t1: Times, *, folds: int, holdout_share: float, embargo_us: int) -> WalkForward:
    """Cut the rows into expanding training sets, each followed by its test span.

    The last `holdout_share` of the rows is the hold-out; the rows before it make `folds + 1` spans of about equal
    size, the first for training alone. A cut is moved back to its instant's first row, so that no instant is split.
    Training lies wholly before its test span, so the embargo is a gap in front of it.

    Args:
        t0: when each row's features were known, microseconds; any order, shape (rows,).
        t1: when each row's label was known, `t1 >= t0`, shape (rows,).
        folds: test spans before the hold-out, 0 or more.
        holdout_share: share of the rows in the hold-out, between 0 and 1.
        embargo_us: microseconds between the last label learnt from and the first row judged.

    Raises:
        TooLittleHistory: a fold would have no row to learn from or none to be judged on.
        Untrainable: an argument contradicts itself.
    """
    _refuse_nonsense(t0, t1, folds, holdout_share, embargo_us)
    instants = np.sort(t0)
    before = len(instants) - round(len(instants) * holdout_share)
    cuts = [int(instants[min(before * k // (folds + 1), before - 1)]) for k in range(1, folds + 1)]
    cuts.append(int(instants[min(before, len(instants) - 1)]))
    made = [
        Fold(f"fold_{k}" if k <= folds else "holdout", start - embargo_us, start, stop)
        for k, (start, stop) in enumerate(zip(cuts, [*cuts[1:], None], strict=True), start=1)
    ]
    for fold in made:
        _refuse_empty(fold, t0, t1)
    return WalkForward(tuple(made[:-1]), made[-1])


def leaking_rows(fold: Fold, t0: Times, t1: Times) -> Rows:
    """Training rows whose [t0, t1] touches a test row's interval: none, or the fold is wrong.

    A guard that is computed from the intervals themselves and not from the fold's thresholds; O(n log n).
    """
    train = fold.train_rows(t1)
    test = fold.test_rows(t0)
    starts, ends = np.sort(t0[test]), np.sort(t1[test])
    # Intervals that touch = those that start no later than mine ends, minus those that end before mine starts.
    touching = np.searchsorted(starts, t1[train], side="right") - np.searchsorted(ends, t0[train], side="left")
    return train[touching > 0]


def _refuse_nonsense(t0: Times, t1: Times, folds: int, holdout_share: float, embargo_us: int) -> None:
    if t0.shape != t1.shape or t0.ndim != 1:
        raise Untrainable(f"t0 and t1 must be two columns of one length, found shapes {t0.shape} and {t1.shape}")
    if len(t0) == 0:
        raise TooLittleHistory("no labelled rows: materialize features and labels of at least one trading date first")
    if bool(np.any(t1 < t0)):
        row = int(np.argmax(t1 < t0))
        raise Untrainable(f"row {row}: its label ends ({int(t1[row])}) before it starts ({int(t0[row])})")
    if folds < 0 or not 0 < holdout_share < 1 or embargo_us < 0:
        raise Untrainable(
            "a split needs folds >= 0, 0 < holdout_share < 1 and embargo >= 0; "
            f"found {folds}, {holdout_share} and {embargo_us}"
        )


def _refuse_empty(fold: Fold, t0: Times, t1: Times) -> None:
    train, test = int(fold.trains(t1).sum()), int(fold.tests(t0).sum())
    if train == 0 or test == 0:
        instants = len(np.unique(t0))
        raise TooLittleHistory(
            f"{fold.name}: {train} rows to learn from and {test} to be judged on, out of {len(t0)} rows at {instants} "
            "instants: materialize more trading dates, or lower model.folds or model.embargo_minutes"
        )
