"""The verdicts that Dagster keeps on record: what the gates said of a table in a run.

Belongs here: reading the asset check evaluations of Dagster's event log. Does not: judging, nor writing any event.
The instance is the one `DAGSTER_HOME` names, else the embedded one below the state folder; where there is none,
there are no verdicts.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lakehouse_assets.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance


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
    def is_green(self) -> bool:
        """Whether no check warned or refused."""
        return not self.warned and not self.refused

    @property
    def words(self) -> str:
        """The verdict in one line."""
        total = len(self.passed) + len(self.warned) + len(self.refused)
        if self.refused:
            return f"refused: {', '.join(self.refused)}"
        if self.warned:
            return f"{len(self.passed)} of {total} passed, warned: {', '.join(self.warned)}"
        return f"{total} passed"


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
