"""The embedded lake and its models, brought to the servers of another profile; again, it brings only what is missing.

Belongs here: the order of the whole. Does not: its parts (one module each), nor how it is shown.

Landed files, then tables in the order of the layers, then models, then the ledger of promotions: at any moment what is
there has all that it is made of. Shapes, rows, files, versions and aliases that stand in the way are found before
anything is written; only a number that belonged to a version deleted since is not, which MLflow does not tell.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.models import MODEL_PROMOTIONS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.layers import FLOW
from lakehouse_assets.services.copying.landing import copy_landed, refuse_other_files
from lakehouse_assets.services.copying.places import embedded_at, refuse_unfit
from lakehouse_assets.services.copying.report import Copied, CopyRefused, Line, Progress, silent
from lakehouse_assets.services.copying.runs import RunCopy
from lakehouse_assets.services.copying.tables import TableCopy
from lakehouse_assets.services.copying.versions import ModelCopy
from lakehouse_assets.services.registry import keep_all_inputs, registered_inputs, registered_models
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord
from lakehouse_assets.settings import Settings

__all__ = ["Copied", "CopyRefused", "Line", "copy", "embedded_at"]

SHOWN = 3


def copy(source: Settings, target: Settings, *, keep: bool = False, progress: Progress = silent) -> Copied:
    """Bring landed files, tables and models of one profile to another, each verified by hash before it is shown.

    Args:
        source: the embedded profile.
        target: the profile that is written to.
        keep: leave what the target holds of its own, and bring the rest, instead of refusing.
        progress: told of every piece.

    Raises:
        CopyRefused: nothing was copied: both ends are one, a server is not in order, or the target holds other content.
        CopyMismatch, LandedFileDamaged, ArtifactDamaged: something arrived otherwise; it is not visible.
        PublishConflict: somebody else writes to the target; run again.
        ForeignShape, SchemaConflict: nothing was copied: a table is there in another shape.
    """
    refuse_unfit(source, target)
    whole = _Whole.of(source, target)
    whole.look()
    if not keep:
        whole.refuse_other_content()
    with _verdicts(source) as verdicts:
        lines = list(whole.tables(verdicts, keep, progress))
        lines += whole.models(keep, progress)
        lines += whole.ledger(verdicts, progress)
    notes = [f"{line.what}: {line.left} left as production holds it" for line in lines if line.left]
    notes += whole.renumbered() + whole.kept_aliases() + list(keep_all_inputs(whole.lake, whole.store).warnings)
    return Copied(tuple(lines), tuple(notes))


@dataclass(frozen=True)
class _Whole:
    """Both ends, and the source as it was at one instant: what is written there meanwhile is for the next copy."""

    source: Settings
    lake: Lake
    store: TrackingStore
    raw: Path
    cut: Cut
    all_tables: Mapping[str, TableCopy]
    all_models: tuple[ModelCopy, ...]

    @classmethod
    def of(cls, source: Settings, target: Settings) -> "_Whole":
        known = TrackingStore(source.mlflow_uri, source.mlflow_artifacts)
        store, lake, origin = TrackingStore(target.mlflow_uri, target.mlflow_artifacts), Lake(target), Lake(source)
        wanted: dict[str, set[int]] = {}
        for version in registered_inputs(known):  # before the cut, which then shows all that they were trained from
            for table, snapshot_id in version.snapshots.items():
                wanted.setdefault(table, set()).add(snapshot_id)
        cut = Cut(origin)
        contracts = sorted(
            (CONTRACTS[name] for name in cut.tables if name in CONTRACTS), key=lambda one: FLOW.index(one.layer)
        )
        tables = {
            one.table: TableCopy(one, cut, origin, lake, frozenset(wanted.get(one.table, ()))) for one in contracts
        }
        models = tuple(ModelCopy(name, known, store, lake) for name in registered_models(known))
        return cls(source, lake, store, target.raw, cut, tables, models)

    def look(self) -> None:
        """Look at every table that is there, before anything is written."""
        for one in self.all_tables.values():
            one.look()

    def refuse_other_content(self) -> None:
        """Refuse what production holds of its own."""
        refuse_other_files(self.source.raw, self.raw)
        found = {name: keys for name, one in self.all_tables.items() if (keys := one.in_the_way())}
        if found:
            places = "; ".join(f"{name} {_spelled(keys)}" for name, keys in found.items())
            raise CopyRefused(
                f"nothing was copied: the target holds rows that never were the source's: {places}. --keep leaves them "
                "as they are and brings the rest; or take them away there, and copy again"
            )
        for model in self.all_models:
            model.refuse_taken()

    def tables(self, verdicts: VerdictsOfRecord | None, keep: bool, progress: Progress) -> Iterator[Line]:
        """The landed files, and all tables but the ledger."""
        yield copy_landed(self.cut, self.source.raw, self.raw, keep, progress)
        for name, one in self.all_tables.items():
            if name != MODEL_PROMOTIONS.table:
                yield one.run(verdicts, progress)

    def models(self, keep: bool, progress: Progress) -> Iterator[Line]:
        """All registered models with their runs."""
        for model in self.all_models:
            yield model.run(RunCopy(model.source, model.target, progress), keep)

    def ledger(self, verdicts: VerdictsOfRecord | None, progress: Progress) -> Iterator[Line]:
        """The ledger, after the aliases that it tells of; left out where its numbers mean other versions there."""
        if table := self.all_tables.get(MODEL_PROMOTIONS.table):
            if self.renumbered():
                yield Line(MODEL_PROMOTIONS.table, 0, 0, len(table.head), 0, "-")
            else:
                yield table.run(verdicts, progress)

    def renumbered(self) -> list[str]:
        """The versions that have another number there, in words."""
        return [
            f"version {number} of {model.name} is version {there} in production"
            for model in self.all_models
            for number, there in model.numbers().items()
            if number != there
        ]

    def kept_aliases(self) -> list[str]:
        """The aliases that stay where production has moved them, in words."""
        return [
            f"@{alias} of {model.name} stays at version {number} in production, where it was moved to"
            for model in self.all_models
            for alias, number in model.own_aliases().items()
        ]


def _spelled(keys: Sequence[str]) -> str:
    return ", ".join(keys[:SHOWN]) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")


@contextmanager
def _verdicts(source: Settings) -> Iterator[VerdictsOfRecord | None]:
    """What the gates said at the source, by the instance in its state folder: `DAGSTER_HOME` may name production's."""
    home = source.home / "dagster"
    if not (home / "history").is_dir():
        yield None
        return
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(home)) as instance, VerdictsOfRecord(source, instance) as found:
        yield found
