"""Putting a champion's predecessor back: which version that is, and why it may not be.

Belongs here: the way back by the ledger, refusals in words. Does not: the move itself (`promotions`).
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from lakehouse_assets.contracts.models import ROLLBACK
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.promotion_ledger import Move, in_force, read
from lakehouse_assets.services.promotions import Moved, move_champion, named, reconcile
from lakehouse_assets.services.registry import ModelRegistry, known_are, registered_models

BY_HAND: Final = "cli"


class RollbackRefused(RuntimeError):
    """There is nothing to roll back to, or not to there; the message says why and what to do."""


def roll_back(
    lake: Lake, registry: ModelRegistry, *, to: str | None = None, why: str | None = None, run_id: str = BY_HAND
) -> Moved:
    """Put the champion's predecessor back (or `to`, which served before), and write that down.

    Raises:
        RollbackRefused: no such model, no champion, nothing before it, or a version that is gone or never served.
        PublishConflict: too many writers at once.
    """
    _refuse_unknown(registry)
    with registry.store.exclusive():
        reconcile(lake, registry, run_id)
        champion, moves = registry.champion, read(lake).of(registry.name)
        target = to or _before(registry, champion, moves)
        _refuse_target(registry, champion, target, moves)
        reason = why or f"version {target} is put back in the place of {named(champion)}"
        moved = move_champion(lake, registry, to=target, instead_of=champion, kind=ROLLBACK, why=reason, run_id=run_id)
    if moved is None:
        raise RollbackRefused(f"the champion of {registry.name} was changed meanwhile: look at it, then run again")
    return moved


def left_behind(lake: Lake, registry: ModelRegistry, number: str) -> str | None:
    """In words, that a version served and was rolled back from; None where it never served or is still in force.

    Whoever rolled back has decided against it: an evaluation that promoted it again would undo that within a night.
    Naming it with `lakehouse rollback --to` puts it in force again.
    """
    moves = read(lake).of(registry.name)
    version, before, back = int(number), frozenset[int](), None
    for place, move in enumerate(moves, start=1):
        now = frozenset(in_force(moves[:place]))
        if version in before - now:
            back = move
        before = now
    if back is None or version in before:
        return None
    return (
        f"version {number} was rolled back from on {back.moved_at:%Y-%m-%d %H:%M} UTC by {back.moved_by} ({back.why}); "
        f"`lakehouse rollback {registry.name} --to {number}` puts it back"
    )


def _before(registry: ModelRegistry, champion: str | None, moves: Sequence[Move]) -> str:
    versions = in_force(moves)
    if champion is None:
        raise RollbackRefused(
            f"{registry.name} has no champion, so nothing can be put back in its place"
            + _advice(registry, champion, moves)
        )
    if len(versions) < 2:
        raise RollbackRefused(
            f"nothing served before version {champion} of {registry.name}" + _advice(registry, champion, moves)
        )
    return str(versions[-2])


def _refuse_target(registry: ModelRegistry, champion: str | None, target: str, moves: Sequence[Move]) -> None:
    if target == champion:
        raise RollbackRefused(f"version {target} is the champion of {registry.name} already")
    if target not in {str(move.to_version) for move in moves}:
        words = f"version {target} of {registry.name} was never its champion, so there is no way back to it"
    elif target not in registry.numbers():
        words = f"version {target} of {registry.name} served before, but it was deleted"
    else:
        return
    raise RollbackRefused(words + _advice(registry, champion, moves))


def _refuse_unknown(registry: ModelRegistry) -> None:
    known = registered_models(registry.store)
    if registry.name in known:
        return
    close = get_close_matches(registry.name, known, n=1, cutoff=0.4)
    advice = f"did you mean {close[0]}?" if close else known_are(known)
    raise RollbackRefused(f"there is no registered model {registry.name}: {advice}")


def _advice(registry: ModelRegistry, champion: str | None, moves: Sequence[Move]) -> str:
    """The versions that `--to` would take."""
    served = {str(move.to_version) for move in moves} & set(registry.numbers()) - {str(champion)}
    return f"; --to takes {', '.join(sorted(served, key=int))}" if served else ""
