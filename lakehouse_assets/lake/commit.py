"""Making staged files visible: one commit, or none.

Belongs here: publish, conflicts, what a snapshot says of itself. Does not: writing or judging rows.
The key of a commit is its content, so a repeated publish finds its files on `main` and does nothing.
"""

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pyiceberg.exceptions import CommitFailedException, ValidationException
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import TableProperties

from lakehouse_assets.lake.catalog import COMMIT_RETRIES, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Lake
from lakehouse_assets.lake.outcomes import NO_ANSWER, discard_unshown
from lakehouse_assets.lake.paths import commit_key_of
from lakehouse_assets.lake.schema import field_ids
from lakehouse_assets.lake.staging import Staged, StagedPartition, evolve
from lakehouse_assets.lake.table import partition_filter, planned_files
from lakehouse_assets.settings import PROJECT

ATTEMPTS = COMMIT_RETRIES

PREFIX = "lakehouse."


class PublishConflict(RuntimeError):
    """Another run published the same partition since this one looked: run again on what is there now."""


class PublishUnknown(RuntimeError):
    """The catalog does not answer, so that nobody knows whether it was published: run again, which finds out.

    The files stay where they are, since a snapshot may have them.
    """


@dataclass(frozen=True)
class Published:
    """What a publish did: the snapshot that shows the content, and whether it had to be made."""

    snapshot_id: int | None
    is_new: bool
    seconds: float


def publish(
    lake: Lake,
    staged: Staged,
    properties: Mapping[str, str],
    before_commit: Callable[[], None] = lambda: None,
) -> Published:
    """Replace the staged partitions on `main` in one commit of metadata, or leave `main` as it is.

    Args:
        lake: the lake.
        staged: files that passed their gates.
        properties: what the snapshot says of itself besides keys, inputs and code version.
        before_commit: called between look and commit; fault tests hook in here.

    Raises:
        PublishConflict: somebody else published one of the partitions; the staged files are removed, except those that
            a snapshot has since a commit of ours went through unheard.
        PublishUnknown: the catalog does not answer; the staged files stay.
    """
    started = time.monotonic()
    met: list[Exception] = []
    try:
        snapshot_id, is_new = _shown(lake, staged, properties, before_commit, met)
    except PublishConflict:
        try:
            discard_unshown(lake, staged, staged.partitions, met)
        except NO_ANSWER as error:
            raise given_up(staged.contract.table, _named(staged), [*met, error]) from error
        raise
    return Published(snapshot_id, is_new, time.monotonic() - started)


def _shown(
    lake: Lake,
    staged: Staged,
    properties: Mapping[str, str],
    before_commit: Callable[[], None],
    met: list[Exception],
) -> tuple[int | None, bool]:
    """The snapshot that shows the content, and whether it had to be made; tried again where commits meet.

    Each error that is tried again is added to `met`.

    Raises:
        PublishConflict: somebody else published one of the partitions, or there are too many writers.
        PublishUnknown: the catalog does not answer.
    """
    for attempt in range(ATTEMPTS):
        try:
            table = lake.load(staged.contract.table)
            pending, twins = _compare(table, staged)
            snapshot_id = _commit(table, staged, pending, properties, before_commit) if pending else None
            discard_unshown(lake, staged, twins, met)
            return (snapshot_id, True) if pending else (_showing(table, staged), False)
        except (CommitFailedException, ValidationException, ValueError, *NO_ANSWER) as error:
            if isinstance(error, ValueError) and "sequence number" not in str(error):
                raise
            met.append(error)
            wait_before_retry(attempt)
    raise given_up(staged.contract.table, _named(staged), met) from met[-1]


def given_up(table: str, what: str, met: Sequence[Exception]) -> PublishConflict | PublishUnknown:
    """What to raise when the tries are used up, by the last error that they met."""
    if isinstance(met[-1], NO_ANSWER):
        reason = str(met[-1]).partition("\n")[0]
        return PublishUnknown(
            f"{table}: the catalog does not answer ({reason}); whether {what} was published is not known: run again"
        )
    return PublishConflict(f"{table}: {len(met)} commits met others; too many writers at once, run again")


