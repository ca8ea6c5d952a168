"""Which parts each profile gets.

Belongs here: wiring of resources by name, and how steps are run. Does not: what they do.
"""

from typing import Any

import dagster as dg

from lakehouse_assets.lake.asset import IO_MANAGER, LAKE
from lakehouse_assets.lake.io_manager import LakeIOManager, LakeResource
from lakehouse_assets.services.mlflow import MlflowResource

MAX_CONCURRENT_STEPS = 2

PRELOADED = [
    # Dagster's own internals, so that a forked step need not import them (worker to success 1.0 s instead of 1.8 s).
    # Nothing here starts a thread: a fork of a process with threads may hang.
    "dagster._cli",
    "dagster._core.executor.multiprocess",
    "dagster._core.executor.child_process_executor",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.fs_io_manager",
    "dagster._core.instance.factory",
    "dagster._core.execution.api",
    "sqlalchemy.dialects.sqlite",
    "pyiceberg.catalog.sql",
    "pyiceberg.table",
    "lakehouse_assets.definitions",
]


def resources() -> dict[str, Any]:
    """The resources of the embedded profile; nothing is opened here."""
    lake = LakeResource()
    return {LAKE: lake, IO_MANAGER: LakeIOManager(source=lake), "mlflow": MlflowResource()}


def executor() -> dg.ExecutorDefinition:
    """Steps in processes forked from a warm server; Dagster's default would be as many at once as there are cores."""
    return dg.multiprocess_executor.configured(
        {"max_concurrent": MAX_CONCURRENT_STEPS, "start_method": {"forkserver": {"preload_modules": PRELOADED}}}
    )
