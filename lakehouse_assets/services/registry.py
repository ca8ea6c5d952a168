"""The model registry: one version a model that was trained, found again by what it was trained from.

Belongs here: versions, aliases, the rules that keep them true under races. Does not: whether a model deserves its
place (learners/judgement). Aliases, never stages: `@challenger` is what is judged, `@champion` what serves.

Races: on the embedded store each look-then-write holds the store's file lock, so two runs never register the same
inputs twice and two promotions are ordered. `promote` is a compare-and-swap: it only replaces the champion that the
caller was judged against. A server store has no such lock across hosts; there the job's concurrency pool keeps
training runs apart, and without it the later writer wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.tags import Reconciled, VersionInputs, reconcile, tag_inputs
from lakehouse_assets.services.tracking_store import TrackingStore

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

    from lakehouse_assets.services.provenance import Provenance

TICK_MODEL: Final = "TickPricePredictor"
DIGIT_MODEL: Final = "DigitClassifier"
DESCRIPTIONS: Final = {
    TICK_MODEL: "Direction of an option's mid after the label horizon: probability of up",
    DIGIT_MODEL: "The digit on an image of 28 x 28 pixels: ten probabilities",
}
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
DATA_KEY_TAG: Final = "data_key"
ALGORITHM_TAG: Final = "algorithm"
LIBRARY_TAG: Final = "library"
SNAPSHOT_TAG: Final = "snapshot."
"""Begins the tags of a version that name an input table, and hold the snapshot that was read."""


@dataclass(frozen=True)
class ModelRegistry:
    """The versions of one registered model."""

    store: TrackingStore
    name: str = TICK_MODEL

    def find(self, data_key: str) -> "ModelVersion | None":
        """The version that was trained from these inputs, code and settings; the oldest, if ever there are two."""
        found = self.store.client.search_model_versions(
            f"name = '{self.name}' and tags.`{DATA_KEY_TAG}` = '{data_key}'"
        )
        return min(found, key=lambda version: int(version.version), default=None)

    def version(self, number: str) -> "ModelVersion":
        """One version, tags and aliases as they are now.

        Raises:
            mlflow.exceptions.MlflowException: there is no such version.
        """
        return self.store.client.get_model_version(self.name, number)

    def versions(self) -> "tuple[ModelVersion, ...]":
        """All versions that were not deleted, oldest first."""
        if not self.store.is_made:
            return ()
        found: list[ModelVersion] = []
        token = None
        while token != "":
            page = self.store.client.search_model_versions(f"name = '{self.name}'", page_token=token)
            found.extend(page)
            token = page.token or ""
        return tuple(sorted(found, key=lambda version: int(version.version)))

    def numbers(self) -> tuple[str, ...]:
        """The numbers of all versions that were not deleted, oldest first."""
        return tuple(str(version.version) for version in self.versions())

    def snapshots(self, number: str) -> dict[str, int]:
        """The snapshots that a version was trained from, by table; out of its tags."""
        return _snapshots(self.version(number))

    def register(self, run_id: str, model_id: str, provenance: "Provenance", tags: Mapping[str, str]) -> "ModelVersion":
        """Register the model of the run that was trained, or return the version that its inputs already have.

        The tags are written in the version's own transaction: a version is there with its data key or not at all.
        """
        # MLflow looks the logged model up through its global state, whatever client is asked.
        with self.store.exclusive(), self.store.pointed_at():
            if known := self.find(provenance.data_key):
                return known
            self._ensure_model()
            deciding = {ALGORITHM_TAG: provenance.algorithm, LIBRARY_TAG: provenance.library}
            return self.store.client.create_model_version(
                self.name,
                source=f"models:/{model_id}",
                run_id=run_id,
                tags={**tags, **deciding, DATA_KEY_TAG: provenance.data_key},
                model_id=model_id,
            )

    def set_tags(self, number: str, tags: Mapping[str, str]) -> None:
        """Tags of a version by name."""
        for name, value in tags.items():
            self.store.client.set_model_version_tag(self.name, number, name, value)

    def alias(self, alias: str) -> str | None:
        """The version that an alias points to; None where nothing does."""
        if not self.store.is_made:
            return None
        from mlflow.exceptions import MlflowException

        try:
            return str(self.store.client.get_model_version_by_alias(self.name, alias).version)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    @property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """The aliases of each version that has any; empty before the first version."""
        if not self.store.is_made:
            return {}
        known = self._model()
        by_version: dict[str, tuple[str, ...]] = {}
        for alias, number in sorted(known.aliases.items() if known else ()):
            by_version[str(number)] = (*by_version.get(str(number), ()), alias)
        return by_version

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the registered model itself; empty before the first version."""
        known = self._model() if self.store.is_made else None
        return dict(known.tags) if known else {}

    @property
    def champion(self) -> str | None:
        """The version that serves."""
        return self.alias(CHAMPION)

    def challenge(self, number: str) -> None:
        """Make a version the challenger: the one that is judged next, or was judged last."""
        self.point(CHALLENGER, number)

    def point(self, alias: str, number: str) -> None:
        """Move an alias to a version; each algorithm's alias is at the version that it trained last."""
        if self.alias(alias) != number:
            self.store.client.set_registered_model_alias(self.name, alias, number)

    def promote(self, number: str, instead_of: str | None) -> bool:
        """Make a version the champion if the champion is still the one it was judged against; whether it is now."""
        with self.store.exclusive():
            if self.champion == number:
                return True
            if self.champion != instead_of:
                return False
            self.store.client.set_registered_model_alias(self.name, CHAMPION, number)
            return True

    def _model(self) -> "RegisteredModel | None":
        from mlflow.exceptions import MlflowException

        try:
            return self.store.client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _ensure_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.store.client.create_registered_model(self.name, description=DESCRIPTIONS[self.name])
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise


