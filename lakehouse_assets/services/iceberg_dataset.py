"""An Iceberg table at one snapshot as a dataset that MLflow knows, and can load again.

Belongs here: the MLflow plugin `iceberg` (entry-point group `mlflow.dataset_source`). Does not: logging it to a run.
The server needs no plugin, a reading process does. This module is imported only by MLflow itself and by code that
already talks to it, hence MLflow at module level: a class cannot be derived lazily.
"""
# ruff: noqa: TID253

from typing import Any

from mlflow.data.dataset_source import DatasetSource

from lakehouse_assets.lake.catalog import without_password

KEPT_PROPERTIES = ("type", "uri", "warehouse", "jdbc.schema-version")
"""What a catalog needs to be found again; credentials are never written to a run."""


class IcebergDatasetSource(DatasetSource):
    """A table of a catalog at a snapshot; the snapshot outlives every later commit until it is expired."""

    def __init__(self, catalog: str, table: str, snapshot_id: int, properties: dict[str, str] | None = None) -> None:
        """Name the table.

        Args:
            catalog: the catalog's name.
            table: namespace and table, e.g. `option_ticks_db.feature_option_minutes`.
            snapshot_id: the snapshot that was read.
            properties: how to find the catalog; only type, uri (without a password) and warehouse are kept.
        """
        self.catalog = catalog
        self.table = table
        self.snapshot_id = int(snapshot_id)
        self.properties = {
            name: without_password(value) for name, value in (properties or {}).items() if name in KEPT_PROPERTIES
        }

    @staticmethod
    def _get_source_type() -> str:
        return "iceberg"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return isinstance(raw_source, str) and raw_source.startswith("iceberg://")

    @classmethod
    def _resolve(cls, raw_source: Any) -> "IcebergDatasetSource":
        """`iceberg://<catalog>/<namespace>.<table>@<snapshot id>`; the catalog is then looked up by its name."""
        where, _, snapshot = str(raw_source).rpartition("@")
        catalog, _, table = where.removeprefix("iceberg://").partition("/")
        if not (catalog and table and snapshot.isdecimal()):
            raise ValueError(f"{raw_source!r}: expected iceberg://<catalog>/<namespace>.<table>@<snapshot id>")
        return cls(catalog, table, int(snapshot))

    def to_dict(self) -> dict[str, Any]:
        """What is written to the run; the snapshot id as text, since JSON readers round numbers beyond 2^53."""
        return {
            "catalog": self.catalog,
            "table": self.table,
            "snapshot_id": str(self.snapshot_id),
            "properties": self.properties,
        }

    @classmethod
    def from_dict(cls, source_dict: dict[str, Any]) -> "IcebergDatasetSource":
        """The source out of `to_dict`."""
        return cls(
            source_dict["catalog"],
            source_dict["table"],
            int(source_dict["snapshot_id"]),
            dict(source_dict.get("properties", {})),
        )

    def load(self) -> Any:
        """The rows at the snapshot as a PyArrow table, through PyIceberg's catalog.

        Raises:
            LookupError: the table no longer has the snapshot (expired), or the table is gone.
        """
        from pyiceberg.catalog import load_catalog
        from pyiceberg.exceptions import NoSuchTableError

        try:
            table = load_catalog(self.catalog, **self.properties).load_table(self.table)
        except NoSuchTableError as error:
            raise LookupError(f"{self.catalog}.{self.table} does not exist any more") from error
        if table.snapshot_by_id(self.snapshot_id) is None:
            raise LookupError(
                f"{self.catalog}.{self.table} has no snapshot {self.snapshot_id} any more: it was expired; "
                "restore the table's metadata from a backup to load it"
            )
        return table.scan(snapshot_id=self.snapshot_id).to_arrow()
