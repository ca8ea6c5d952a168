"""A registered network made again to the bit, also after its images have moved on; or why not."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.learners.networks import network
from lakehouse_assets.learners.networks.network import ImageRecipe, NotInstalled
from lakehouse_assets.services import reproduction
from lakehouse_assets.services.registry import DIGIT_MODEL
from lakehouse_assets.services.reproduction import reproduce
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.services.trained import NETWORKS, PYTORCH
from lakehouse_assets_tests.services.worlds import store_in

pytestmark = pytest.mark.slow

NUMBERS = {recipe.algorithm: number for recipe, number in zip(NETWORKS, ("1", "2"), strict=True)}
both = pytest.mark.parametrize("recipe", NETWORKS, ids=NUMBERS)


@pytest.fixture(scope="module")
def lake(digits_home: Path) -> Lake:
    """The lake of the digits; only read."""
    return Lake(Settings(home=digits_home))


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
