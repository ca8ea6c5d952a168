"""A job of small gated tables, and one of steps that do nothing, run by the project's own kind of executor.

The work inside a step of the first (stage, judge, measure, publish) is clocked where the asset calls it, in the
step's own process, and appended to a file: what a step takes beyond it is overhead. One step runs at a time.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake import asset as lake_asset_module
from lakehouse_assets.lake import io_manager as io_manager_module
from lakehouse_assets.lake.asset import lake_asset
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.layers import RAW
from lakehouse_assets.resources import PRELOADED, resources

STEPS = 6
PROBE = "work_inside_steps.jsonl"


def probe_file() -> Path:
    """Where the step processes write down how long their work took."""
    return Path(os.environ["LAKEHOUSE_HOME"]) / PROBE


def clocked_in(module: Any, name: str) -> None:
    """Replace a function that the asset calls by the same one with a clock around it."""
    function: Callable[..., Any] = getattr(module, name)

    def clocked(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        result = function(*arguments, **named)
        seconds = time.perf_counter() - started
        with probe_file().open("a") as file:
            file.write(json.dumps({"pid": os.getpid(), "part": name, "seconds": seconds}) + "\n")
        return result

    setattr(module, name, clocked)


for part in ("stage", "judge", "measures"):
    clocked_in(lake_asset_module, part)
clocked_in(io_manager_module, "publish")


def small_table(number: int) -> dg.AssetsDefinition:
    """A gated table of one row."""
    name = f"small_table_{number}"
    contract = Contract(
        table=name,
        layer=RAW,
        description="One row.",
        grain="one row",
        columns=(Column("id", "long", "Number", required=True, minimum=0),),
        key=("id",),
        partition=(),
    )

    def build() -> Rows:
        """One row."""
        return Rows(pa.table({"id": pa.array([number], pa.int64())}))

    build.__name__ = name
    return lake_asset(contract, group_name=RAW)(build)


def nothing(number: int) -> dg.AssetsDefinition:
    """A step that does nothing and keeps nothing."""

    @dg.asset(name=f"nothing_{number}")
    def step() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult()

    return step


EXECUTOR = dg.multiprocess_executor.configured(
    {"max_concurrent": 1, "start_method": {"forkserver": {"preload_modules": [*PRELOADED, __name__]}}}
)

defs = dg.Definitions(
    assets=[make(number) for make in (small_table, nothing) for number in range(STEPS)],
    jobs=[
        dg.define_asset_job("small_tables", [f"small_table_{number}" for number in range(STEPS)]),
        dg.define_asset_job("nothing", [f"nothing_{number}" for number in range(STEPS)]),
    ],
    resources=resources(),
    executor=EXECUTOR,
)


def small_tables_job() -> dg.JobDefinition:
    """The job of gated tables, as a step's process finds it."""
    return defs.resolve_job_def("small_tables")


def nothing_job() -> dg.JobDefinition:
    """The job of steps that do nothing."""
    return defs.resolve_job_def("nothing")
