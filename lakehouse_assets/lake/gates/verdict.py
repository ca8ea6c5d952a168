"""The words of the gates: a case to be judged, and the verdict.

Belongs here: shapes only. Does not: any question that a gate asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lakehouse_assets.lake.courts import Court
from lakehouse_assets.lake.staging import Staged, StagedPartition
from lakehouse_assets.lake.table import Table

Value = float | int | str


@dataclass(frozen=True)
class Verdict:
    """What a gate found in one partition; numbers are metadata that the UI plots."""

    passed: bool
    words: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One staged partition before the gates.

    The court shows the staged rows under the table's name, those of the same step's other tables under theirs,
    and the inputs of the partition under theirs.
    """

    staged: Staged
    part: StagedPartition
    court: Court
    together: Mapping[str, StagedPartition]
    inputs: Mapping[str, Table]


@dataclass(frozen=True)
class Gate:
    """A question with a name that is a true sentence when it passes.

    `is_blocking` refuses the batch; `is_of_the_table` asks about the whole table rather than one trading date.
    """

    name: str
    meaning: str
    is_blocking: bool
    judge: Callable[[Case], Verdict]
    is_of_the_table: bool = False