def keep_inputs(lake: Lake, registry: ModelRegistry, number: str) -> Reconciled:
    """Tag the snapshots that a version was trained from, so that maintenance cannot remove what it is made of.

    The tags of all other versions are put right as well (`keep_all_inputs`).

    Raises:
        SnapshotMissing: a snapshot has expired already.
        PublishConflict: too many writers at once.
    """
    tag_inputs(lake, VersionInputs(registry.name, number, registry.snapshots(number)))
    return keep_all_inputs(lake, registry.store)


def keep_all_inputs(lake: Lake, store: TrackingStore) -> Reconciled:
    """Make the lake's tags those of the versions that are registered; the caller tells of what is lost.

    The tags of versions that were deleted since are removed: nothing else tells the lake of a deletion.

    Raises:
        PublishConflict: too many writers at once.
    """
    return reconcile(lake, lambda: registered_inputs(store))


def known_are(names: Sequence[str]) -> str:
    """What there is, in words: models, or versions of one."""
    return f"known are {', '.join(names)}" if names else "there are none yet: run ml_pipeline"


def registered_models(store: TrackingStore) -> tuple[str, ...]:
    """The names of all registered models; none where an embedded store was never opened."""
    if not store.is_made:
        return ()
    found: list[str] = []
    token = None
    while token != "":
        page = store.client.search_registered_models(page_token=token)
        found.extend(str(model.name) for model in page)
        token = page.token or ""
    return tuple(sorted(found))


def registered_inputs(store: TrackingStore) -> tuple[VersionInputs, ...]:
    """The input snapshots of every version of every model: what the lake's tags are to keep."""
    return tuple(
        VersionInputs(name, str(version.version), _snapshots(version))
        for name in registered_models(store)
        for version in ModelRegistry(store, name).versions()
    )


def _snapshots(version: "ModelVersion") -> dict[str, int]:
    tags = version.tags.items()
    return {name.removeprefix(SNAPSHOT_TAG): int(value) for name, value in tags if name.startswith(SNAPSHOT_TAG)}
