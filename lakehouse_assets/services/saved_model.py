"""A model on its way into its run and out of the registry again.

Belongs here: logging a model with signature, example and requirements; loading a version. Does not: what is trained.
"""

from dataclasses import dataclass
from typing import Any

from lakehouse_assets.services.flavours import FLAVOURS
from lakehouse_assets.services.registry import ALGORITHM_TAG, LIBRARY_TAG, ModelRegistry
from lakehouse_assets.services.scratch import scratch_folder
from lakehouse_assets.services.tracking import TrackedRun

MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Interface:
    """What a model takes and gives: MLflow's signature and an example of the input."""

    signature: Any
    example: Any


def save_model(run: TrackedRun, library: str, native: Any, interface: Interface, metadata: dict[str, Any]) -> str:
    """Log the library's own object to the run; the id of the logged model."""
    client = run.store.client
    experiment = client.get_run(run.run_id).info.experiment_id
    # Made here, since without an active run MLflow would put it into its default experiment.
    made = client.create_logged_model(experiment, name=MODEL_FOLDER, source_run_id=run.run_id)
    with run.store.pointed_at():
        logged = FLAVOURS[library].log(
            native,
            name=MODEL_FOLDER,
            signature=interface.signature,
            input_example=interface.example,
            metadata=metadata,
            run_id=run.run_id,
            model_id=made.model_id,
        )
    return str(logged.model_id)


def load_model(registry: ModelRegistry, number: str) -> tuple[str, Any]:
    """The algorithm of a version and the library's own object."""
    version = registry.version(number)
    with registry.store.pointed_at(), scratch_folder("model-") as folder:  # left to itself, MLflow fills /tmp
        return version.tags[ALGORITHM_TAG], FLAVOURS[version.tags[LIBRARY_TAG]].load(str(version.source), folder)
