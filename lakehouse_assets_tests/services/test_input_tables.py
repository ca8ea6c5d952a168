"""The tables of a training: named so that another process reads the same rows, and shown as datasets of its run."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import mlflow.data  # noqa: F401 - first: its registry loads the plugin below
import pyarrow as pa
import pytest

from lakehouse_assets.contracts.raw import RAW_MNIST_IMAGES
from lakehouse_assets.lake.catalog import Lake, TableMissing
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.lake.table import SnapshotMissing, Table, pin
from lakehouse_assets.services.iceberg_dataset import IcebergDatasetSource
from lakehouse_assets.services.input_tables import InputTable, record_inputs
from lakehouse_assets.services.tracking import model_run
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.settings import Settings
from lakehouse_assets.sources.images.rows import image_rows
from lakehouse_assets_tests.services.worlds import identity


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Settings(home=tmp_path / "home"))


def put(lake: Lake, count: int) -> Table:
    """Publish so many blank images, and pin them."""
    blank = image_rows("digits", "train", 0, bytes(count), bytes(count * 28 * 28))
    publish(lake, stage(lake, RAW_MNIST_IMAGES, Rows(pa.Table.from_batches([blank])), [WHOLE]), {})
    return pin(lake, RAW_MNIST_IMAGES)


def test_the_same_rows_are_pinned_again_after_the_table_moved_on_and_a_way_through_json(lake: Lake) -> None:
    before = put(lake, 3)
    read = InputTable.of(before)
    put(lake, 5)
    again = InputTable(**json.loads(json.dumps(asdict(read))))
    assert again == read
    found = again.pin(Lake(lake.settings))
    assert (found.rows, found.snapshot_id, found.content_key) == (3, before.snapshot_id, before.content_key)
    assert (again.name, again.identifier, again.rows) == ("raw_mnist_images", "option_ticks_db.raw_mnist_images", 3)


def test_a_snapshot_or_table_that_is_gone_is_said(lake: Lake, tmp_path: Path) -> None:
    read = InputTable.of(put(lake, 2))
    with pytest.raises(SnapshotMissing, match="raw_mnist_images has no snapshot 5: it was expired"):
        replace(read, snapshot_id=5).pin(lake)
    with pytest.raises(TableMissing, match="raw_mnist_images"):
        read.pin(Lake(Settings(home=tmp_path / "other")))


def test_a_run_shows_each_table_by_its_snapshot_and_loads_it_again(lake: Lake, store: TrackingStore) -> None:
    read = InputTable.of(put(lake, 2))
    put(lake, 4)
    other = replace(read, name="feature_option_labels", snapshot_id=7_777_777_777_777_777_777)
    with model_run(store, identity()) as run:
        record_inputs(run, [read, other])
    inputs: Any = store.client.get_run(run.run_id).inputs
    shown = {one.dataset.name: one for one in inputs.dataset_inputs}
    assert set(shown) == {"raw_mnist_images", "feature_option_labels"}
    assert shown["feature_option_labels"].dataset.digest == "7777777777777777777"
    mine = shown["raw_mnist_images"]
    assert (mine.dataset.digest, mine.dataset.source_type) == (str(read.snapshot_id), "iceberg")
    assert {tag.key: tag.value for tag in mine.tags} == {"mlflow.data.context": "training", "rows": "2"}
    assert IcebergDatasetSource.from_dict(json.loads(mine.dataset.source)).load().num_rows == 2
