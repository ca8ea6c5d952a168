"""Runs on the stack: put into Dagster's queue by its API, followed by its event log."""

import time
from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from sqlalchemy.exc import SQLAlchemyError

from lakehouse_assets.partitions import range_tags

JOB = "ml_pipeline_end_to_end"
POLL_SECONDS = 0.5
CLICKING_SECONDS = 30
PATIENCE_SECONDS = 1_200
BEGINS = (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED)
ENDS = (
    dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_UP_FOR_RETRY,
)  # fmt: skip


def submit(days: tuple[date, date], assets: Sequence[str] = ()) -> str:
    """Put the main job, or these assets of it, into the queue; the run's id.

    Asked again, as a person would: after a restart of PostgreSQL each connection that the web server kept fails once.
    """
    client = DagsterGraphQLClient("127.0.0.1", port_number=8082)
    deadline = time.monotonic() + CLICKING_SECONDS
    while True:
        try:
            return client.submit_job_execution(JOB, tags=range_tags(*days), asset_selection=list(assets) or None)
        except DagsterGraphQLClientError as error:
            if "OperationalError" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def followed(
    instance: dg.DagsterInstance, run_id: str, look: Callable[[frozenset[str]], None] = lambda steps: None
) -> dg.DagsterRunStatus:
    """Wait for the end of a run; `look` is told again and again which steps are at work. How it ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            run = instance.get_run_by_id(run_id)
            assert run is not None
            if run.is_finished:
                return run.status
            at_work = begun(instance, run_id)
        except SQLAlchemyError:  # PostgreSQL is one of those that are killed
            time.sleep(POLL_SECONDS)
            continue
        look(at_work)
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{run_id} did not end within {PATIENCE_SECONDS} s")


def begun(instance: dg.DagsterInstance, run_id: str) -> frozenset[str]:
    """The steps that have begun and neither ended nor wait for another try."""
    last: dict[str, dg.DagsterEventType] = {}
    for entry in instance.all_logs(run_id, of_type={*BEGINS, *ENDS}):
        if entry.step_key and entry.dagster_event:
            last[entry.step_key] = entry.dagster_event.event_type
    return frozenset(step for step, event in last.items() if event in BEGINS)


def steps(instance: dg.DagsterInstance, run_id: str, kind: dg.DagsterEventType) -> frozenset[str]:
    """The steps of a run that have such an event."""
    entries = instance.all_logs(run_id, of_type=kind)
    return frozenset(entry.step_key for entry in entries if entry.step_key)


def told(instance: dg.DagsterInstance, run_id: str) -> str:
    """What went wrong in a run: the words of its failures, and their details where they have some; else nothing."""
    failed = instance.all_logs(run_id, of_type={dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE})
    events = [entry.dagster_event for entry in failed if entry.dagster_event]
    parts = [part for event in events for part in (event.message, event.event_specific_data) if part]
    return "\n".join(map(str, parts))
