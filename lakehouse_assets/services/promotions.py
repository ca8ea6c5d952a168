"""Moving the champion, and writing it down: the alias and the ledger tell one story, whatever is killed between them.

Belongs here: moving the alias together with its row, healing what a kill left. Does not: the rows
(`promotion_ledger`), which way is back (`rollback`), nor whether a version deserves the place (learners/judgement).

The alias lies in MLflow, the row in the lake: no transaction spans both. So the row is staged and judged first; then
it is noted on the version as a tag; then the alias moves, which is the move; then the row is published. Killed before
the alias, nothing has happened. Killed after it, alias and ledger differ, and whoever comes next writes the missing
row from the tag before anything else. An alias that somebody else moved is written down as `reconciled`.
On the embedded store all this holds the store's lock, so moves are one after the other. A server store has no such
lock: there the job's concurrency pool keeps moves apart; without it the chain gate refuses the later row and says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Final, Literal

from lakehouse_assets.contracts.models import RECONCILED
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.writing import Written
from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.services.promotion_ledger import (
    Ledger,
    Move,
    accept_move,
    read,
    spelled,
    write_down,
)
from lakehouse_assets.services.registry import DATA_KEY_TAG, ModelRegistry

MoveKind = Literal["promotion", "rollback"]

MOVE_TAG: Final = "champion.move"
"""On a version: its latest move into the champion's place, written before the alias moves."""


@dataclass(frozen=True)
class Evidence:
    """What a promotion rests on; `hold_out` are the snapshots judged on, by table (default: the version's inputs).

    `advantage` is how much lower the log-loss of the version is than the champion's, in nats a row.
    """

    log_loss: float
    accuracy: float
    champion_log_loss: float | None = None
    advantage: Interval | None = None
    hold_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, scores: Scores, champion: Scores | None, over: Interval | None, hold_out: Mapping[str, int] | None = None
    ) -> "Evidence":
        """Out of both models' scores on the same rows; None where there is no champion."""
        champion_log_loss = champion.log_loss.value if champion else None
        return cls(scores.log_loss.value, scores.accuracy.value, champion_log_loss, over, hold_out or {})


@dataclass(frozen=True)
class Moved:
    """A move that is done and written down; `is_new` is False where the version was the champion already."""

    move: Move
    written: Written
    is_new: bool


def move_champion(
    lake: Lake,
    registry: ModelRegistry,
    *,
    to: str,
    instead_of: str | None,
    kind: MoveKind,
    why: str,
    run_id: str,
    evidence: Evidence | None = None,
) -> Moved | None:
    """Make a version the champion, if the champion is still the one it was judged against, and write that down.

    Args:
        lake: the lake that holds the ledger.
        registry: the model.
        to: the version that takes the place.
        instead_of: the champion that the caller looked at; None where there was none.
        kind: why it moves: it was judged better, or it is put back.
        why: the reason in one sentence.
        run_id: the Dagster run, or `cli`.
        evidence: the scores; None for a rollback, which judges nothing.

    Returns:
        The move; None where another run changed the champion meanwhile: nothing was moved, judge again.

    Raises:
        BatchRefused: the row does not honour the ledger's contract; the champion stays.
        PublishConflict: too many writers at once.
        mlflow.exceptions.MlflowException: there is no such version.
    """
    with registry.store.exclusive():
        written = reconcile(lake, registry, run_id)
        if registry.champion == to:
            return Moved(read(lake).of(registry.name)[-1], written, is_new=False)
        if registry.champion != instead_of:
            return None
        move = _planned(read(lake), registry, kind, to, why, run_id, evidence)
        accepted = accept_move(lake, move)
        registry.set_tags(to, {MOVE_TAG: move.as_json()})
        if not registry.promote(to, instead_of):  # a server store keeps nobody out since we looked
            accepted.staged.discard(lake)
            return None
        return Moved(move, write_down(lake, move, run_id, accepted), is_new=True)


def reconcile(lake: Lake, registry: ModelRegistry, run_id: str) -> Written:
    """Write the row of a move that the ledger lacks; where it lacks none, the ledger as it is, with its verdicts.

    Raises:
        BatchRefused: somebody else wrote to the table, and it is no chain of moves any more.
        PublishConflict: too many writers at once.
    """
    with registry.store.exclusive():
        return write_down(lake, _missing(read(lake), registry, run_id), run_id)


def _planned(
    ledger: Ledger,
    registry: ModelRegistry,
    kind: str,
    to: str | None,
    why: str,
    run_id: str,
    evidence: Evidence | None = None,
) -> Move:
    """The row of a move from where the ledger stands; a score that is not finite is left out."""
    tags = registry.version(to).tags if to else {}
    over = evidence.advantage if evidence else None
    hold_out = (evidence.hold_out if evidence else {}) or (registry.snapshots(to) if to and evidence else {})
    return Move(
        model=registry.name,
        sequence=len(ledger.of(registry.name)) + 1,
        moved_at=datetime.now(UTC),
        moved_by=run_id,
        kind=kind,
        from_version=ledger.champion_of(registry.name),
        to_version=int(to) if to else None,
        to_log_loss=_finite(evidence.log_loss if evidence else None),
        from_log_loss=_finite(evidence.champion_log_loss if evidence else None),
        log_loss_advantage=_finite(over.value if over else None),
        log_loss_advantage_low=_finite(over.low if over else None),
        log_loss_advantage_high=_finite(over.high if over else None),
        to_accuracy=_finite(evidence.accuracy if evidence else None),
        why=why,
        data_key=tags.get(DATA_KEY_TAG),
        hold_out=spelled(hold_out),
    )


def _missing(ledger: Ledger, registry: ModelRegistry, run_id: str) -> Move | None:
    """The move between the ledger's champion and the alias; None where they agree.

    It is the one that the version's tag tells of, if that begins where the ledger ends; else somebody moved the alias.
    """
    champion, last = registry.champion, ledger.champion_of(registry.name)
    if champion == (str(last) if last is not None else None):
        return None
    noted = registry.version(champion).tags.get(MOVE_TAG) if champion else None
    intended = Move.from_json(noted) if noted else None
    place = (len(ledger.of(registry.name)) + 1, last)
    if intended is not None and (intended.sequence, intended.from_version) == place:
        return intended
    why = f"the alias was found at {named(champion)}: it was moved by something else than promotion and rollback"
    return _planned(ledger, registry, RECONCILED, champion, why, run_id)


def named(version: str | None) -> str:
    """A version in a sentence."""
    return f"version {version}" if version else "no version"


def _finite(value: float | None) -> float | None:
    """A number as a table holds it: missing is null, zero has no sign."""
    return float(value) + 0.0 if value is not None and isfinite(value) else None
