"""From images to a registered network: once, with all that it came from, or not at all; and made again to the bit."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.lake.tags import TaggedSnapshot, model_tags
from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.networks import network
from lakehouse_assets.learners.networks.images import COLUMNS, Images, images_of
from lakehouse_assets.learners.networks.network import ImageRecipe, NotInstalled
from lakehouse_assets.services import reproduction
from lakehouse_assets.services.digit_record import DigitRecord
from lakehouse_assets.services.digit_training import NetworkOutcome, train_and_register_network
from lakehouse_assets.services.registry import DIGIT_MODEL, ModelRegistry
from lakehouse_assets.services.reproduction import reproduce
from lakehouse_assets.services.saved_model import load_model
from lakehouse_assets.services.tracking import PIPELINE_EXPERIMENT
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.services.trained import NETWORKS, PYTORCH, TENSORFLOW, store_at
from lakehouse_assets_tests.services.worlds import identity, registry_in, store_in

pytestmark = pytest.mark.slow

NUMBERS = {recipe.algorithm: number for recipe, number in zip(NETWORKS, ("1", "2"), strict=True)}
both = pytest.mark.parametrize("recipe", NETWORKS, ids=NUMBERS)


@pytest.fixture(scope="module")
def lake(digits_home: Path) -> Lake:
    """The lake of the digits; only read."""
    return Lake(Settings(home=digits_home))


@pytest.fixture(scope="module")
def trained(digits_home: Path) -> ModelRegistry:
    """The registry with a network by each library; only read."""
    return ModelRegistry(store_at(digits_home), DIGIT_MODEL)


@pytest.fixture
def fresh(store: TrackingStore) -> ModelRegistry:
    """An empty registry of the test's own."""
    return ModelRegistry(store, DIGIT_MODEL)


def made(lake: Lake, registry: ModelRegistry, recipe: ImageRecipe, progress: Any = lambda _: None) -> NetworkOutcome:
    images = pin(lake, RAW_MNIST_IMAGES)
    return train_and_register_network(images, recipe, registry, identity("run-2", "model_of_digits"), progress)


def runs(registry: ModelRegistry) -> list[Any]:
    found: list[Any] = registry.store.client.search_runs([registry.store.experiment(PIPELINE_EXPERIMENT)])
    return found


def judged_images(lake: Lake) -> Images:
    return images_of(pin(lake, RAW_MNIST_IMAGES).batches(COLUMNS), "test")


@both
def test_a_network_is_registered_with_all_that_it_came_from(
    lake: Lake, trained: ModelRegistry, recipe: ImageRecipe
) -> None:
    number = NUMBERS[recipe.algorithm]
    version: Any = trained.version(number)
    record = DigitRecord.read(trained.store, version.run_id)
    snapshot = pin(lake, RAW_MNIST_IMAGES).snapshot_id
    assert trained.alias(recipe.algorithm) == number
    assert version.tags["prediction_hash"] == record.provenance.prediction_hash
    assert (version.tags["algorithm"], version.tags["library"]) == (recipe.algorithm, recipe.library)
    assert version.tags["snapshot.raw_mnist_images"] == str(snapshot)
    assert version.tags["data_key"] == record.provenance.data_key
    assert record.rows == 1_437
    assert record.scores.images == 360
    assert record.scores.accuracy.value > 0.7
    assert TaggedSnapshot("raw_mnist_images", f"model.DigitClassifier.v{number}", snapshot or 0) in model_tags(lake)


