"""A model in its run and out of the registry again: the library's own object, that predicts the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.learners.learner import Recipe
from lakehouse_assets.services.flavours import FLAVOURS
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.saved_model import load_model, save_model
from lakehouse_assets.services.tracking import model_run
from lakehouse_assets.services.training_record import interface
from lakehouse_assets_tests.learners.synthetic import COLUMNS, World, in_batches, rows
from lakehouse_assets_tests.services.test_provenance import MADE
from lakehouse_assets_tests.services.trained import RECIPES
from lakehouse_assets_tests.services.worlds import identity

pytestmark = pytest.mark.slow

BATCH = rows(World(days=1))


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the process is, which nothing may be written to."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.algorithm)
def test_a_saved_model_comes_back_as_its_librarys_own_object_and_is_served_by_its_signature(
    registry: ModelRegistry, working_folder: Path, monkeypatch: pytest.MonkeyPatch, recipe: Recipe
) -> None:
    import mlflow.pyfunc

    client = registry.store.client
    model = recipe.fit(in_batches(BATCH), COLUMNS.features, COLUMNS.label).model
    with model_run(registry.store, identity()) as run:
        about = {"algorithm": recipe.algorithm}
        model_id = save_model(run, recipe.library, model.native, interface(COLUMNS.features, BATCH), about)
    kept = client.get_logged_model(model_id)
    experiment = client.get_run(run.run_id).info.experiment_id
    assert (kept.status, kept.source_run_id, kept.experiment_id) == ("READY", run.run_id, experiment)
    assert [one.model_id for one in client.search_logged_models([experiment])] == [model_id]
    assert kept.artifact_location.startswith(registry.store.artifacts)
    assert list(working_folder.iterdir()) == []  # nothing of MLflow's lies in the working directory

    made = replace(MADE, algorithm=recipe.algorithm, library=recipe.library)
    version = registry.register(run.run_id, model_id, made, made.tags())
    if recipe.library != "scikit-learn":
        monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")  # boosted trees need no unpickling
    algorithm, native = load_model(registry, str(version.version))
    assert (algorithm, type(native)) == (recipe.algorithm, type(model.native))

    with registry.store.pointed_at():
        served: Any = mlflow.pyfunc.load_model(version.source)
    takes = served.metadata.signature.inputs
    assert takes.input_names() == list(COLUMNS.features)
    assert takes.required_input_names() == []  # null is a value to a tree
    assert served.metadata.metadata == about
    assert served.metadata.saved_input_example_info is not None
    folder = Path(kept.artifact_location.removeprefix("file://"))
    assert (folder / "requirements.txt").read_text().split() == FLAVOURS[recipe.library].requirements
    found = np.asarray(served.predict(BATCH.select(list(COLUMNS.features)).to_pandas().astype("float32")))
    up = found[:, 1] if found.ndim == 2 else found
    assert np.allclose(up, model.predict([BATCH]), atol=1e-6)
