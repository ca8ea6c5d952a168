"""Registered versions, made again in another registry under their own numbers, with tags and aliases.

Belongs here: numbers, tags, and what stands in the way. Does not: runs and artifacts (`runs`), nor where aliases go
(`aliases`).

MLflow numbers versions by itself, one after the last: a version whose number is too low is deleted again, as the
source's own was. The tag `copied.from` says which version it is a copy of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.table import known_snapshot
from lakehouse_assets.services.copying.aliases import AliasCopy
from lakehouse_assets.services.copying.report import CopyRefused, Line
from lakehouse_assets.services.copying.runs import RunCopy
from lakehouse_assets.services.registry import SNAPSHOT_TAG, ModelRegistry
from lakehouse_assets.services.tracking_store import TrackingStore

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

VERSION_COPIED: Final = "copied.from"
OLD_SNAPSHOT: Final = "copied."
"""Begins the tag that keeps a snapshot tag of the source, where the version's own names the target's snapshot."""


@dataclass(frozen=True)
class ModelCopy:
    """One registered model on both ends."""

    name: str
    source: TrackingStore
    target: TrackingStore
    lake: Lake

    @property
    def ours(self) -> ModelRegistry:
        """The source's versions."""
        return ModelRegistry(self.source, self.name)

    @property
    def theirs(self) -> ModelRegistry:
        """The target's versions."""
        return ModelRegistry(self.target, self.name)

    def numbers(self) -> dict[str, str]:
        """The target's numbers of the versions that are there, by the source's."""
        copies = {version.tags[VERSION_COPIED]: str(version.version)
                  for version in self.theirs.versions() if VERSION_COPIED in version.tags}  # fmt: skip
        found = {str(version.version): copies.get(_mark(version)) for version in self.ours.versions()}
        return {number: there for number, there in found.items() if there and int(there) >= int(number)}

    def refuse_taken(self) -> None:
        """Refuse a registry where a number that is to be copied is taken, or an alias was moved in production.

        Raises:
            CopyRefused: it names the versions or the aliases.
        """
        known, taken = self.numbers(), self.theirs.numbers()
        missing = [number for number in self.ours.numbers() if number not in known]
        own = [number for number in taken if number not in known.values() and not self._is_cut_short(number)]
        if missing and own and int(missing[0]) <= int(own[-1]):
            raise CopyRefused(
                f"{self.name}: production has versions of its own ({', '.join(own)}), so {', '.join(missing)} cannot "
                "keep their numbers: delete them there, or let --keep give the copies new numbers"
            )
        if moved := self.own_aliases():
            places = ", ".join(f"@{alias} to version {number}" for alias, number in moved.items())
            raise CopyRefused(
                f"{self.name}: nothing was copied: production has moved {places}: --keep leaves them there and brings "
                "the rest; or delete them there, and the copy puts them where they are here"
            )

    def own_aliases(self) -> dict[str, str]:
        """The source's aliases that production has moved itself, with the version that each points to there."""
        return self._aliases(self.numbers()).own()

    def run(self, runs: RunCopy, keep: bool) -> Line:
        """Make the versions that are not there, then the tags that are not there, then the aliases.

        An alias that production has moved itself stays where it is.

        Args:
            runs: brings the versions' runs.
            keep: versions may get other numbers.

        Raises:
            CopyRefused: a number was taken meanwhile.
            ArtifactDamaged: a file arrived otherwise.
        """
        self._remove_cut_short()
        known, before, copied = self.numbers(), runs.bytes, 0
        self._ensure_model()
        for version in self.ours.versions():
            number = str(version.version)
            tags = self._tags(version)
            if number not in known:
                known[number] = self._make(version, tags, runs, keep)
                copied += 1
            self._add_tags(known[number], tags)
        self._aliases(known).point()
        return Line(self.name, copied, len(known) - copied, 0, runs.bytes - before, "sha256")

    def _tags(self, version: "ModelVersion") -> dict[str, str]:
        """The version's tags, snapshots under the ids that they have in the target."""
        tags = {VERSION_COPIED: _mark(version)}
        for name, value in version.tags.items():
            is_snapshot = name.startswith(SNAPSHOT_TAG)
            there = self._snapshot(name.removeprefix(SNAPSHOT_TAG), int(value)) if is_snapshot else None
            tags[name] = value if there is None else str(there)
            if there is not None:
                tags[f"{OLD_SNAPSHOT}{name}"] = value
        return tags

    def _snapshot(self, table: str, snapshot_id: int) -> int | None:
        try:
            return known_snapshot(self.lake.load(table), snapshot_id)
        except TableMissing:
            return None

    def _make(self, version: "ModelVersion", tags: Mapping[str, str], runs: RunCopy, keep: bool) -> str:
        """Register the version until it has its number."""
        run_id = str(version.run_id)
        run = runs.bring(run_id)
        model = runs.model(run_id, str(version.source).removeprefix("models:/"))
        while True:
            with self.target.pointed_at():  # MLflow looks the model up through its global state
                made = self.target.client.create_model_version(
                    self.name,
                    source=f"models:/{model}",
                    run_id=run,
                    tags=dict(tags),
                    description=version.description,
                    model_id=model,
                )
            number, wanted = int(made.version), int(version.version)
            if number == wanted or (number > wanted and keep):
                return str(number)
            self.target.client.delete_model_version(self.name, str(number))
            if number > wanted:
                raise CopyRefused(
                    f"{self.name}: version {wanted} would become {number}, since that number was taken in production "
                    "once: let --keep give the copies new numbers"
                )

    def _add_tags(self, number: str, tags: Mapping[str, str]) -> None:
        """Tags that the version was given since; one that it has in the target is the target's."""
        there = self.theirs.version(number).tags
        self.theirs.set_tags(number, {name: value for name, value in tags.items() if name not in there})

    def _aliases(self, numbers: Mapping[str, str]) -> AliasCopy:
        return AliasCopy(self.ours, self.theirs, numbers)

    def _ensure_model(self) -> None:
        from mlflow.exceptions import MlflowException

        known = self.source.client.get_registered_model(self.name)
        try:
            self.target.client.create_registered_model(self.name, dict(known.tags), known.description)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _is_cut_short(self, number: str) -> bool:
        """Whether it is a copy that was to be deleted again, because its number was too low, when a kill came."""
        mark = self.theirs.version(number).tags.get(VERSION_COPIED, "")
        wanted = mark.rpartition("/")[2]
        return wanted.isdecimal() and int(number) < int(wanted)

    def _remove_cut_short(self) -> None:
        for number in self.theirs.numbers():
            if self._is_cut_short(number):
                self.target.client.delete_model_version(self.name, number)


def _mark(version: "ModelVersion") -> str:
    """Which version it is, in any registry: its run and its number."""
    return f"{version.run_id}/{version.version}"
