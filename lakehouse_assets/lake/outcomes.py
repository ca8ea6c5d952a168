"""Commits of which nobody knows whether they went through: the acknowledgement was lost, or the catalog is away.

Belongs here: which errors leave that open, and removing the files that no snapshot has. Does not: committing.
"""

from collections.abc import Iterable
from typing import Final

from pyiceberg.exceptions import CommitStateUnknownException, ServerError, ServiceUnavailableError
from pyiceberg.table import Table as IcebergTable
from requests import exceptions as http
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.staging import Staged, StagedPartition, discard

NO_ANSWER: Final = (
    OperationalError, InterfaceError, InternalError, PoolTimeoutError,
    CommitStateUnknownException, ServerError, ServiceUnavailableError,
    http.ConnectionError, http.Timeout, http.ChunkedEncodingError,
)  # fmt: skip
"""What the catalogs, SQL and REST, raise where they did not say whether they did what was asked."""


def discard_unshown(lake: Lake, staged: Staged, parts: Iterable[StagedPartition], met: Iterable[Exception]) -> None:
    """Remove the staged files of partitions that `main` shows otherwise by now.

    Where an error that was met leaves open whether a commit went through, only those are removed that no snapshot of
    the table has, be it historical; none where the table does not show its history back to the snapshot that staging
    began with, since a snapshot of ours could be among those that are not shown.
    """
    shown: frozenset[str] = frozenset()
    if any(isinstance(error, NO_ANSWER) for error in met):
        table = lake.load(staged.contract.table)
        if not _reaches_back(table, staged.snapshot_id):
            return
        shown = _paths_since(table, staged.snapshot_id)
    for part in parts:
        if not shown & {file.path for file in part.files}:
            discard(lake, part)


def _reaches_back(table: IcebergTable, base: int | None) -> bool:
    """Whether the snapshots that followed the base are to be seen, by the oldest of them or the base itself."""
    if base is not None:
        return table.snapshot_by_id(base) is not None
    numbers = [snapshot.sequence_number or 0 for snapshot in table.snapshots()]
    return max(numbers, default=0) == len(numbers)


def _paths_since(table: IcebergTable, base: int | None) -> frozenset[str]:
    """The data files of all snapshots after the base, as far as manifests that are newer than it name them."""
    first = table.snapshot_by_id(base) if base is not None else None
    since = (first.sequence_number or 0) if first else 0
    manifests = {
        manifest.manifest_path: manifest
        for snapshot in table.snapshots()
        if (snapshot.sequence_number or 0) > since
        for manifest in snapshot.manifests(table.io)
        if manifest.sequence_number > since
    }
    return frozenset(
        entry.data_file.file_path
        for manifest in manifests.values()
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
    )