@both
def test_its_run_shows_what_was_read_chosen_and_reached(
    lake: Lake, trained: ModelRegistry, recipe: ImageRecipe
) -> None:
    version: Any = trained.version(NUMBERS[recipe.algorithm])
    client = trained.store.client
    run: Any = client.get_run(version.run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", f"model_{recipe.algorithm}")
    assert run.data.params == {
        "algorithm": recipe.algorithm, **{name: str(value) for name, value in recipe.as_parameters().items()},
    }  # fmt: skip
    assert run.data.metrics["training_rows"] == 1_437
    assert run.data.metrics["accuracy"] == DigitRecord.read(trained.store, version.run_id).scores.accuracy.value
    for figure in ("train_loss", "train_accuracy", "watched_loss", "watched_accuracy"):
        assert [point.step for point in client.get_metric_history(version.run_id, figure)] == [1, 2]
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.source_type) == ("raw_mnist_images", "iceberg")
    assert dataset.dataset.digest == str(pin(lake, RAW_MNIST_IMAGES).snapshot_id)
    assert {file.path for file in client.list_artifacts(version.run_id)} >= {"model_summary.txt", "training.json"}
    assert "plots/confusion_matrix.png" in {file.path for file in client.list_artifacts(version.run_id, "plots")}


@both
def test_the_registered_model_takes_raw_pixels_and_knows_what_was_judged(
    lake: Lake, trained: ModelRegistry, recipe: ImageRecipe
) -> None:
    """As a server loads it: by MLflow alone, floats from 0 to 255."""
    import mlflow.pyfunc

    number, test = NUMBERS[recipe.algorithm], judged_images(lake)
    version: Any = trained.version(number)
    with trained.store.pointed_at():
        served = mlflow.pyfunc.load_model(version.source)
    found = np.asarray(served.predict(test.pixels.astype(np.float32)))
    assert found.shape == (360, 10)
    accuracy = DigitRecord.read(trained.store, version.run_id).scores.accuracy.value
    assert (found.argmax(axis=1) == test.labels).mean() == pytest.approx(accuracy)
    assert requirements(served)[0].startswith(recipe.library)  # or tensorflow-cpu
    algorithm, native = load_model(trained, number)
    assert algorithm == recipe.algorithm
    assert native is not None


def requirements(served: Any) -> list[str]:
    from mlflow.artifacts import load_text

    return str(load_text(f"{served.metadata.artifact_path}/requirements.txt")).split()


@both
def test_an_equal_training_is_reused_and_nothing_is_trained(
    lake: Lake, trained: ModelRegistry, recipe: ImageRecipe
) -> None:
    said: list[str] = []
    before = len(runs(trained))
    again = made(lake, trained, recipe, said.append)
    assert (again.version, again.is_reused) == (NUMBERS[recipe.algorithm], True)
    assert said == [f"version {again.version} was trained from the same images, code and settings: nothing to train"]
    assert len(runs(trained)) == before
    assert trained.numbers() == ("1", "2")


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


def test_another_seed_is_another_model_and_trained_anew(
    lake: Lake, digits_home: Path, trained: ModelRegistry, tmp_path: Path
) -> None:
    shutil.copy(digits_home / "mlflow.db", tmp_path)
    copied = replace(registry_in(tmp_path), name=DIGIT_MODEL)

    def stop(said: str) -> None:
        assert said == "reading the images"
        raise Killed

    with pytest.raises(Killed):
        made(lake, copied, replace(PYTORCH, seed=8), stop)
    assert copied.numbers() == ("1", "2")


@pytest.mark.parametrize("moment", ["reading the images", "epoch 1", "keeping the model"])
def test_a_training_that_is_stopped_leaves_a_failed_run_and_no_version(
    lake: Lake, fresh: ModelRegistry, moment: str
) -> None:
    def stop(said: str) -> None:
        if said.startswith(moment):
            raise Killed

    with pytest.raises(Killed):
        made(lake, fresh, PYTORCH, stop)
    assert fresh.numbers() == ()
    assert fresh.alias(PYTORCH.algorithm) is None
    assert {run.info.status for run in runs(fresh)} == {"FAILED"}
    assert fresh.find(runs(fresh)[0].data.tags.get("data_key", "")) is None


