"""Running a job of the definitions through Dagster's own executor, and watching it.

Belongs here: one run and what happened in it. Does not: which dates run, nor how it is shown.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from lakehouse_assets.partitions import range_tags

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance

DEFINITIONS_MODULE = "lakehouse_assets.definitions"
DEFINITIONS_NAME = "defs"


class Verdict(NamedTuple):
    """What a check said, over all dates of the run."""

    passed: bool
    words: str


@dataclass
class RunReport:
    """What happened in one run: seconds a step, verdicts of the checks, metadata of the last materializations."""

    run_id: str
    dates: tuple[date, date]
    steps: int
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Verdict] = field(default_factory=dict)
    materialized: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether every step did."""
        return not self.failures

    def note(self, event: "DagsterEvent") -> None:
        """Take in one event."""
        step = event.step_key or ""
        if event.is_step_success:
            self.seconds[step] = event.step_success_data.duration_ms / 1000
        elif event.is_step_failure:
            error = event.step_failure_data.error
            self.failures[step] = error.message.strip().splitlines()[0] if error else "failed"
        elif event.event_type_value == "ASSET_MATERIALIZATION":
            made = event.step_materialization_data.materialization
            self.materialized[made.asset_key.to_user_string()] = {k: v.value for k, v in made.metadata.items()}
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            said = event.asset_check_evaluation_data
            if said.partition is None:
                self.checks[said.check_name] = Verdict(said.passed, said.description or "")


def run_job(
    instance: "DagsterInstance",
    job: str,
    first: date,
    last: date,
    watch: Callable[[str, RunReport], None],
    assets: Iterable[str] | None = None,
) -> RunReport:
    """Run a partitioned job for every date from `first` to `last` in one run.

    Args:
        instance: where the run is recorded.
        job: a job of the definitions.
        first: first trading date.
        last: last trading date, included.
        watch: called at each start and end of a step, with the step's name.
        assets: those of the job's assets to make; all where None.
    """
    from dagster import AssetKey
    from dagster._core.definitions.reconstruct import ReconstructableRepository  # no public way to name a module's job
    from dagster._core.execution.api import execute_run_iterator

    recipe = ReconstructableRepository.for_module(DEFINITIONS_MODULE, DEFINITIONS_NAME).get_reconstructable_job(job)
    chosen = frozenset(AssetKey(name) for name in assets) if assets is not None else None
    if chosen is not None:
        recipe = recipe.get_subset(asset_selection=chosen)
    definition = recipe.get_definition()
    run = instance.create_run_for_job(
        job_def=definition, tags=range_tags(first, last), asset_selection=chosen,
    )  # fmt: skip
    report = RunReport(run.run_id, (first, last), steps=len(definition.nodes))
    for event in execute_run_iterator(recipe, run, instance):
        report.note(event)
        if event.is_step_start or event.is_step_success or event.is_step_failure:
            watch(event.step_key or "", report)
    ended = instance.get_run_by_id(run.run_id)
    if not report.failures and (ended is None or not ended.is_success):
        report.failures["run"] = f"ended {ended.status.value if ended else 'without a record'} outside any step"
    return report
