"""A table of the embedded lake, brought into another one, partition by partition.

Belongs here: what is brought in which order, and what each snapshot says of where it comes from. Does not: the files
(`lake.copies`), nor the decisions (`history`).

First the states that models were trained from are made on `main`, oldest first, then the current one, so that a
version finds its rows again under a snapshot of the target. A state that would take back what the target shows is left
out. Each partition is a commit of its own: what a kill left undone is what the next run finds different. The target is
looked at once: what it shows otherwise by the time of a commit was published by somebody else, and stays.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake, TableMissing, without_password
from lakehouse_assets.lake.commit import PREFIX
from lakehouse_assets.lake.copies import copy_partition, open_like, refuse_other_shape
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.held import Held, emptied, held
from lakehouse_assets.lake.inspection import COPIED_FROM, COPIED_SNAPSHOT, COPIED_VERDICT, Writer
from lakehouse_assets.lake.table import Table, known_snapshot
from lakehouse_assets.lake.tags import tag_copied
from lakehouse_assets.services.copying.history import History, in_the_way, may_become, to_bring, to_empty
from lakehouse_assets.services.copying.report import Line, Progress
from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord

CARRIED = (f"{PREFIX}run-id", f"{PREFIX}git-sha", f"{PREFIX}inputs")
"""What a snapshot says of the run that made its rows."""


@dataclass(frozen=True)
class TableCopy:
    """One table on both ends; `wanted` are the source's snapshots that models were trained from."""

    contract: Contract
    cut: Cut
    source: Lake
    target: Lake
    wanted: Iterable[int] = field(default=())

    @cached_property
    def table(self) -> IcebergTable:
        """The source's table on the cut."""
        found = self.cut.find(self.contract.table)
        if found is None:
            raise TableMissing(f"{self.contract.table} has no data")
        return found

    @cached_property
    def head(self) -> Mapping[str, Held]:
        """What the source holds now."""
        return held(self.table, self.contract)

    @cached_property
    def said(self) -> dict[int, Mapping[str, str]]:
        """What the source's snapshots say of themselves by their ids, oldest first."""
        ordered = sorted(self.table.metadata.snapshots, key=lambda one: one.sequence_number or 0)
        return {one.snapshot_id: _summary(one) for one in ordered}

    @cached_property
    def history(self) -> History:
        """What the source has published of each partition."""
        return History.of(map(_published, self.said.values()))

    @cached_property
    def there(self) -> dict[str, Held]:
        """What the target held when it was looked at, and what was brought since: all that a commit may replace."""
        if not self.target.exists(self.contract.table):
            return {}
        return held(self.target.load(self.contract.table), self.contract)

    def look(self) -> Mapping[str, Held]:
        """What the target's table holds: everything is decided on that from now on.

        Raises:
            ForeignShape, SchemaConflict: it has another shape.
            DeleteFilesFound: a foreign writer deleted single rows.
        """
        is_there = self.target.exists(self.contract.table)
        target = self.target.load(self.contract.table) if is_there else self.table
        refuse_other_shape(self.contract, target, self.table)
        return self.there

    def in_the_way(self) -> tuple[str, ...]:
        """The partitions that the target holds with rows of its own."""
        return in_the_way(_contents(self.head), _contents(self.there), self.history)

    def run(self, verdicts: VerdictsOfRecord | None, progress: Progress) -> Line:
        """Bring what is missing; partitions with rows of the target's own are left.

        Raises:
            CopyMismatch: what arrived differs; it is not visible.
            PublishConflict: somebody else has published a partition since the target was looked at.
            ForeignShape, SchemaConflict: the target's table has another shape.
        """
        open_like(self.target, self.contract, self.table)
        left = set(self.in_the_way())
        brought: set[str] = set()
        written = 0
        for snapshot_id, state in self._states():
            source = self.cut.pin(self.contract, snapshot_id)
            for part in self._differing(snapshot_id, state):
                if part.key not in left:
                    self._bring(source, part, verdicts, progress)
                    brought.add(part.key)
                    written += part.bytes
            if snapshot_id in self.wanted:
                tag_copied(self.target, self.contract.table, snapshot_id, source.content_key)
        there = len(set(self.head) - brought - left)
        return Line(self.contract.table, len(brought), there, len(left), written, "sha256, content")

    def _states(self) -> Iterator[tuple[int, Mapping[str, Held]]]:
        """The states of models that can be shown and are not yet, oldest first, then the current one."""
        current = self.table.current_snapshot()
        for snapshot_id in (one for one in self.said if one in set(self.wanted)):
            if known_snapshot(self.target.load(self.contract.table), snapshot_id) is not None:
                continue
            state = held(self.table, self.contract, snapshot_id)
            if may_become(_contents(state), _contents(self.there), self.history, self._until(snapshot_id)):
                yield snapshot_id, state
        if current is not None:
            yield current.snapshot_id, self.head

    def _differing(self, snapshot_id: int, state: Mapping[str, Held]) -> list[Held]:
        """What the target must be brought to show the state, then what it must be rid of."""
        then, wanted, there = self._until(snapshot_id), _contents(state), _contents(self.there)
        gone = to_empty(wanted, there, self.history, then)
        return [
            *(state[key] for key in to_bring(wanted, there)),
            *(emptied(key, then.contents[key][-1], there[key]) for key in gone),
        ]

    def _until(self, snapshot_id: int) -> History:
        """What the source had published of each partition by a snapshot; by the current one, all."""
        current = self.table.current_snapshot()
        if current is not None and snapshot_id == current.snapshot_id:
            return self.history
        ids = list(self.said)
        return History.of(_published(self.said[one]) for one in ids[: ids.index(snapshot_id) + 1])

    def _bring(self, source: Table, part: Held, verdicts: VerdictsOfRecord | None, progress: Progress) -> None:
        name = f"{self.contract.table} {part.key}"
        brought = copy_partition(
            self.target,
            source,
            self.table.io,
            part,
            self.there.get(part.key),
            self._provenance(source.snapshot_id, part, verdicts),
            lambda count: progress(name, count),
        )
        if brought.files:
            self.there[part.key] = brought
        else:
            del self.there[part.key]

    def _provenance(self, snapshot_id: int | None, part: Held, verdicts: VerdictsOfRecord | None) -> dict[str, str]:
        """Whose rows they are: run, code and inputs are those of the commit that published them at the source."""
        newest_first = reversed(self.said.values())
        writer = next((said for said in newest_first if _published(said).get(part.key) == part.content), {})
        carried = {name: writer[name] for name in CARRIED if name in writer}
        author = Writer(part.content, carried.get(f"{PREFIX}run-id"))
        verdict = verdicts.of_partition(self.contract.table, part.key, author) if verdicts else None
        said: dict[str, Any] = {
            **carried,
            COPIED_FROM: without_password(self.source.settings.catalog_uri),
            COPIED_SNAPSHOT: str(snapshot_id),
        }
        return said if verdict is None else {**said, COPIED_VERDICT: json.dumps(verdict.as_dict(), sort_keys=True)}


def _contents(parts: Mapping[str, Held]) -> dict[str, str]:
    return {key: part.content for key, part in parts.items()}


def _summary(snapshot: Snapshot) -> Mapping[str, str]:
    return dict(snapshot.summary.additional_properties) if snapshot.summary else {}


def _published(said: Mapping[str, str]) -> dict[str, str]:
    keys, contents = said.get(f"{PREFIX}partitions", ""), said.get(f"{PREFIX}commit-keys", "")
    return dict(zip(keys.split(","), contents.split(","), strict=False)) if keys else {}
