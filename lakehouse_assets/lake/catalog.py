"""Where the tables are found: the one SQL catalog, shared by every engine.

Belongs here: opening the catalog, creating and loading a table. Does not: what is in a table.
One `Lake` belongs to one thread; open it after a fork, never before.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TypeVar

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table as IcebergTable
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.paths import local_uri
from lakehouse_assets.lake.schema import iceberg_schema, partition_spec, sort_order
from lakehouse_assets.lake.storage import checksums_when_required, iceberg_options
from lakehouse_assets.settings import CATALOG, NAMESPACE, Settings

COMMIT_RETRIES = 50
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
"""How long a commit that met another tries again. Of ten writers on three engines one was refused after 15 retries in
8 seconds, because the fastest engine overtakes the slowest many times in a row; with these the most was 10 of 50."""

TABLE_PROPERTIES = {
    "format-version": "2",  # v3 is not readable by Trino 476
    "write.parquet.compression-codec": "zstd",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    # read by PyIceberg, Spark and Trino, whoever writes; their own default of 4 retries loses to ten writers
    "commit.retry.num-retries": str(COMMIT_RETRIES),
    "commit.retry.min-wait-ms": f"{FIRST_WAIT_SECONDS * 1000:.0f}",
    "commit.retry.max-wait-ms": f"{LONGEST_WAIT_SECONDS * 1000:.0f}",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
}

CONNECT_SECONDS = 10
"""How long PostgreSQL may take to let us in; its client would wait for minutes where a network swallows all packets."""

RACE_ATTEMPTS = 5
RACE_WAIT_SECONDS = 0.05

SECRET_OPTIONS = frozenset({"password", "sslpassword"})
"""Options of a PostgreSQL address that are secrets."""

Result = TypeVar("Result")


class TableMissing(LookupError):
    """The table has not been written yet; the message says which and what writes it."""


class Lake:
    """The lake of one profile, as one thread sees it."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet; the catalog is opened at first use."""
        self.settings = settings

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog of the settings, its tables made on first use; safe when several processes make them at once."""
        self.settings.home.mkdir(parents=True, exist_ok=True)
        catalog = _survive_race(self._open)
        ensure_namespace(catalog, NAMESPACE)
        return catalog

    def _open(self) -> Catalog:
        if self.settings.storage.warehouse:
            checksums_when_required()
        options = {
            "warehouse": self.settings.storage.warehouse or local_uri(self.settings.warehouse),
            **iceberg_options(self.settings),
        }
        if self.settings.catalog.type == "rest":
            return RestCatalog(CATALOG, uri=self.settings.catalog_uri, **options)
        return SqlCatalog(
            CATALOG,
            uri=bounded(with_password(self.settings)),
            init_catalog_tables="true",
            pool_pre_ping="true",  # a connection that the database's restart has cut is replaced, not used
            schema_version="v1",  # an older catalog is brought to it, as Spark does by jdbc.schema-version
            **options,
        )

    def load(self, table: str) -> IcebergTable:
        """The table as it is now.

        Raises:
            TableMissing: nothing was written to it yet.
        """
        try:
            return self.catalog.load_table((NAMESPACE, table))
        except NoSuchTableError as error:
            raise TableMissing(
                f"{CATALOG}.{NAMESPACE}.{table} has no data yet: materialize the asset {table}"
            ) from error

    def exists(self, table: str) -> bool:
        """Whether anything was written to the table yet."""
        return self.catalog.table_exists((NAMESPACE, table))

    def load_or_create(self, contract: Contract) -> IcebergTable:
        """The contract's table, created empty where it is missing; two processes may do so at once."""
        try:
            return self.load(contract.table)
        except TableMissing:
            schema = iceberg_schema(contract)
            try:
                return self.catalog.create_table(
                    (NAMESPACE, contract.table),
                    schema=schema,
                    partition_spec=partition_spec(contract, schema),
                    sort_order=sort_order(contract, schema),
                    properties=TABLE_PROPERTIES,
                )
            except TableAlreadyExistsError:
                return self.load(contract.table)


def ensure_namespace(catalog: Catalog, name: str) -> None:
    """Make a namespace where it is missing; two processes may do so at once."""
    with suppress(NamespaceAlreadyExistsError):  # another process made it between the look and the insert
        _survive_race(lambda: catalog.create_namespace_if_not_exists(name))


def with_password(settings: Settings) -> str:
    """The SQL catalog's address as a driver needs it; never log it."""
    address = make_url(settings.catalog_uri)
    if settings.catalog.password is not None:
        address = address.set(password=settings.catalog.password.get_secret_value())
    return address.render_as_string(hide_password=False)


def bounded(uri: str) -> str:
    """An address whose connecting has an end, where it is PostgreSQL's and names none; for Python's client alone."""
    address = make_url(uri)
    if not address.drivername.startswith("postgresql") or "connect_timeout" in address.query:
        return uri
    limited = address.update_query_dict({"connect_timeout": str(CONNECT_SECONDS)})
    return limited.render_as_string(hide_password=False)


def without_password(address: str) -> str:
    """An address as it may be shown and stored: no password before its host, none among its options.

    A text that is no address is returned as it is, but for what stands before an @.
    """
    try:
        known = make_url(address)
    except (ArgumentError, ValueError):  # not of this form, or a port that is no number
        return address.rpartition("@")[2]
    host = (known.host or "").rpartition("@")[2]  # the rest of a password that holds an @ itself
    if known.password is None and host == (known.host or "") and not SECRET_OPTIONS & set(known.query):
        return address
    shown = known._replace(password=None, host=host).difference_update_query(SECRET_OPTIONS)
    return shown.render_as_string(hide_password=False)


def _survive_race(step: Callable[[], Result]) -> Result:
    """Repeat a creation that another process was faster with."""
    for attempt in range(RACE_ATTEMPTS - 1):
        try:
            return step()
        except (OperationalError, IntegrityError) as error:
            if error.statement is None:  # there is no connection at all: nobody was faster
                raise
            time.sleep(RACE_WAIT_SECONDS * 2**attempt)
    return step()
