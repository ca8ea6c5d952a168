"""The images as an asset: judged, published, and refused in words that say what to do."""

import hashlib
import shutil
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.defs.raw import raw_mnist_images
from lakehouse_assets.lake.asset import IO_MANAGER, LAKE
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.io_manager import LakeIOManager, LakeResource
from lakehouse_assets.lake.table import pin
from lakehouse_assets.learners.networks.images import COLUMNS, images_of
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.images.idx import FILES
from lakehouse_assets_tests.paths import real_data

CHECKS = {
    "raw_mnist_images_honour_their_contract", "raw_mnist_images_have_their_usual_volume", "raw_mnist_images_are_fresh",
    "raw_mnist_images_are_complete",
}  # fmt: skip


def materialize(instance: dg.DagsterInstance) -> Any:
    resource = LakeResource()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dg.materialize(
            [raw_mnist_images],
            instance=instance,
            resources={LAKE: resource, IO_MANAGER: LakeIOManager(source=resource)},
            raise_on_error=False,
        )


def failure(run: Any) -> str:
    assert not run.success
    (event,) = [event for event in run.all_events if event.event_type_value == "STEP_FAILURE"]
    assert not [event for event in run.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    return f"{event.event_specific_data.error}{event.event_specific_data.user_failure_data}"


@pytest.fixture
def mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The settings ask for MNIST in an empty folder."""
    folder = tmp_path / "four files"
    folder.mkdir()
    monkeypatch.setenv("LAKEHOUSE_MNIST__ORIGIN", "mnist")
    monkeypatch.setenv("LAKEHOUSE_MNIST__FOLDER", str(folder))
    load_settings.cache_clear()
    return folder


@pytest.mark.slow
def test_the_digits_are_published_without_a_download_and_only_once(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = materialize(instance)
        assert run.success
        assert {one.check_name for one in run.get_asset_check_evaluations() if one.passed} == CHECKS
        table = pin(Lake(load_settings()), RAW_MNIST_IMAGES)
        assert table.rows == 1_797
        train = images_of(table.batches(COLUMNS, size=100), "train")
        test = images_of(table.batches(COLUMNS), "test")
        assert (len(train), len(test)) == (1_437, 360)
        assert train.labels[:10].tolist() == list(range(10))
        assert materialize(instance).success
        assert pin(Lake(load_settings()), RAW_MNIST_IMAGES).snapshot_id == table.snapshot_id


@pytest.mark.slow
def test_mnist_is_published_to_the_last_pixel(mnist: Path) -> None:
    for file in FILES:
        (mnist / file.name).symlink_to(real_data("mnist") / file.name)
    with dg.DagsterInstance.ephemeral() as instance:
        run = materialize(instance)
    assert run.success
    assert all(one.passed for one in run.get_asset_check_evaluations())
    lake = Lake(load_settings())
    test = images_of(pin(lake, RAW_MNIST_IMAGES).batches(COLUMNS), "test")
    digest = hashlib.md5(bytes.fromhex("000008030000271000 00001c0000001c".replace(" ", "")) + test.pixels.tobytes())
    assert digest.hexdigest() == "2646ac647ad5339dbf082846283269ea"  # of t10k-images-idx3-ubyte, expanded
    foreign = lake.load("raw_mnist_images").scan(row_filter="split == 'train' and image_index == 0").to_arrow()
    assert foreign["label"].to_pylist() == [5]
    assert len(foreign["pixels"][0].as_py()) == 784


def test_absent_files_fail_at_once_and_say_what_to_put_where(mnist: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        words = failure(materialize(instance))
    assert f"{mnist} lacks {FILES[0].name}" in words
    assert 'set mnist.origin = "digits"' in words
    assert pin(Lake(load_settings()), RAW_MNIST_IMAGES).rows == 0


def test_a_damaged_file_is_named_and_nothing_is_published(mnist: Path) -> None:
    for file in FILES:
        shutil.copy(real_data("mnist") / file.name, mnist / file.name)
        (mnist / file.name).chmod(0o600)
    with (mnist / FILES[1].name).open("r+b") as stream:
        stream.truncate(20_000)
    with dg.DagsterInstance.ephemeral() as instance:
        words = failure(materialize(instance))
    assert f"{FILES[1].name} has md5" in words
    assert FILES[1].md5 in words
    assert pin(Lake(load_settings()), RAW_MNIST_IMAGES).rows == 0


def test_the_folder_is_below_the_state_folder_and_outside_the_landing_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.mnist.origin == "digits"
    assert settings.mnist_folder == settings.home / "mnist"
    assert not settings.mnist_folder.is_relative_to(settings.raw)
