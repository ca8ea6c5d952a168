"""A snapshot as a dataset: out of the run's JSON and through PyIceberg back to the very rows."""

import json
from pathlib import Path

import mlflow.data  # noqa: F401 - first: its registry loads the plugin below
import pyarrow as pa
import pytest

from lakehouse_assets.services.iceberg_dataset import IcebergDatasetSource


def test_the_rows_of_the_snapshot_come_back_after_the_table_moved_on(tmp_path: Path) -> None:
    from pyiceberg.catalog.sql import SqlCatalog

    properties = {"type": "sql", "uri": f"sqlite:///{tmp_path / 'catalog.db'}", "warehouse": tmp_path.as_uri()}
    catalog = SqlCatalog("hive_prod", **properties)
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", schema=pa.schema({"a": pa.int64()}))
    table.append(pa.table({"a": [1, 2]}))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    table.append(pa.table({"a": [3]}))
    source = IcebergDatasetSource("hive_prod", "db.t", snapshot.snapshot_id, properties)
    again = IcebergDatasetSource.from_dict(json.loads(source.to_json()))
    assert sorted(again.load()["a"].to_pylist()) == [1, 2]
    with pytest.raises(LookupError, match="has no snapshot 5 any more: it was expired"):
        IcebergDatasetSource("hive_prod", "db.t", 5, properties).load()
    with pytest.raises(LookupError, match="does not exist any more"):
        IcebergDatasetSource("hive_prod", "db.gone", 5, properties).load()


def test_no_credential_is_written_to_a_run() -> None:
    properties = {"uri": "postgresql+psycopg2://me:secret@host:5432/db", "s3.secret-access-key": "hidden"}
    written = IcebergDatasetSource("hive_prod", "db.t", 1, properties).to_json()
    assert "secret" not in written
    assert "hidden" not in written
    assert "postgresql+psycopg2://me@host:5432/db" in written


def test_the_snapshot_id_is_text_since_json_readers_round_large_numbers() -> None:
    source = IcebergDatasetSource("c", "db.t", 7_777_777_777_777_777_777)
    assert source.to_dict()["snapshot_id"] == "7777777777777777777"


def test_an_address_names_catalog_table_and_snapshot() -> None:
    address = "iceberg://hive_prod/option_ticks_db.t@42"
    assert IcebergDatasetSource._can_resolve(address)
    assert not IcebergDatasetSource._can_resolve("s3://bucket/t")
    assert IcebergDatasetSource._resolve(address).to_dict()["table"] == "option_ticks_db.t"
    with pytest.raises(ValueError, match="expected iceberg://<catalog>"):
        IcebergDatasetSource._resolve("iceberg://hive_prod/t")
