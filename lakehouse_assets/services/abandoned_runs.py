"""Runs in MLflow that a killed process left open, and nobody else will end.

Belongs here: finding and closing them. Does not: runs that end by themselves (tracking).
"""

from typing import TYPE_CHECKING

from lakehouse_assets.services.tracking import EVALUATION_EXPERIMENT, PIPELINE_EXPERIMENT, RUN_TAG
from lakehouse_assets.services.tracking_store import TrackingStore

if TYPE_CHECKING:
    from dagster import DagsterInstance


def close_abandoned(store: TrackingStore, instance: "DagsterInstance") -> int:
    """Close as KILLED what is RUNNING though its Dagster run is over; how many.

    A Dagster run that the instance does not know is another instance's, and left alone.
    """
    if not store.is_made:
        return 0
    experiments = [store.experiment(name) for name in (PIPELINE_EXPERIMENT, EVALUATION_EXPERIMENT)]
    running = store.client.search_runs(experiments, filter_string="attributes.status = 'RUNNING'")
    of = {run.info.run_id: run.data.tags.get(RUN_TAG, "") for run in running}
    over = {dagster_run_id for dagster_run_id in set(of.values()) if _is_over(instance, dagster_run_id)}
    left = [run_id for run_id, dagster_run_id in of.items() if dagster_run_id in over]
    for run_id in left:
        store.client.set_terminated(run_id, "KILLED")
    return len(left)


def _is_over(instance: "DagsterInstance", dagster_run_id: str) -> bool:
    known = instance.get_run_by_id(dagster_run_id)
    return known is not None and known.is_finished
