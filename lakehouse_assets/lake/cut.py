"""One consistent cut: several tables as they were at one instant.

Belongs here: reading all table pointers of the catalog at once, and pinning tables on that cut. Does not: SQL.
Loading tables one after another may see one of them before and another after a commit; one read of the catalog
cannot.
"""

from collections.abc import Mapping

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable
from pyiceberg.table import Table as IcebergTable
from sqlalchemy import text

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.storage import iceberg_options
from lakehouse_assets.lake.table import Table, planned_files
from lakehouse_assets.settings import CATALOG, NAMESPACE

_POINTERS = text(
    "SELECT table_name, metadata_location FROM iceberg_tables "
    "WHERE catalog_name = :catalog AND table_namespace = :namespace"
)


class Cut:
    """The tables of the lake at the instant at which the cut was made; read-only."""

    def __init__(self, lake: Lake) -> None:
        """Read the pointers of all tables in one statement; a table's metadata is read when it is asked for."""
        self._lake = lake
        self._pointers: Mapping[str, str] = _pointers(lake.catalog)
        self._loaded: dict[str, IcebergTable] = {}

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that were written, sorted."""
        return tuple(sorted(self._pointers))

    def find(self, table: str) -> IcebergTable | None:
        """The table as the cut shows it; None where nothing was written to it."""
        if table not in self._pointers:
            return None
        if table not in self._loaded:
            self._loaded[table] = StaticTable.from_metadata(
                self._pointers[table], dict(iceberg_options(self._lake.settings))
            )
        return self._loaded[table]

    def pin(self, contract: Contract, snapshot_id: int | None = None) -> Table:
        """The rows of the table on this cut (or at an older snapshot); empty where nothing was written."""
        table = self.find(contract.table)
        if table is None:
            return Table(contract, None, (), (), self._lake.settings)
        current = table.current_snapshot()
        pinned = snapshot_id or (current.snapshot_id if current else None)
        ids = tuple((field.name, field.field_id) for field in table.schema().fields)
        return Table(contract, pinned, planned_files(table, contract, None, pinned), ids, self._lake.settings)


def _pointers(catalog: Catalog) -> dict[str, str]:
    """Where each table's metadata lies; a REST server has no one question for all, so there the cut is no instant."""
    if not isinstance(catalog, SqlCatalog):
        tables = (catalog.load_table(name) for name in catalog.list_tables(NAMESPACE))
        return {table.name()[-1]: table.metadata_location for table in tables}
    with catalog.engine.connect() as connection:
        rows = connection.execute(_POINTERS, {"catalog": CATALOG, "namespace": NAMESPACE}).all()
    return {name: location for name, location in rows if location}
