"""Holding court: every gate over every staged partition, before anything is visible.

Belongs here: showing the staged rows to the gates and collecting the verdicts. Does not: the questions (`gates`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.gates import Case, Gate, Verdict
from lakehouse_assets.lake.staging import Staged
from lakehouse_assets.lake.table import Table

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Judged:
    """A verdict with its gate, table and partition."""

    table: str
    partition_key: str
    gate: Gate
    verdict: Verdict

    @property
    def refuses(self) -> bool:
        """Whether the batch must stay invisible."""
        return self.gate.is_blocking and not self.verdict.passed


def judge(together: Sequence[Staged], gates: Mapping[str, Sequence[Gate]]) -> tuple[Judged, ...]:
    """Judge tables that were staged in one step, each partition by all gates of its table."""
    return tuple(_judge_all(together, gates))


def _judge_all(together: Sequence[Staged], gates: Mapping[str, Sequence[Gate]]) -> Iterator[Judged]:
    for index, first in enumerate(together[0].partitions):
        parts = {staged.contract.table: staged.partitions[index] for staged in together}
        inputs = {name: table for staged in together for name, table in staged.inputs.items()}
        shown = [staged.table(parts[staged.contract.table]) for staged in together]
        with _court(together[0], [*(table.only(first.key) for table in inputs.values()), *shown]) as connection:
            for staged in together:
                table = staged.contract.table
                case = Case(staged, parts[table], connection, parts, inputs)
                for gate in gates[table]:
                    yield Judged(table, first.key, gate, gate.judge(case))


@contextmanager
def _court(staged: Staged, shown: Iterable[Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(staged.settings) as connection:
        for table in shown:
            table.bind(connection)
        yield connection
