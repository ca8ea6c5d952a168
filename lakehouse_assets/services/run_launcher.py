"""Dagster's run launcher, which also notices that the code server of a run was killed.

Belongs here: asking whether a run's process is there. Does not: starting it, which Dagster's own launcher does.

Runs are children of the code server and end with it. Dagster's own launcher cannot tell, so such a run would count as
started until its longest duration is over, and hold its place in queue and pool.
"""

import json
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import GetCurrentRunsResult
from dagster._serdes import deserialize_value


class WatchfulRunLauncher(dg.DefaultRunLauncher):
    """Run monitoring fails a run that the server which started it no longer knows."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring asks this launcher."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the run's process is there, by the server that started it.

        A server on another host that does not answer may be cut off for a moment: it is asked again. One on a socket
        of this machine is gone.
        """
        if GRPC_INFO_TAG not in run.tags:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "started by no server: in a process of its own")
        where = json.loads(run.tags[GRPC_INFO_TAG])
        try:
            known = _runs_of(where)
        except DagsterUserCodeUnreachableError as error:
            status = WorkerStatus.FAILED if where.get("socket") else WorkerStatus.RUNNING
            return CheckRunHealthResult(status, f"its code server does not answer: {error}")
        if run.run_id in known:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its code server was started anew and does not know it")


def _runs_of(where: dict[str, Any]) -> frozenset[str]:
    """The runs of the server at an address, as the launcher has noted it."""
    client = DagsterGrpcClient(
        port=where.get("port"), socket=where.get("socket"), host=where["host"], use_ssl=where.get("use_ssl", False)
    )
    return frozenset(deserialize_value(client.get_current_runs(), GetCurrentRunsResult).current_runs)
