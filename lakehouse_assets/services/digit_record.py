"""What the training of a network leaves behind for whoever reads it later.

Belongs here: the record `training.json`, metrics, files and interface of a run. Does not: the order of the steps
(digit_training).
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lakehouse_assets.learners.networks.evaluation import ImagePredictions, ImageResampling, ImageScores
from lakehouse_assets.learners.networks.images import CLASSES, SIDE, Images
from lakehouse_assets.learners.networks.network import FittedNetwork, ImageRecipe
from lakehouse_assets.learners.networks.plots import draw_all
from lakehouse_assets.services.provenance import RECORD_FILE, Provenance, record_fit
from lakehouse_assets.services.saved_model import Interface
from lakehouse_assets.services.tracking import TrackedRun, read_record
from lakehouse_assets.services.tracking_store import TrackingStore

EXAMPLE_IMAGES = 2


@dataclass(frozen=True)
class DigitRecord:
    """A network that was trained, and its scores on the test images; `rows` were learnt from."""

    provenance: Provenance
    scores: ImageScores
    rows: int

    @classmethod
    def read(cls, store: TrackingStore, run_id: str) -> "DigitRecord":
        """The record out of its run."""
        saved = read_record(store, run_id, RECORD_FILE)
        return cls(Provenance.from_dict(saved["provenance"]), ImageScores.from_dict(saved["scores"]), saved["rows"])


def plan_of(recipe: ImageRecipe, resampling: ImageResampling) -> dict[str, Any]:
    """All that decides a network and its scores besides the images, as JSON values."""
    return {"algorithm": recipe.algorithm, "recipe": recipe.as_parameters(), "resampling": asdict(resampling)}


def record_network(
    run: TrackedRun, fitted: FittedNetwork, record: DigitRecord, judged: ImagePredictions, images: Images
) -> None:
    """Parameters, metrics, pictures, summary and the record of a network; `images` are those that were judged."""
    run.log_parameters({"algorithm": record.provenance.algorithm, **fitted.recipe.as_parameters()})
    run.log_metrics(record.scores.as_metrics())

    def draw(folder: Path) -> None:
        draw_all(folder, judged, images, fitted.history)

    record_fit(run, record.provenance, asdict(record), fitted, draw)


def interface(images: Images) -> Interface:
    """Raw pixels 0 to 255 in, (n, 28, 28); the probabilities of ten digits out. Two images as example."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, SIDE, SIDE))]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, CLASSES))]),
    )
    return Interface(signature, images.pixels[:EXAMPLE_IMAGES].astype(np.float32))
