"""What a training run leaves behind for whoever reads its model later.

Belongs here: the record `training.json`, the data key, input tables, files and model of a run. Does not: the order in
which a model is trained, registered and judged (model_training).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version as installed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from lakehouse_assets import learners
from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.plots import draw_all
from lakehouse_assets.learners.splits import Fold
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.training import Span, Trained, TrainingPlan
from lakehouse_assets.services.tracking import TrackedRun, read_record
from lakehouse_assets.services.tracking_store import TrackingStore

RECORD_FILE = "training.json"
MODEL_FOLDER = "model"
REQUIREMENTS = ("xgboost", "numpy", "pandas", "mlflow-skinny")
EXAMPLE_ROWS = 5
DRAWING_MODULE = "plots.py"
"""The one learner module that decides neither model nor scores."""


@dataclass(frozen=True)
class InputTable:
    """A table as it was read: `identifier` is namespace and name, `properties` how to find the catalog again."""

    name: str
    catalog: str
    identifier: str
    snapshot_id: int
    content_key: str
    rows: int
    properties: Mapping[str, str]


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

    scores: Scores
    fold_scores: Mapping[str, Scores]
    span: Span
    prediction_hash: str
    rows: int
    trained_until: int
    features: tuple[str, ...]

    @classmethod
    def of(cls, trained: Trained) -> "TrainingRecord":
        """The record of a training."""
        return cls(
            scores=trained.scores,
            fold_scores=trained.fold_scores,
            span=trained.span,
            prediction_hash=trained.prediction_hash,
            rows=trained.rows,
            trained_until=trained.trained_until,
            features=trained.columns.features,
        )

    @classmethod
    def read(cls, store: TrackingStore, run_id: str) -> "TrainingRecord":
        """The record out of its run."""
        saved = read_record(store, run_id, RECORD_FILE)
        return cls(
            scores=Scores.from_dict(saved["scores"]),
            fold_scores={name: Scores.from_dict(scores) for name, scores in saved["fold_scores"].items()},
            span=Span(Fold(**saved["span"]["fold"]), saved["span"]["majority"]),
            prediction_hash=saved["prediction_hash"],
            rows=saved["rows"],
            trained_until=saved["trained_until"],
            features=tuple(saved["features"]),
        )


def data_key(inputs: TrainingInputs, plan: TrainingPlan) -> str:
    """A digest of all that decides the model: the tables' content, the query, columns, plan, code and library."""
    parts = {
        "tables": {table.name: table.content_key for table in inputs.tables},
        "query": inputs.query,
        "columns": asdict(inputs.columns),
        "plan": plan.as_parameters(),
        "code": _code(),
        plan.recipe.library: installed(plan.recipe.library),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def record_training(run: TrackedRun, trained: Trained) -> None:
    """Parameters, metrics, curves, pictures and the record of a training."""
    run.log_parameters({"features": len(trained.columns.features), **trained.plan.as_parameters()})
    run.log_metrics(trained.scores.as_metrics())
    run.log_metrics({"training_rows": trained.fitted.rows, "duration_seconds": trained.seconds})
    for name, scores in trained.fold_scores.items():
        run.log_metrics({f"{name}_{metric}": value for metric, value in scores.as_metrics().items()})
    run.log_curves({f"{name}_log_loss": curve for name, curve in trained.fitted.history.items()})
    run.log_record(RECORD_FILE, asdict(TrainingRecord.of(trained)))
    run.set_tags({"prediction_hash": trained.prediction_hash})
    with TemporaryDirectory() as folder:
        draw_all(Path(folder), trained.predictions, trained.fitted.history, trained.importance)
        run.log_files(Path(folder), "plots")


def record_inputs(run: TrackedRun, tables: Iterable[InputTable]) -> None:
    """Each table at its snapshot as a dataset; the digest is the snapshot id, which is what the UI shows."""
    import mlflow.data  # noqa: F401 - first: its registry loads the plugin below
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    from lakehouse_assets.services.iceberg_dataset import IcebergDatasetSource

    datasets = []
    for table in tables:
        source = IcebergDatasetSource(table.catalog, table.identifier, table.snapshot_id, dict(table.properties))
        made: Any = MetaDataset  # which MLflow leaves abstract by its types alone
        dataset = made(source, name=table.name, digest=str(table.snapshot_id))
        tags = [InputTag("mlflow.data.context", "training"), InputTag("rows", str(table.rows))]
        datasets.append(DatasetInput(dataset._to_mlflow_entity(), tags))
    run.store.client.log_inputs(run.run_id, datasets=datasets)


def record_model(run: TrackedRun, trained: Trained, example: pa.RecordBatch) -> str:
    """The model in XGBoost's own format with signature, example and requirements; its id.

    Requirements are given, not inferred: inferring starts a subprocess of 6-12 s. No pickle is involved.
    """
    import mlflow.xgboost
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    features = trained.columns.features
    signature = ModelSignature(
        inputs=Schema([ColSpec("float", name, required=False) for name in features]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1,))]),
    )
    rows = example.select(list(features)).slice(0, EXAMPLE_ROWS).to_pandas()
    client = run.store.client
    experiment = client.get_run(run.run_id).info.experiment_id
    # Made here, since without an active run MLflow would put it into its default experiment.
    made = client.create_logged_model(experiment, name=MODEL_FOLDER, source_run_id=run.run_id)
    with run.store.pointed_at():
        logged = mlflow.xgboost.log_model(
            trained.fitted.model.native,
            name=MODEL_FOLDER,
            signature=signature,
            input_example=rows,
            pip_requirements=[f"{package}=={installed(package)}" for package in REQUIREMENTS],
            metadata={"features": list(features)},
            run_id=run.run_id,
            model_id=made.model_id,
        )
    return str(logged.model_id)


def _code() -> dict[str, str]:
    """The digest of each learner module that decides the model or its scores."""
    folder = Path(next(iter(learners.__path__)))
    return {path.name: file_sha256(path) for path in sorted(folder.glob("*.py")) if path.name != DRAWING_MODULE}


def file_sha256(path: Path) -> str:
    """The digest of a small file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Tag values as text."""
    return {name: str(value) for name, value in values.items()}
