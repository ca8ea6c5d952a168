"""The ledger of promotions: the rows of `model_promotions`, read and added to.

Belongs here: a move as a row, reading all moves, adding one behind its gates, which versions are in force by them.
Does not: moving the alias (`promotions`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final

from lakehouse_assets.contracts.models import MODEL_PROMOTIONS, PROMOTION
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import ATTEMPTS, PublishConflict
from lakehouse_assets.lake.gates import Chain, Gate, chain_gate, contract_gate, history_gate
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.table import Table, pin
from lakehouse_assets.lake.writing import Accepted, Written, accept

GATES: Final[tuple[Gate, ...]] = (
    contract_gate(MODEL_PROMOTIONS),
    history_gate(MODEL_PROMOTIONS),
    chain_gate(MODEL_PROMOTIONS, Chain(owner="model", number="sequence", begins="from_version", ends="to_version")),
)
"""All block: a row that breaks the chain would make every later rollback go to a wrong version."""


@dataclass(frozen=True)
class Move:
    """One row of `model_promotions`; the fields are its columns, in their order."""

    model: str
    sequence: int
    moved_at: datetime
    moved_by: str
    kind: str
    from_version: int | None
    to_version: int | None
    to_log_loss: float | None
    from_log_loss: float | None
    log_loss_advantage: float | None
    log_loss_advantage_low: float | None
    log_loss_advantage_high: float | None
    to_accuracy: float | None
    why: str
    data_key: str | None
    hold_out: str | None

    def as_json(self) -> str:
        """The move as text."""
        return json.dumps(asdict(self) | {"moved_at": self.moved_at.isoformat()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Move | None":
        """The move out of `as_json`; None where an older or newer program wrote other fields."""
        saved: dict[str, Any] = json.loads(text)
        if set(saved) != {one.name for one in fields(cls)}:
            return None
        return cls(**saved | {"moved_at": datetime.fromisoformat(saved["moved_at"])})

    def is_same(self, other: "Move") -> bool:
        """Whether both are one move, whatever number it was given."""
        return replace(self, sequence=other.sequence) == other


@dataclass(frozen=True)
class Ledger:
    """All moves of all models at one snapshot, in order."""

    table: Table
    moves: tuple[Move, ...] = field(repr=False)

    def of(self, model: str) -> tuple[Move, ...]:
        """The moves of one model, in order."""
        return tuple(move for move in self.moves if move.model == model)

    def champion_of(self, model: str) -> int | None:
        """The version that serves, by the moves."""
        moves = self.of(model)
        return moves[-1].to_version if moves else None

    def accept(self, lake: Lake, added: Iterable[Move]) -> Accepted:
        """The moves and those that are added, staged and judged; without any, the table as it is.

        Raises:
            BatchRefused: a gate refused them.
            PublishConflict: the ledger changed since it was read.
        """
        import pyarrow as pa

        from lakehouse_assets.sources.canonical import arrow_schema

        rows = [asdict(move) for move in (*self.moves, *added)]
        content = Rows(
            pa.Table.from_pylist(rows, schema=arrow_schema(MODEL_PROMOTIONS)), {MODEL_PROMOTIONS.table: self.table}
        )
        return accept(lake, MODEL_PROMOTIONS, GATES, content)


def read(lake: Lake) -> Ledger:
    """The ledger as it is now; empty where nothing was ever promoted."""
    table = pin(lake, MODEL_PROMOTIONS)
    rows = table.batches(order_by=MODEL_PROMOTIONS.key).read_all().to_pylist()
    return Ledger(table, tuple(Move(**row) for row in rows))


def accept_move(lake: Lake, move: Move | None) -> Accepted:
    """The ledger with the move added under the next number, staged and judged; a move that it holds is not repeated.

    Without a move it is the ledger as it is.

    Raises:
        BatchRefused: a gate refused the row.
        PublishConflict: too many writers at once.
    """
    for _ in range(ATTEMPTS):
        ledger = read(lake)
        known = ledger.of(move.model) if move else ()
        is_there = move is None or any(one.is_same(move) for one in known)
        added = [] if move is None or is_there else [replace(move, sequence=len(known) + 1)]
        try:
            return ledger.accept(lake, added)
        except PublishConflict:  # another model's move came between: start from what is there now
            continue
    raise PublishConflict(f"{MODEL_PROMOTIONS.table}: others wrote {ATTEMPTS} times meanwhile; run again")


def write_down(lake: Lake, move: Move | None, run_id: str, accepted: Accepted | None = None) -> Written:
    """Publish the ledger with the move added; from what is there now where another commit came first.

    Args:
        lake: the lake.
        move: the move; None to state the ledger as it is, with its verdicts.
        run_id: who writes.
        accepted: the same move, staged and judged already.

    Raises:
        BatchRefused: a gate refused the row.
        PublishConflict: too many writers at once.
    """
    for _ in range(ATTEMPTS):
        waiting = accepted or accept_move(lake, move)
        try:
            return waiting.publish(run_id)
        except PublishConflict:
            accepted = None
    raise PublishConflict(f"{MODEL_PROMOTIONS.table}: others wrote {ATTEMPTS} times meanwhile; run again")


def in_force(moves: Iterable[Move]) -> tuple[int, ...]:
    """The versions that rollbacks would still go through, the serving one last.

    A promotion puts a version on top. A rollback, or an alias that was found moved, goes back to where its version
    lies and forgets what lay above it, so that going back again never comes to a version that was left behind.
    """
    versions: list[int] = []
    for move in moves:
        if move.to_version is None or versions[-1:] == [move.to_version]:
            continue
        if move.kind != PROMOTION and move.to_version in versions:
            last = len(versions) - 1 - versions[::-1].index(move.to_version)
            del versions[last + 1 :]
        else:
            versions.append(move.to_version)
    return tuple(versions)


def spelled(snapshots: Mapping[str, int]) -> str | None:
    """Snapshots by table as one text, e.g. `feature_option_labels@7,feature_option_minutes@5`; None where none."""
    return ",".join(f"{table}@{snapshot_id}" for table, snapshot_id in sorted(snapshots.items())) or None