def _named(staged: Staged) -> str:
    """The partitions in words, a range by its ends."""
    return " .. ".join(dict.fromkeys((staged.partitions[0].key, staged.partitions[-1].key)))


def _compare(table: IcebergTable, staged: Staged) -> tuple[list[StagedPartition], list[StagedPartition]]:
    """The partitions whose content `main` does not show yet, and those that it shows by the files of another run.

    Raises:
        PublishConflict: a partition's files are neither those seen when staging began nor this content.
    """
    pending, twins = [], []
    for part in staged.partitions:
        current = planned_files(table, staged.contract, [part.key])
        paths = frozenset(file.path for file in current)
        if current and {file.commit_key for file in current} == {part.commit_key}:
            if not paths & {file.path for file in part.files}:
                twins.append(part)
        elif paths != part.base:
            raise PublishConflict(
                f"{staged.contract.table} {part.key}: another run published this partition meanwhile; run again"
            )
        elif part.files or part.base:
            pending.append(part)
    return pending, twins


def _commit(
    table: IcebergTable,
    staged: Staged,
    pending: list[StagedPartition],
    properties: Mapping[str, str],
    before_commit: Callable[[], None],
) -> int | None:
    if field_ids(staged.contract, table.metadata) != dict(staged.field_ids):
        raise PublishConflict(f"{staged.contract.table}: another run changed the schema meanwhile; run again")
    replaced = {path for part in pending for path in part.base}
    transaction = table.transaction()
    evolve(transaction, staged.contract)
    # the patience is ours: PyIceberg's own retries would multiply it, and look neither at the partitions nor the schema
    table.metadata.properties[TableProperties.COMMIT_NUM_RETRIES] = "0"
    condition = partition_filter(staged.contract, [part.key for part in pending])
    summary = {**_describe(staged, pending), **properties}
    old = [task.file for task in table.scan(condition).plan_files() if task.file.file_path in replaced]
    with transaction.update_snapshot(snapshot_properties=summary).overwrite() as overwrite:
        overwrite.delete_by_predicate(condition)
        for data_file in old:
            overwrite.delete_data_file(data_file)
        for part in pending:
            for data_file in part.data_files:
                overwrite.append_data_file(data_file)
    before_commit()
    return _head(transaction.commit_transaction())


def _describe(staged: Staged, pending: list[StagedPartition]) -> dict[str, str]:
    """What the snapshot says of itself: partitions, content keys, code version, and the snapshots that were read."""
    inputs = {name: table.snapshot_id for name, table in staged.inputs.items()}
    return {
        f"{PREFIX}asset": staged.contract.table,
        f"{PREFIX}partitions": ",".join(part.key for part in pending),
        f"{PREFIX}commit-keys": ",".join(part.commit_key for part in pending),
        f"{PREFIX}inputs": json.dumps(inputs, sort_keys=True),
        f"{PREFIX}git-sha": git_sha(),
    }


def _head(table: IcebergTable) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def _showing(table: IcebergTable, staged: Staged) -> int | None:
    """The newest snapshot that added a file of these partitions; the head where they hold no file.

    The head itself may be of another partition. A snapshot that has expired is still named by its files.
    """
    head = table.current_snapshot()
    if head is None:
        return None
    keys = {part.commit_key for part in staged.partitions if part.files}
    added = [
        (entry.sequence_number or 0, entry.snapshot_id)
        for manifest in head.manifests(table.io)
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)
        if commit_key_of(entry.data_file.file_path) in keys
    ]
    return max(added)[1] if added else head.snapshot_id


def wait_before_retry(attempt: int) -> None:
    """Sleep for a random while, longer with each attempt, so that writers who met do not meet again."""
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - jitter, not a secret


@cache
def git_sha() -> str:
    """The commit of the code that runs, with `-dirty` where files differ from it.

    Outside a checkout it is what the image was made of (`GIT_SHA`), or "unknown".
    """
    head, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    if head is None:
        return os.environ.get("GIT_SHA", "unknown")
    return f"{head}-dirty" if changes else head


def _git(*arguments: str) -> str | None:
    """What git says; None where it is not installed or this is no checkout."""
    try:
        found = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # git is not needed to run
        return None
    return found.stdout.strip() if found.returncode == 0 else None
