"""Run a job of small steps through the executor, and take the steps' times off its events.

A step's process imports this module again, as the main one; so, like Dagster's own, it is light, and the job's module
is preloaded as the definitions are.
"""

import json
from typing import TYPE_CHECKING

from benchmarks.clock import answer, clocked, given

if TYPE_CHECKING:
    from dagster import DagsterInstance

KINDS = {
    "STEP_WORKER_STARTING": "starting",
    "STEP_WORKER_STARTED": "started",
    "STEP_START": "begins",
    "STEP_SUCCESS": "success",
}


def times_of(instance: "DagsterInstance", run_id: str) -> list[dict[str, float]]:
    """The instants of each step in seconds, in the order in which the steps began."""
    steps: dict[str, dict[str, float]] = {}
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        if event and event.step_key and event.event_type_value in KINDS:
            steps.setdefault(event.step_key, {})[KINDS[event.event_type_value]] = entry.timestamp
    return sorted(steps.values(), key=lambda step: step["starting"])


def inside() -> list[float]:
    """The seconds of work inside each step, in the same order; none where nobody clocked."""
    from benchmarks.work.small_steps import probe_file

    if not probe_file().exists():
        return []
    seconds: dict[int, float] = {}
    for line in probe_file().read_text().splitlines():
        said = json.loads(line)
        seconds[said["pid"]] = seconds.get(said["pid"], 0.0) + said["seconds"]
    return list(seconds.values())


def main() -> None:
    """Work and answer."""
    import dagster as dg

    from benchmarks.work import small_steps
    from lakehouse_assets.services.instance import embedded_instance
    from lakehouse_assets.settings import load_settings

    job = dg.reconstructable(getattr(small_steps, f"{given()['job']}_job"))
    with embedded_instance(load_settings()) as instance, clocked() as spent:
        with dg.execute_job(job, instance) as result:
            if not result.success:
                raise SystemExit("the job failed")
            run_id = result.run_id
        times = times_of(instance, run_id)
    answer(spent, times=times, inside=inside())


if __name__ == "__main__":
    main()
