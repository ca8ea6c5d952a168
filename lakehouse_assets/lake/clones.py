"""Where another engine writes before anybody sees it: an empty clone of the target with the target's field ids.

Belongs here: making a clone, having it written, its files, and removing it. Does not: what is written
(`engines.statements`), nor attaching the files to the target (`commit`).

The clone's files lie in the target's data folder, so that they are attached without being copied. `gc.enabled=false`
keeps every engine's DROP TABLE from deleting them; `purge_table` would delete them in any case and is never called.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from uuid import uuid4

from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake, ensure_namespace
from lakehouse_assets.lake.storage import remove_folder

STAGING = "option_ticks_staging"
"""The namespace of clones: no table of users is in it."""

LONGEST_HOURS = 24
"""An older clone is of a run that was killed."""


class WrittenTwice(RuntimeError):
    """A clone holds more than the one insert that it was made for; the message says which."""


@dataclass(frozen=True)
class Clone:
    """A clone as its engine left it: the name in the staging namespace, the snapshot (None: nothing was written)."""

    name: str
    snapshot_id: int | None


def make_clone(lake: Lake, table: IcebergTable, metadata: TableMetadata, folder: str) -> str:
    """Register an empty table beside `table`, like `metadata`, whose files go to `folder`.

    Returns:
        Its name in the staging namespace, which `sweep_clones` has made.
    """
    name = f"{table.name()[-1]}__{_now():%Y%m%d%H%M%S}_{token_hex(4)}"
    location = f"{metadata.location.rstrip('/')}/staging/{name}"
    clone = metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
    for history in ("snapshots", "snapshot-log", "metadata-log", "statistics", "partition-statistics"):
        clone[history] = []
    clone |= {
        "current-snapshot-id": -1,  # none, as Java writes it: not all REST servers know that it may be left out
        "table-uuid": str(uuid4()),
        "location": location,
        "last-sequence-number": 0,
        "last-updated-ms": time.time_ns() // 1_000_000,
        "refs": {},
        "properties": {**metadata.properties, "write.data.path": folder, "gc.enabled": "false"},
    }
    written = f"{location}/metadata/00000-{uuid4()}.metadata.json"
    with table.io.new_output(written).create() as stream:
        stream.write(json.dumps(clone).encode())
    lake.catalog.register_table((STAGING, name), written)
    return name


def read_clone(lake: Lake, name: str) -> tuple[Clone, tuple[DataFile, ...]]:
    """A clone as it is now, and the files that an engine has written into it, with the statistics that it took.

    Raises:
        WrittenTwice: an engine's client asked again because it had no answer, and both statements were carried out.
    """
    table = lake.catalog.load_table((STAGING, name))
    snapshot = table.current_snapshot()
    if snapshot is None:
        return Clone(name, None), ()
    if _records(snapshot, "total") != _records(snapshot, "added"):  # a REST server shows the newest snapshot alone
        raise WrittenTwice(
            f"{STAGING}.{name} was written more than once, by an insert that was sent again: nothing of it is visible, "
            "run the step again"
        )
    return Clone(name, snapshot.snapshot_id), tuple(task.file for task in table.scan().plan_files())


def _records(snapshot: Snapshot, which: str) -> int:
    counted = snapshot.summary.additional_properties if snapshot.summary else {}
    return int(counted.get(f"{which}-records", 0))


def drop_clone(lake: Lake, name: str) -> None:
    """Take a clone out of the catalog with its metadata; the files that it holds stay where they are."""
    try:
        location = _location(lake, name)
        lake.catalog.drop_table((STAGING, name))
    except NoSuchTableError:  # another run swept it
        return
    if location is not None:
        remove_folder(lake.settings, location)


def sweep_clones(lake: Lake, contract: Contract) -> None:
    """Make the namespace ready: drop the table's clones of runs that were killed more than a day ago.

    Their files stay: a run that was killed after its commit has attached them.
    """
    ensure_namespace(lake.catalog, STAGING)
    for _, name in lake.catalog.list_tables(STAGING):
        table, _, rest = name.partition("__")
        if table == contract.table and _hours_since(rest.partition("_")[0]) > LONGEST_HOURS:
            drop_clone(lake, name)


def _location(lake: Lake, name: str) -> str | None:
    """Where a clone's metadata lies; None where maintenance of the target has removed it as an orphan."""
    try:
        return lake.catalog.load_table((STAGING, name)).location()
    except FileNotFoundError:
        return None


def _now() -> datetime:
    return datetime.now(UTC)


def _hours_since(stamp: str) -> float:
    made = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return (_now() - made).total_seconds() / 3600
