"""The tables that a model was trained from, as another process finds them again.

Belongs here: naming a table at its snapshot, opening it again, showing it in MLflow as a dataset. Does not: its rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.table import Table, pin_at
from lakehouse_assets.services.tracking import TrackedRun
from lakehouse_assets.settings import CATALOG, NAMESPACE


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

    @classmethod
    def of(cls, table: Table) -> "InputTable":
        """The input that a pinned table is."""
        return cls(
            name=table.contract.table,
            catalog=CATALOG,
            identifier=f"{NAMESPACE}.{table.contract.table}",
            snapshot_id=int(table.snapshot_id or 0),
            content_key=table.content_key,
            rows=table.rows,
            properties={
                "type": table.settings.catalog.type,
                "uri": table.settings.catalog_uri,
                "warehouse": table.settings.storage.warehouse or table.settings.warehouse.as_uri(),
                "jdbc.schema-version": "V1",
            },
        )

    def pin(self, lake: Lake) -> Table:
        """The same rows again.

        Raises:
            TableMissing: the table is gone.
            SnapshotMissing: the snapshot has expired.
        """
        return pin_at(lake, CONTRACTS[self.name], self.snapshot_id)


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
