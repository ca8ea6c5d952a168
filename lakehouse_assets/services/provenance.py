"""Where a model comes from: enough to make it again, and to say what differs if that fails.

Belongs here: the part of every model's record and run that no learner decides, the data key. Does not: scores.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lakehouse_assets.learners.learner import Fitted
from lakehouse_assets.learners.networks.network import FittedNetwork
from lakehouse_assets.services.environment import Environment
from lakehouse_assets.services.input_tables import InputTable
from lakehouse_assets.services.registry import SNAPSHOT_TAG
from lakehouse_assets.services.tracking import TrackedRun

RECORD_FILE = "training.json"
SUMMARY_FILE = "model_summary.txt"


@dataclass(frozen=True)
class Provenance:
    """Plan, tables, environment and what came out, as JSON values.

    `prediction_hash` is that of the hold-out's predictions, which a reproduction must arrive at; `seconds` is the
    whole training, from the rows to the predictions (of ticks with the folds and all scores), `peak_memory_mb` the
    highest resident memory of its process.
    """

    algorithm: str
    library: str
    plan: Mapping[str, Any]
    tables: tuple[InputTable, ...]
    environment: Environment
    data_key: str
    prediction_hash: str
    seconds: float
    peak_memory_mb: int

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Provenance":
        """The provenance out of `dataclasses.asdict`."""
        known = {**saved}
        known["tables"] = tuple(InputTable(**table) for table in known["tables"])
        known["environment"] = Environment.from_dict(known["environment"])
        return cls(**known)

    def tags(self) -> dict[str, str]:
        """What a version says of itself, beside who made it."""
        snapshots = {f"{SNAPSHOT_TAG}{table.name}": str(table.snapshot_id) for table in self.tables}
        return {"prediction_hash": self.prediction_hash, **snapshots}


def data_key(tables: tuple[InputTable, ...], plan: Mapping[str, Any], environment: Environment, **more: Any) -> str:
    """A digest of all that decides a model: the tables' content, the plan, code and libraries, and `more`."""
    parts = {
        "tables": {table.name: table.content_key for table in tables},
        "plan": plan,
        **environment.deciding(),
        **more,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record_fit(
    run: TrackedRun,
    provenance: Provenance,
    record: Mapping[str, Any],
    fitted: Fitted | FittedNetwork,
    draw: Callable[[Path], object],
) -> None:
    """What every training leaves in its run: its size, time and memory, the record, the model in words, pictures.

    Args:
        run: the run of the training.
        provenance: where the model comes from.
        record: all that another process needs, as JSON values.
        fitted: the model.
        draw: puts the pictures into an empty folder.
    """
    run.log_metrics({
        "training_rows": fitted.rows,
        "duration_seconds": provenance.seconds,
        "peak_memory_mb": provenance.peak_memory_mb,
    })  # fmt: skip
    run.log_record(RECORD_FILE, record)
    run.log_text(SUMMARY_FILE, fitted.model.summary())
    run.set_tags({"prediction_hash": provenance.prediction_hash})
    with TemporaryDirectory() as folder:
        draw(Path(folder))
        run.log_files(Path(folder), "plots")
