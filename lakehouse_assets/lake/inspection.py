"""What the tables say of themselves: size, newest partition, and the story of their snapshots.

Belongs here: reading the metadata of tables for people. Does not: rows (`sql`, `quarantined`), nor verdicts, which
Dagster keeps. Nothing here opens a data file.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches

from pyiceberg.table.snapshots import Snapshot

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.commit import PREFIX
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.staging import WHOLE
from lakehouse_assets.lake.table import pin_at, planned_files
from lakehouse_assets.layers import FLOW
from lakehouse_assets.settings import CATALOG, NAMESPACE

COPIED_FROM = f"{PREFIX}copied-from"
"""In the summary of a copied snapshot: the catalog that it was copied from."""
COPIED_SNAPSHOT = f"{PREFIX}copied-snapshot-id"
"""The snapshot there."""
COPIED_VERDICT = f"{PREFIX}copied-verdict"
"""What the gates said of these rows there, as JSON; absent where nothing was on record."""


class UnknownTable(LookupError):
    """No contract has this name; the message names the closest ones."""


@dataclass(frozen=True)
class TableOverview:
    """A table in one line; a table that was never written has no snapshots.

    `last_partition` is the newest trading date that holds rows, None in a table without partitions.
    """

    table: str
    layer: str
    rows: int
    bytes: int
    files: int
    snapshots: int
    last_partition: date | None
    snapshot_id: int | None
    published_at: datetime | None
    run_id: str | None


@dataclass(frozen=True)
class SnapshotRecord:
    """One snapshot of a table: when, by which run, from which inputs, and what it did to the rows.

    What a foreign writer did not write down is None or empty.
    """

    snapshot_id: int
    is_current: bool
    committed_at: datetime
    operation: str
    run_id: str | None
    partitions: tuple[str, ...]
    rows_added: int
    rows_removed: int
    rows_total: int
    files_added: int
    files_removed: int
    inputs: Mapping[str, int | None]
    git_sha: str | None


@dataclass(frozen=True)
class Writer:
    """Who wrote what a partition holds: the content's key, and the run that published it; None where nobody knows.

    `copied_verdict` is what the gates said of the rows in the lake that they were copied from.
    """

    commit_key: str | None
    run_id: str | None
    copied_verdict: Mapping[str, Sequence[str]] | None = None


def contract_named(name: str) -> Contract:
    """The contract of a table, named bare or with namespace and catalog, in any case.

    Raises:
        UnknownTable: there is no such table.
    """
    bare = name.strip().lower().removeprefix(f"{CATALOG}.").removeprefix(f"{NAMESPACE}.")
    if bare in CONTRACTS:
        return CONTRACTS[bare]
    close = get_close_matches(bare, CONTRACTS, n=3, cutoff=0.5)
    advice = f"did you mean {', '.join(close)}?" if close else f"the tables are {', '.join(CONTRACTS)}"
    raise UnknownTable(f"there is no table {name}: {advice}")


def overviews(lake: Lake) -> Iterator[TableOverview]:
    """All tables in the order of the layers, on one consistent cut."""
    cut = Cut(lake)
    for contract in sorted(CONTRACTS.values(), key=lambda one: FLOW.index(one.layer)):
        yield _overview(cut, contract)


def snapshots(lake: Lake, contract: Contract) -> tuple[SnapshotRecord, ...]:
    """The table's snapshots that were not expired, newest first.

    Raises:
        TableMissing: nothing was written to the table yet.
    """
    table = Cut(lake).find(contract.table)
    if table is None:
        raise TableMissing(
            f"{CATALOG}.{NAMESPACE}.{contract.table} has no data yet: materialize the asset {contract.table}"
        )
    current = table.current_snapshot()
    ordered = sorted(table.metadata.snapshots, key=lambda one: one.sequence_number or 0, reverse=True)
    return tuple(_record(one, current is not None and one.snapshot_id == current.snapshot_id) for one in ordered)


def writers(lake: Lake, contract: Contract, snapshot_id: int) -> dict[str, Writer]:
    """Who wrote each partition that a snapshot holds, by its key, oldest date first.

    Nobody is known for files of a foreign writer, and no run where the snapshot that they came with has expired.

    Raises:
        TableMissing, SnapshotMissing: the table or its snapshot are gone.
    """
    held: dict[str, set[str | None]] = {}
    for file in pin_at(lake, contract, snapshot_id).files:
        held.setdefault(file.trading_date.isoformat() if file.trading_date else WHOLE, set()).add(file.commit_key)
    told: dict[str, dict[str, str]] = {}
    for snapshot in lake.load(contract.table).metadata.snapshots:
        said = dict(snapshot.summary.additional_properties) if snapshot.summary else {}
        told.update(dict.fromkeys(said.get(f"{PREFIX}commit-keys", "").split(","), said))
    found = {}
    for key, keys in sorted(held.items()):
        only = next(iter(keys)) if len(keys) == 1 else None
        said = told.get(only, {}) if only else {}
        verdict = said.get(COPIED_VERDICT)
        found[key] = Writer(only, said.get(f"{PREFIX}run-id"), json.loads(verdict) if verdict else None)
    return found


def _overview(cut: Cut, contract: Contract) -> TableOverview:
    table = cut.find(contract.table)
    current = table.current_snapshot() if table is not None else None
    if table is None or current is None:
        return TableOverview(contract.table, contract.layer, 0, 0, 0, 0, None, None, None, None)
    files = planned_files(table, contract, None)
    record = _record(current, is_current=True)
    return TableOverview(
        table=contract.table,
        layer=contract.layer,
        rows=sum(file.rows for file in files),
        bytes=sum(file.bytes for file in files),
        files=len(files),
        snapshots=len(table.metadata.snapshots),
        last_partition=max((file.trading_date for file in files if file.trading_date), default=None),
        snapshot_id=record.snapshot_id,
        published_at=record.committed_at,
        run_id=record.run_id,
    )


def _record(snapshot: Snapshot, is_current: bool) -> SnapshotRecord:
    said = dict(snapshot.summary.additional_properties) if snapshot.summary else {}

    def number(key: str) -> int:
        return int(said.get(key, "0"))

    return SnapshotRecord(
        snapshot_id=snapshot.snapshot_id,
        is_current=is_current,
        committed_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        operation=snapshot.summary.operation.value if snapshot.summary else "unknown",
        run_id=said.get(f"{PREFIX}run-id"),
        partitions=tuple(key for key in said.get(f"{PREFIX}partitions", "").split(",") if key and key != WHOLE),
        rows_added=number("added-records"),
        rows_removed=number("deleted-records"),
        rows_total=number("total-records"),
        files_added=number("added-data-files"),
        files_removed=number("deleted-data-files"),
        inputs=json.loads(said.get(f"{PREFIX}inputs", "{}")),
        git_sha=said.get(f"{PREFIX}git-sha"),
    )
