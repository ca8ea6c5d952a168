"""Dagster's way into the lake: inputs come as pinned handles, outputs are published.

Belongs here: the resource, the I/O manager and the metadata of a materialization. Does not: judging, which the
step does before it yields (`asset`): verdicts cannot be yielded from an I/O manager.
"""

import resource
import sys
from functools import cached_property
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PREFIX, Published, publish
from lakehouse_assets.lake.staging import Staged, StagedPartition
from lakehouse_assets.lake.table import Table, pin
from lakehouse_assets.settings import CATALOG, NAMESPACE, load_settings


class LakeResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The lake that the settings describe."""

    _lake: Lake | None = PrivateAttr(default=None)

    @property
    def lake(self) -> Lake:
        """Opened at first use, in the process of the step."""
        if self._lake is None:
            self._lake = Lake(load_settings())
        return self._lake


class LakeIOManager(dg.ConfigurableIOManager):
    """Loads handles, publishes staged files; the rows themselves never pass through it."""

    source: LakeResource

    @cached_property
    def _lake(self) -> Lake:
        return self.source.lake

    def load_input(self, context: dg.InputContext) -> Table:
        """A handle on the upstream table at its current snapshot, for the partitions that this step depends on."""
        contract = CONTRACTS[context.asset_key.path[-1]]
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        return pin(self._lake, contract, keys)

    def handle_output(self, context: dg.OutputContext, obj: Staged) -> None:
        """Publish what passed its gates and describe it.

        Raises:
            PublishConflict: another run published the partition first; the step's retry starts from what is there.
            PublishUnknown: the catalog does not answer; the step's retry finds its content, or publishes it anew.
        """
        published = publish(self._lake, obj, {f"{PREFIX}run-id": context.run_id})
        context.add_output_metadata(describe(obj, published, self._lake))


def describe(staged: Staged, published: Published, lake: Lake) -> dict[str, Any]:
    """What every materialization says of itself, numbers as numbers so that the UI plots them."""
    seconds = sum(part.seconds for part in staged.partitions) + published.seconds
    size = sum(part.bytes for part in staged.partitions)
    table = staged.contract.table
    return {
        "dagster/row_count": staged.rows,
        "dagster/table_name": f"{CATALOG}.{NAMESPACE}.{table}",
        "dagster/uri": lake.load(table).location(),
        "snapshot_id": str(published.snapshot_id),  # a number this long loses digits in a browser
        "is_new_snapshot": published.is_new,
        "bytes": size,
        "files": sum(len(part.files) for part in staged.partitions),
        "duration_seconds": round(seconds, 3),
        "publish_seconds": round(published.seconds, 3),
        "rows_per_second": round(staged.rows / seconds) if seconds else 0,
        "peak_memory_mb": peak_memory_mb(),
        **{f"read/{name}": str(upstream.snapshot_id) for name, upstream in staged.inputs.items()},
    }


def share(part: StagedPartition) -> dict[str, Any]:
    """What one partition of a range says of itself in the place of the range's totals."""
    return {
        "dagster/row_count": part.rows,
        "bytes": part.bytes,
        "files": len(part.files),
        "duration_seconds": round(part.seconds, 3),
        "rows_per_second": round(part.rows / part.seconds) if part.seconds else 0,
    }


def peak_memory_mb() -> int:
    """The process's highest resident memory so far, in MB; Linux reports kB, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1024) if sys.platform != "darwin" else round(peak / 1024**2)
