"""Aliases of a registered model, moved in another registry only where nobody else has moved them.

Belongs here: which alias may be moved, and remembering where it was put. Does not: versions (`versions`).

A tag of the registered model, `copied.alias.<alias>`, keeps the number that a copy has put the alias to. An alias that
points elsewhere by now, or to a version that is no copy, was moved in production, and is production's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lakehouse_assets.services.registry import ModelRegistry

ALIAS_COPIED: Final = "copied.alias."
"""Begins the tag of a registered model that keeps the version to which a copy has put an alias."""


@dataclass(frozen=True)
class AliasCopy:
    """The aliases of one registered model on both ends; `numbers` are the target's of the source's versions."""

    ours: ModelRegistry
    theirs: ModelRegistry
    numbers: Mapping[str, str]

    def own(self) -> dict[str, str]:
        """The source's aliases that production has moved itself, with the version that each points to there."""
        there = {alias: number for number, aliases in self.theirs.aliases.items() for alias in aliases}
        placed, copies = self._placed(), set(self.numbers.values())
        return {
            alias: there[alias]
            for alias, wanted in self._wanted().items()
            if alias in there
            and there[alias] != wanted
            and not (there[alias] in copies and placed.get(alias) == there[alias])
        }

    def point(self) -> None:
        """Put each alias to the copy of its version, but for production's own; all versions are there."""
        own, placed = self.own(), self._placed()
        for alias, wanted in self._wanted().items():
            if alias in own or wanted is None:
                continue
            self.theirs.point(alias, wanted)
            if placed.get(alias) != wanted:
                self.theirs.store.client.set_registered_model_tag(self.theirs.name, f"{ALIAS_COPIED}{alias}", wanted)

    def _wanted(self) -> dict[str, str | None]:
        """Where each alias belongs; None where the version is not there yet."""
        return {alias: self.numbers.get(number) for number, aliases in self.ours.aliases.items() for alias in aliases}

    def _placed(self) -> dict[str, str]:
        """Where a copy has put each alias."""
        return {
            name.removeprefix(ALIAS_COPIED): value
            for name, value in self.theirs.tags.items()
            if name.startswith(ALIAS_COPIED)
        }
