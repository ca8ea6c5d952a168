"""Tags that keep a model's inputs: while a version is registered, no maintenance removes what it was trained from.

Belongs here: setting, removing and reconciling the tags `model.<name>.v<n>`. Does not: which versions there are
(services), nor expiring anything.

A tag is set in a commit of its own: made together with data, a retry of that commit would drop it. It carries the
longest age there is: without one, `history.expire.max-ref-age-ms` of the table would end it in other engines.
PyIceberg's expiry spares the tags that it sees, but does not look again when it commits: through a handle loaded before
a tag was set it removes the snapshot and the tag with it. Whoever expires loads the table right before.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.update.snapshot import ManageSnapshots

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.commit import ATTEMPTS, given_up, wait_before_retry
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.outcomes import NO_ANSWER
from lakehouse_assets.lake.table import COPIED, SnapshotMissing, pin

FOREVER: Final = 2**63 - 1
"""Milliseconds: the largest age that a reference can be given."""

_OURS = re.compile(r"model\.(?P<model>.+)\.v(?P<number>\d+)")


@dataclass(frozen=True)
class VersionInputs:
    """A registered version and the snapshots that it was trained from, by table."""

    model: str
    number: str
    snapshots: Mapping[str, int]

    @property
    def tag(self) -> str:
        """The name of its tags."""
        return tag_name(self.model, self.number)


@dataclass(frozen=True)
class TaggedSnapshot:
    """A tag of a table and the snapshot that it is meant to keep."""

    table: str
    tag: str
    snapshot_id: int


@dataclass(frozen=True)
class Reconciled:
    """What a reconciliation did: tags that were set, tags that were removed, and snapshots that are gone for good."""

    tagged: tuple[TaggedSnapshot, ...]
    removed: tuple[TaggedSnapshot, ...]
    lost: tuple[TaggedSnapshot, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is lost, in words, a sentence each."""
        return tuple(
            f"{one.table} has lost snapshot {one.snapshot_id}, which {one.tag} should keep: that version can no longer "
            "be made again, nor judged; restore the warehouse from a copy, or train anew and delete the version"
            for one in self.lost
        )


def tag_name(model: str, number: str) -> str:
    """The tag of a version, e.g. `model.TickPricePredictor.v3`."""
    return f"model.{model}.v{number}"


def tag_inputs(lake: Lake, inputs: VersionInputs) -> None:
    """Tag each snapshot of a version; what is tagged already stays as it is.

    A tag of this name that points elsewhere is of an older registry (with a fresh one, numbers begin anew); it moves.

    Raises:
        TableMissing: a table is gone.
        SnapshotMissing: a snapshot is gone; what was tagged before it stays tagged.
        PublishConflict: too many writers at once.
        PublishUnknown: the catalog does not answer.
    """
    for table, snapshot_id in inputs.snapshots.items():
        _tag(lake, TaggedSnapshot(table, inputs.tag, snapshot_id))


def model_tags(lake: Lake) -> Iterator[TaggedSnapshot]:
    """The tags of versions on all tables."""
    cut = Cut(lake)
    for name in cut.tables:
        table = cut.find(name)
        for tag, ref in (table.metadata.refs if table else {}).items():
            if ref.snapshot_ref_type == SnapshotRefType.TAG and _OURS.fullmatch(tag):
                yield TaggedSnapshot(name, tag, ref.snapshot_id)


def reconcile(lake: Lake, versions: Callable[[], Iterable[VersionInputs]]) -> Reconciled:
    """Make the tags those of the versions that are registered: what a kill or a deletion left behind is put right.

    Args:
        lake: the lake.
        versions: reads all versions of all models. It is asked after the tags were read: a version is registered
            before it is tagged, so that a tag whose version is not among them is one whose version was deleted.

    Raises:
        PublishConflict: too many writers at once.
        PublishUnknown: the catalog does not answer.
    """
    there = tuple(model_tags(lake))
    wanted = {
        TaggedSnapshot(table, one.tag, snapshot_id)
        for one in versions()
        for table, snapshot_id in one.snapshots.items()
    }
    places = {(one.table, one.tag) for one in wanted}
    removed = tuple(one for one in there if (one.table, one.tag) not in places)
    for one in removed:
        _untag(lake, one)
    tagged, lost = [], []
    for one in sorted(wanted - set(there), key=lambda missing: (missing.tag, missing.table)):
        try:
            _tag(lake, one)
            tagged.append(one)
        except (SnapshotMissing, TableMissing):  # nothing can bring it back: the caller says so
            lost.append(one)
    return Reconciled(tuple(tagged), removed, tuple(lost))


def tag_copied(lake: Lake, table: str, source_snapshot_id: int, content_key: str) -> int | None:
    """Remember that `main` shows now what a snapshot of the lake showed that it was copied from.

    Args:
        lake: this lake.
        table: the table.
        source_snapshot_id: the snapshot there.
        content_key: what it showed.

    Returns:
        The snapshot here; None where `main` shows something else, so that nothing is remembered.

    Raises:
        TableMissing: nothing was written to the table.
        PublishConflict: too many writers at once.
        PublishUnknown: the catalog does not answer.
    """
    shown = pin(lake, CONTRACTS[table])
    if shown.snapshot_id is None or shown.content_key != content_key:
        return None
    _tag(lake, TaggedSnapshot(table, f"{COPIED}{source_snapshot_id}", shown.snapshot_id))
    return shown.snapshot_id


def _tag(lake: Lake, wanted: TaggedSnapshot) -> None:
    def change(table: IcebergTable) -> ManageSnapshots | None:
        if table.snapshot_by_id(wanted.snapshot_id) is None:
            raise SnapshotMissing(
                f"{wanted.table} has no snapshot {wanted.snapshot_id} any more, so {wanted.tag} cannot keep it: train "
                "the model again on what is there"
            )
        known = table.metadata.refs.get(wanted.tag)
        if known is not None and known.snapshot_id == wanted.snapshot_id:
            return None
        return table.manage_snapshots().create_tag(wanted.snapshot_id, wanted.tag, max_ref_age_ms=FOREVER)

    _commit(lake, wanted.table, change)


def _untag(lake: Lake, unwanted: TaggedSnapshot) -> None:
    def change(table: IcebergTable) -> ManageSnapshots | None:
        known = table.metadata.refs.get(unwanted.tag)
        if known is None or known.snapshot_id != unwanted.snapshot_id:  # somebody else was here since we looked
            return None
        return table.manage_snapshots().remove_tag(unwanted.tag)

    _commit(lake, unwanted.table, change)


def _commit(lake: Lake, table: str, change: Callable[[IcebergTable], ManageSnapshots | None]) -> None:
    """Make a change of references on the table as it is now; again where another commit came first."""
    met: list[Exception] = []
    for attempt in range(ATTEMPTS):
        try:
            if (changed := change(lake.load(table))) is not None:
                changed.commit()
            return
        except (CommitFailedException, ValueError, *NO_ANSWER) as error:
            if isinstance(error, ValueError) and "unknown snapshot" not in str(error):
                raise
            met.append(error)
            wait_before_retry(attempt)
    raise given_up(table, "a change of its tags", met) from met[-1]