def test_a_late_training_is_given_up_and_leaves_no_version(lake: Lake, fresh: ModelRegistry) -> None:
    with pytest.raises(OverBudget, match=r"pytorch_mnist_mlp: not done after .* nothing is kept"):
        made(lake, fresh, replace(PYTORCH, time_budget_seconds=1e-9))
    assert fresh.numbers() == ()
    assert {run.info.status for run in runs(fresh)} == {"FAILED"}


def test_one_killed_right_after_its_registration_is_made_up_for(lake: Lake, digits_home: Path, tmp_path: Path) -> None:
    """It died before the algorithm's alias was set: the version is there, and the next run points at it."""
    shutil.copy(digits_home / "mlflow.db", tmp_path)
    copied = replace(registry_in(tmp_path), name=DIGIT_MODEL)
    copied.store.client.delete_registered_model_alias(DIGIT_MODEL, "tensorflow_mnist_mlp")
    healed = made(lake, copied, TENSORFLOW)
    assert (healed.version, healed.is_reused) == ("2", True)
    assert copied.alias("tensorflow_mnist_mlp") == "2"


@both
def test_without_the_library_nothing_is_begun(
    lake: Lake, fresh: ModelRegistry, monkeypatch: pytest.MonkeyPatch, recipe: ImageRecipe
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda _: None)
    with pytest.raises(NotInstalled, match=f"{recipe.algorithm} needs {recipe.library}, .* run `make install-deep`"):
        made(lake, fresh, recipe)
    assert runs(fresh) == []
    assert fresh.numbers() == ()


@pytest.fixture
def moved_on(lake: Lake, digits_home: Path, tmp_path: Path) -> Path:
    """The same state after the table was replaced by other images and all was expired that no tag keeps."""
    for database in ("mlflow.db", "catalog.db"):
        shutil.copy(digits_home / database, tmp_path)
    later = Lake(Settings(home=tmp_path))
    fewer = pa.Table.from_batches(list(pin(lake, RAW_MNIST_IMAGES).batches()))
    fewer = fewer.filter(pc.less(fewer["image_index"], 300))
    for _ in range(2):
        publish(later, stage(later, RAW_MNIST_IMAGES, Rows(fewer), [WHOLE]), {})
        fewer = fewer.slice(1)
    table = later.load(RAW_MNIST_IMAGES.table)
    protected = {ref.snapshot_id for ref in table.metadata.refs.values()}
    gone = [one.snapshot_id for one in table.metadata.snapshots if one.snapshot_id not in protected]
    assert gone
    table.maintenance.expire_snapshots().by_ids(gone).commit()
    return tmp_path


@both
def test_it_is_reproduced_to_the_bit_after_its_images_moved_on(moved_on: Path, recipe: ImageRecipe) -> None:
    assert pin(Lake(Settings(home=moved_on)), RAW_MNIST_IMAGES).rows < 700
    result = reproduce(Lake(Settings(home=moved_on)), store_in(moved_on), f"models:/{DIGIT_MODEL}@{recipe.algorithm}")
    assert result.is_equal, str(result)
    assert result.differences == ()
    assert str(result).startswith(f"REPRODUCED models:/{DIGIT_MODEL}/{NUMBERS[recipe.algorithm]}: ")


def test_another_seed_would_be_noticed(moved_on: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe is read back otherwise than it was recorded: the comparison sees it."""
    monkeypatch.setattr(reproduction, "network_recipe_of", lambda *_: replace(PYTORCH, seed=8))
    result = reproduce(Lake(Settings(home=moved_on)), store_in(moved_on), f"models:/{DIGIT_MODEL}/1")
    assert not result.is_equal
    assert str(result).endswith("nothing that is recorded: the learner is not deterministic")


def test_a_network_without_its_library_is_not_reproduced_but_named(
    moved_on: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "find_spec", lambda _: None)
    with pytest.raises(NotInstalled, match="pytorch_mnist_mlp needs torch"):
        reproduce(Lake(Settings(home=moved_on)), store_in(moved_on), "models:/DigitClassifier@pytorch_mnist_mlp")
