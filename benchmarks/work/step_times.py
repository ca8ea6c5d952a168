"""Run a job of small steps through the executor, and take the steps' times off its events."""

import json

import dagster as dg
from dagster import DagsterEventType

from benchmarks.clock import answer, clocked, given
from benchmarks.work import small_steps
from lakehouse_assets.services.instance import embedded_instance
from lakehouse_assets.settings import load_settings

KINDS = {
    DagsterEventType.STEP_WORKER_STARTING: "starting",
    DagsterEventType.STEP_WORKER_STARTED: "started",
    DagsterEventType.STEP_START: "begins",
    DagsterEventType.STEP_SUCCESS: "success",
}


def times_of(instance: dg.DagsterInstance, run_id: str) -> list[dict[str, float]]:
    """The instants of each step in seconds, in the order in which the steps began."""
    steps: dict[str, dict[str, float]] = {}
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        if event and event.step_key and event.event_type in KINDS:
            steps.setdefault(event.step_key, {})[KINDS[event.event_type]] = entry.timestamp
    return sorted(steps.values(), key=lambda step: step["starting"])


def inside() -> list[float]:
    """The seconds of work inside each step, in the same order; none where nobody clocked."""
    if not small_steps.probe_file().exists():
        return []
    seconds: dict[int, float] = {}
    for line in small_steps.probe_file().read_text().splitlines():
        said = json.loads(line)
        seconds[said["pid"]] = seconds.get(said["pid"], 0.0) + said["seconds"]
    return list(seconds.values())


def main() -> None:
    """Work and answer."""
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
