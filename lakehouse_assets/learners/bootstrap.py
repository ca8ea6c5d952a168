"""The block bootstrap: intervals that respect that rows close in time move together.

Belongs here: blocks of time, draws, intervals. Does not: what is measured (evaluation).
One move of an underlying labels a hundred contracts at once, so whole blocks of time are resampled, never rows.
Source: non-overlapping blocks, Carlstein (1986); drawn for every score at once, so that differences are paired.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.splits import MICROSECONDS_A_MINUTE, Times

Floats: TypeAlias = npt.NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Resampling:
    """So many samples of blocks of so many minutes, from one seed."""

    samples: int = 400
    block_minutes: int = 30
    seed: int = 7


@dataclass(frozen=True)
class Interval:
    """A score on the rows as they are, and its 95 % block-bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Three decimals, for people."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Draws:
    """The blocks of some rows, and how often each sample drew each block.

    `block` numbers the block of each row, shape (rows,); `times` has shape (samples + 1, blocks), and its first
    sample draws every block once: the rows as they are.
    """

    block: npt.NDArray[np.int64]
    times: Floats

    @property
    def blocks(self) -> int:
        """How many blocks hold rows."""
        return int(self.times.shape[1])

    def sums(self, per_row: npt.NDArray[np.generic]) -> Floats:
        """The sum of a quantity over the rows of each sample; shape (samples + 1,)."""
        sums: Floats = self.times @ np.bincount(self.block, weights=per_row, minlength=self.blocks)
        return sums


def draw(instants: Times, resampling: Resampling) -> Draws:
    """Cut the rows into blocks of time and draw blocks with replacement; memory is samples x blocks."""
    width = resampling.block_minutes * MICROSECONDS_A_MINUTE
    _, block = np.unique(instants // width, return_inverse=True)
    count = int(block.max()) + 1
    generator = np.random.default_rng(resampling.seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=resampling.samples)
    return Draws(block.astype(np.int64), np.vstack([np.ones(count), drawn]).astype(np.float64))


def interval(per_sample: Floats) -> Interval:
    """The first sample as value, the quantiles of the others around it; samples that are NaN are left out."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.nanquantile(per_sample[1:], [tail, 1 - tail])
    return Interval(float(per_sample[0]), float(low), float(high))
