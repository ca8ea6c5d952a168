"""The verdicts that Dagster keeps on record: what the gates said of a table in a run.

Belongs here: reading the asset check evaluations of Dagster's event log. Does not: judging, nor writing any event.
The instance is the one `DAGSTER_HOME` names, else the embedded one below the state folder; where there is none,
there are no verdicts.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.inspection import Writer, writers
from lakehouse_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance


DATA_VERSION_TAG: Final = "dagster/data_version"
"""On a materialization: the content keys of what it made, shortened and joined by + where there are several."""


@dataclass(frozen=True)
class RunVerdict:
    """What the gates of one table said in one run: the checks that passed, those that warned, those that refused."""

    passed: tuple[str, ...]
    warned: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether the batch stayed invisible."""
        return bool(self.refused)

    @property
    def words(self) -> str:
        """The verdict in one line."""
        total = len(self.passed) + len(self.warned) + len(self.refused)
        if self.refused:
            return f"refused: {', '.join(self.refused)}"
        if self.warned:
            return f"{len(self.passed)} of {total} passed, warned: {', '.join(self.warned)}"
        return f"{total} passed"

    def as_dict(self) -> dict[str, list[str]]:
        """The verdict as JSON values."""
        return {"passed": list(self.passed), "warned": list(self.warned), "refused": list(self.refused)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Sequence[str]]) -> "RunVerdict":
        """The verdict out of `as_dict`."""
        return cls(*(tuple(saved[name]) for name in ("passed", "warned", "refused")))


class VerdictsOfRecord:
    """The verdicts by run and table; each run's events are read once. Use it as a context."""

    def __init__(self, settings: Settings, instance: "DagsterInstance | None" = None) -> None:
        """Open nothing yet: Dagster is imported only where it kept something. A given instance stays open."""
        self._settings = settings
        self._given = instance
        self._by_run: dict[str, Mapping[str, RunVerdict]] = {}

    def __enter__(self) -> "VerdictsOfRecord":
        """Nothing to do: the instance is opened at first use."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the instance if it was opened."""
        if self._given is None and (instance := self.__dict__.get("_instance")) is not None:
            instance.dispose()

    @cached_property
    def _instance(self) -> "DagsterInstance | None":
        if self._given is not None:
            return self._given
        home = self._settings.home / "dagster"
        if not os.environ.get("DAGSTER_HOME") and not (home / "history").is_dir():
            return None
        from dagster import DagsterInstance

        return DagsterInstance.get() if os.environ.get("DAGSTER_HOME") else DagsterInstance.from_config(str(home))

    def of_run(self, run_id: str | None, table: str) -> RunVerdict | None:
        """What the gates of a table said in a run; None where nothing is on record."""
        if run_id is None or self._instance is None:
            return None
        if run_id not in self._by_run:
            self._by_run[run_id] = _evaluated(self._instance, run_id)
        return self._by_run[run_id].get(table)

    def doubts(self, lake: Lake, contract: Contract, snapshot_id: int) -> list[str]:
        """What keeps the gates of a table from being green on all dates that a snapshot holds, in words.

        Only checks that block count: an old or quiet day warns, and is no fault of the rows. A date without any
        verdict on record is not green either: nobody knows who judged it.

        Raises:
            TableMissing, SnapshotMissing: the table or its snapshot are gone.
        """
        refused, silent = [], []
        for key, writer in writers(lake, contract, snapshot_id).items():
            said = self.of_partition(contract.table, key, writer)
            if said is None:
                silent.append(key)
            elif said.is_refused:
                refused.append(f"{key} {said.words}")
        found = [f"no verdict is on record for {_spelled(silent)}"] if silent else []
        return [f"the gates of {contract.table} are not green: {words}" for words in (*refused, *found)]

    def of_partition(self, table: str, key: str, writer: Writer) -> RunVerdict | None:
        """What was said of the content that a writer has left in a partition.

        In the run that published it, else in the last that made the very same again, else where it was copied from.
        """
        said = self.of_run(writer.run_id, table) or self._of_remaking(table, key, writer)
        if said is None and writer.copied_verdict is not None:
            return RunVerdict.from_dict(writer.copied_verdict)
        return said

    def _of_remaking(self, table: str, key: str, writer: Writer) -> RunVerdict | None:
        """A run that made the same content again publishes nothing, so no snapshot names it.

        The data version of its materialization is the content.
        """
        if self._instance is None or writer.commit_key is None:
            return None
        from dagster import AssetKey, AssetRecordsFilter

        asked = AssetRecordsFilter(AssetKey(table), asset_partitions=[key])
        for record in self._instance.fetch_materializations(asked, limit=1).records:
            made = record.asset_materialization
            versions = (made.tags or {}).get(DATA_VERSION_TAG, "").split("+") if made else []
            if any(version and writer.commit_key.startswith(version) for version in versions):
                return self.of_run(record.run_id, table)
        return None

    def latest(self, tables: Iterable[str]) -> Mapping[str, RunVerdict]:
        """The verdict of the last run that set out to write each table; tables without one are left out."""
        if self._instance is None:
            return {}
        from dagster import AssetKey

        names = list(tables)
        records = self._instance.get_asset_records([AssetKey(name) for name in names])
        last_runs = {record.asset_entry.asset_key.path[-1]: record.asset_entry.last_run_id for record in records}
        found = {name: self.of_run(last_runs.get(name), name) for name in names}
        return {name: verdict for name, verdict in found.items() if verdict is not None}


def _spelled(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{len(keys)} dates, {keys[0]} to {keys[-1]}"


def _evaluated(instance: "DagsterInstance", run_id: str) -> Mapping[str, RunVerdict]:
    """The verdicts of one run by table; a check that failed on one day of a range counts as failed."""
    from dagster import AssetCheckSeverity, DagsterEventType

    if not instance.has_run(run_id):  # asking for its events would leave an empty database behind
        return {}
    ranks: dict[str, dict[str, int]] = {}
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event is None:
            continue
        evaluation = entry.dagster_event.asset_check_evaluation_data
        rank = 0 if evaluation.passed else 2 if evaluation.severity == AssetCheckSeverity.ERROR else 1
        checks = ranks.setdefault(evaluation.asset_key.path[-1], {})
        checks[evaluation.check_name] = max(rank, checks.get(evaluation.check_name, 0))
    return {
        table: RunVerdict(*(tuple(name for name, rank in checks.items() if rank == wanted) for wanted in range(3)))
        for table, checks in ranks.items()
    }
