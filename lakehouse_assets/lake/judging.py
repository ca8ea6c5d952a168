"""Holding court: every gate over every staged partition, before anything is visible.

Belongs here: showing the staged rows to the gates and collecting the verdicts. Does not: the questions (`gates`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lakehouse_assets.lake.courts import BEFORE, Court, DuckDBCourt, ForeignCourt
from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.engines import ForeignName, opened
from lakehouse_assets.lake.engines.statements import Relation
from lakehouse_assets.lake.gates import Case, Gate, Verdict
from lakehouse_assets.lake.staging import Staged, StagedPartition
from lakehouse_assets.lake.table import Table


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
        with ExitStack() as courts:
            for engine in {staged.engine for staged in together}:
                of_engine = [staged for staged in together if staged.engine == engine]
                court = courts.enter_context(_court(engine, of_engine, parts, inputs, first.key))
                for staged in of_engine:
                    table = staged.contract.table
                    case = Case(staged, parts[table], court, parts, inputs)
                    for gate in gates[table]:
                        yield Judged(table, first.key, gate, gate.judge(case))


@contextmanager
def _court(
    engine: ForeignName | None,
    together: Sequence[Staged],
    parts: Mapping[str, StagedPartition],
    inputs: Mapping[str, Table],
    key: str,
) -> Iterator[Court]:
    """The engine that computed the tables, showing their staged rows and the inputs of the partition.

    What a table held that is written now is shown as `<table>_before`.
    """
    settings = together[0].settings
    staged_parts = {staged.contract.table: (staged, parts[staged.contract.table]) for staged in together}
    named_inputs = {f"{name}{BEFORE}" if name in staged_parts else name: table for name, table in inputs.items()}
    if engine is not None:
        relations = {name: Relation.of(table, key) for name, table in named_inputs.items()}
        relations |= {name: staged.relation(part) for name, (staged, part) in staged_parts.items()}
        yield ForeignCourt(opened(engine, settings), relations)
        return
    with connect(settings) as connection:
        shown = {name: table.only(key) for name, table in named_inputs.items()}
        shown |= {name: staged.table(part) for name, (staged, part) in staged_parts.items()}
        for name, table in shown.items():
            table.bind(connection, name)
        yield DuckDBCourt(connection)
