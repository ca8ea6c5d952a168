"""A table of the embedded lake, brought into another one, partition by partition.

Belongs here: what is brought in which order, and what each snapshot says of where it comes from. Does not: the files
(`lake.copies`), nor the decisions (`history`).

First the states that models were trained from are made on `main`, oldest first, then the current one, so that a
version finds its rows again under a snapshot of the target. A state that would take back what the target shows is left
out. Each partition is a commit of its own: what a kill left undone is what the next run finds different.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pyiceberg.table import Table as IcebergTable

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.commit import PREFIX
from lakehouse_assets.lake.copies import Held, copy_partition, held, open_like
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.inspection import COPIED_FROM, COPIED_SNAPSHOT, COPIED_VERDICT, Writer
from lakehouse_assets.lake.table import Table, known_snapshot
from lakehouse_assets.lake.tags import tag_copied
from lakehouse_assets.services.copying.history import History, in_the_way, may_become, to_bring
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
    def said(self) -> tuple[Mapping[str, str], ...]:
        """What the source's snapshots say of themselves, oldest first."""
        ordered = sorted(self.table.metadata.snapshots, key=lambda one: one.sequence_number or 0)
        return tuple(dict(one.summary.additional_properties) if one.summary else {} for one in ordered)

    @cached_property
    def history(self) -> History:
        """What the source has published of each partition."""
        return History.of(_published(said) for said in self.said)

    @property
    def there(self) -> Mapping[str, str]:
        """The contents that the target holds now."""
        if not self.target.exists(self.contract.table):
            return {}
        return _contents(held(self.target.load(self.contract.table), self.contract))

    def in_the_way(self) -> tuple[str, ...]:
        """The partitions that the target holds with rows of its own."""
        return in_the_way(_contents(self.head), self.there, self.history)

    def run(self, verdicts: VerdictsOfRecord | None, progress: Progress) -> Line:
        """Bring what is missing; partitions with rows of the target's own are left.

        Raises:
            CopyMismatch: what arrived differs; it is not visible.
            PublishConflict: somebody else writes to the table.
            ForeignShape, SchemaConflict: the target's table has another shape.
        """
        open_like(self.target, self.contract, self.table)
        left = set(self.in_the_way())
        brought: set[str] = set()
        written = 0
        for snapshot_id, state in self._states():
            source = self.cut.pin(self.contract, snapshot_id)
            for key in to_bring(_contents(state), self.there):
                if key not in left:
                    self._bring(source, state[key], verdicts, progress)
                    brought.add(key)
                    written += state[key].bytes
            if snapshot_id in self.wanted:
                tag_copied(self.target, self.contract.table, snapshot_id, source.content_key)
        there = len(set(self.head) - brought - left)
        return Line(self.contract.table, len(brought), there, len(left), written, "sha256, content")

    def _states(self) -> Iterator[tuple[int, Mapping[str, Held]]]:
        """The states of models that can be shown and are not yet, oldest first, then the current one."""
        order = {one.snapshot_id: one.sequence_number or 0 for one in self.table.metadata.snapshots}
        current = self.table.current_snapshot()
        for snapshot_id in sorted(set(self.wanted) & set(order), key=order.__getitem__):
            if known_snapshot(self.target.load(self.contract.table), snapshot_id) is not None:
                continue
            state = held(self.table, self.contract, snapshot_id)
            if may_become(_contents(state), self.there, self.history):
                yield snapshot_id, state
        if current is not None:
            yield current.snapshot_id, self.head

    def _bring(self, source: Table, part: Held, verdicts: VerdictsOfRecord | None, progress: Progress) -> None:
        name = f"{self.contract.table} {part.key}"
        copy_partition(
            self.target,
            source,
            self.table.io,
            part,
            self._provenance(source.snapshot_id, part, verdicts),
            lambda count: progress(name, count),
        )

    def _provenance(self, snapshot_id: int | None, part: Held, verdicts: VerdictsOfRecord | None) -> dict[str, str]:
        """Whose rows they are: run, code and inputs are those of the commit that published them at the source."""
        writer = next((said for said in reversed(self.said) if _published(said).get(part.key) == part.content), {})
        carried = {name: writer[name] for name in CARRIED if name in writer}
        author = Writer(part.content, carried.get(f"{PREFIX}run-id"))
        verdict = verdicts.of_partition(self.contract.table, part.key, author) if verdicts else None
        said: dict[str, Any] = {
            **carried,
            COPIED_FROM: self.source.settings.catalog_uri,
            COPIED_SNAPSHOT: str(snapshot_id),
        }
        return said if verdict is None else {**said, COPIED_VERDICT: json.dumps(verdict.as_dict(), sort_keys=True)}


def _contents(parts: Mapping[str, Held]) -> dict[str, str]:
    return {key: part.content for key, part in parts.items()}


def _published(said: Mapping[str, str]) -> dict[str, str]:
    keys, contents = said.get(f"{PREFIX}partitions", ""), said.get(f"{PREFIX}commit-keys", "")
    return dict(zip(keys.split(","), contents.split(","), strict=False)) if keys else {}
