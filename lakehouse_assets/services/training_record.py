"""What the training of a tick model leaves behind for whoever reads the model later.

Belongs here: the record `training.json`, metrics, files and interface of a run. Does not: the order in which a model is
trained, registered and judged (model_training, model_evaluation).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.groups import GroupScores
from lakehouse_assets.learners.plots import draw_all
from lakehouse_assets.learners.splits import Fold
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.training import Span, Trained, TrainingPlan
from lakehouse_assets.services.input_tables import InputTable
from lakehouse_assets.services.provenance import RECORD_FILE, Provenance, record_fit
from lakehouse_assets.services.saved_model import Interface
from lakehouse_assets.services.tracking import TrackedRun, read_record
from lakehouse_assets.services.tracking_store import TrackingStore

EXAMPLE_ROWS = 5


class RecordUnreadable(RuntimeError):
    """What a training left behind is gone or damaged; the message names the version and what to do."""


@contextmanager
def readable(model: str, number: str) -> Iterator[None]:
    """Whatever goes wrong while the record of a version is read, said of that version.

    Raises:
        RecordUnreadable: run or record are gone, damaged, or of a program that wrote another one.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = " ".join(str(error).replace("#", " ").split())  # MLflow frames its words in lines of them
        raise RecordUnreadable(
            f"the record of version {number} of {model} cannot be read: {type(error).__name__}: {said}; restore its "
            "run from a copy, or delete the version and train it again"
        ) from error


@dataclass(frozen=True)
class TrainingInputs:
    """Where the rows come from: `rows` starts reading them, in the order of their key."""

    tables: tuple[InputTable, ...]
    columns: Columns
    rows: Callable[[], Iterable[pa.RecordBatch]]
    query: str = ""


@dataclass(frozen=True)
class TrainingRecord:
    """A training that is done, as another process needs it."""

    provenance: Provenance
    scores: Scores
    fold_scores: Mapping[str, Scores]
    naive_scores: Scores | None
    group_scores: Mapping[str, GroupScores]
    span: Span
    rows: int
    trained_until: int
    columns: Columns

    @classmethod
    def of(cls, trained: Trained, provenance: Provenance) -> "TrainingRecord":
        """The record of a training."""
        return cls(
            provenance=provenance,
            scores=trained.scores,
            fold_scores=trained.fold_scores,
            naive_scores=trained.naive_scores,
            group_scores=trained.group_scores,
            span=trained.span,
            rows=trained.rows,
            trained_until=trained.trained_until,
            columns=trained.columns,
        )

    @classmethod
    def read(cls, store: TrackingStore, run_id: str) -> "TrainingRecord":
        """The record out of its run."""
        saved = read_record(store, run_id, RECORD_FILE)
        return cls(
            provenance=Provenance.from_dict(saved["provenance"]),
            scores=Scores.from_dict(saved["scores"]),
            fold_scores={name: Scores.from_dict(scores) for name, scores in saved["fold_scores"].items()},
            naive_scores=Scores.from_dict(saved["naive_scores"]) if saved["naive_scores"] else None,
            group_scores={name: GroupScores.from_dict(scores) for name, scores in saved["group_scores"].items()},
            span=Span(**{**saved["span"], "fold": Fold(**saved["span"]["fold"])}),
            rows=saved["rows"],
            trained_until=saved["trained_until"],
            columns=Columns(**{**saved["columns"], "features": tuple(saved["columns"]["features"])}),
        )

    @property
    def plan(self) -> TrainingPlan:
        """The plan, to train or to evaluate by it again."""
        return TrainingPlan.from_dict(self.provenance.plan)


def record_training(run: TrackedRun, trained: Trained, record: TrainingRecord) -> None:
    """Parameters, metrics, curves, pictures, summary and the record of a training."""
    run.log_parameters({"features": len(trained.columns.features), **trained.plan.as_parameters()})
    run.log_metrics(trained.scores.as_metrics())
    naive = {"naive": trained.naive_scores} if trained.naive_scores else {}
    for name, scores in {**trained.fold_scores, **naive}.items():
        run.log_metrics({f"{name}_{metric}": value for metric, value in scores.as_metrics().items()})
    run.log_curves({f"{name}_log_loss": curve for name, curve in trained.fitted.history.items()})

    def draw(folder: Path) -> None:
        draw_all(folder, trained.predictions, trained.fitted.history, trained.importance)

    record_fit(run, record.provenance, asdict(record), trained.fitted, draw)


def interface(features: tuple[str, ...], example: pa.RecordBatch) -> Interface:
    """Named float columns in, any of them missing; an array out. A few rows as example."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    signature = ModelSignature(
        inputs=Schema([ColSpec("float", name, required=False) for name in features]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1,))]),
    )
    rows: Any = example.select(list(features)).slice(0, EXAMPLE_ROWS).to_pandas()
    return Interface(signature, rows)
