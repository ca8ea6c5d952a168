"""Spark on the lake's catalog, by dagster-pyspark's resource.

Belongs here: the session and its options. Does not: any statement.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import make_url

from lakehouse_assets.lake.engines import EngineFailed, ForeignName
from lakehouse_assets.lake.storage import WHEN_REQUIRED, checksums_when_required, iceberg_options
from lakehouse_assets.settings import CATALOG, PROJECT, Settings, SettingsError
from lakehouse_assets.transforms.called import CALLED, on_arrow

ICEBERG = f"spark.sql.catalog.{CATALOG}"
CONNECT = "sc://"
CONNECT_PORT = 15002
CONNECT_RETRIES = 6  # of a request: 50 ms, four times as long each time, 68 s in all


class Spark:
    """A session, local, on a standalone master, or through Connect."""

    name: ForeignName = "spark"

    def __init__(self, settings: Settings) -> None:
        """Open the session and teach it the functions that SQL calls by name.

        Raises:
            EngineFailed: there is no Java, no jar, or no master or Connect server that answers.
        """
        checksums_when_required()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        self._where = settings.spark.master
        try:
            self._session = _opened(settings)
        except Exception as error:  # whatever Java said
            raise EngineFailed(f"Spark at {self._where} does not start: {_first_line(error)}") from error
        _teach(self._session)

    def rows(self, text: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a question."""
        return [tuple(row) for row in self._asked(text).collect()]

    def run(self, text: str) -> None:
        """Carry out a statement, which Spark does at once."""
        self._asked(text)

    def _asked(self, text: str) -> Any:
        try:
            return self._session.sql(text)
        except Exception as error:  # whatever Java said
            raise EngineFailed(f"Spark at {self._where}: {_first_line(error)}") from error


def _opened(settings: Settings) -> Any:
    """The session; where a Connect server is not there, its client would ask again for ten minutes."""
    from dagster_pyspark import LazyPySparkResource

    master = settings.spark.master
    if not master.startswith(CONNECT):
        return LazyPySparkResource(spark_config=options(settings)).spark_session
    from pyspark.sql.connect.client.retries import DefaultPolicy

    server = urlsplit(master)
    create_connection((server.hostname or "", server.port or CONNECT_PORT), timeout=10).close()
    session = LazyPySparkResource(spark_config=options(settings)).spark_session
    session.client.set_retry_policies([DefaultPolicy(max_retries=CONNECT_RETRIES)])
    return session


def options(settings: Settings) -> dict[str, str]:
    """What a session must know: where a Connect server is, or all that a driver of its own needs."""
    if settings.spark.master.startswith(CONNECT):
        return {"spark.remote": settings.spark.master, **_session(settings)}
    return driver_options(settings)


def driver_options(settings: Settings) -> dict[str, str]:
    """What a driver must know: the catalog, the bucket, Python for the functions, and UTC."""
    return {
        "spark.master": settings.spark.master,
        "spark.app.name": "lakehouse-assets",
        "spark.driver.memory": settings.spark.driver_memory,
        "spark.driver.host": settings.spark.driver_host,
        "spark.driver.bindAddress": settings.spark.driver_host,
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        **_session(settings),
        **_jars(settings),
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.executorEnv.PYTHONPATH": str(PROJECT),
        **{f"spark.executorEnv.{name}": "when_required" for name in WHEN_REQUIRED},
        ICEBERG: "org.apache.iceberg.spark.SparkCatalog",
        f"{ICEBERG}.cache-enabled": "false",  # it would read a table as it was before our commit
        **{f"{ICEBERG}.{name}": value for name, value in {**_catalog(settings), **_files(settings)}.items()},
    }


def _session(settings: Settings) -> Mapping[str, str]:
    return {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(settings.spark.shuffle_partitions),
    }


def _catalog(settings: Settings) -> Mapping[str, str]:
    if settings.catalog.type == "rest":
        return {"type": "rest", "uri": settings.catalog_uri}
    address = make_url(settings.catalog_uri)
    if not address.drivername.startswith("postgresql"):
        raise SettingsError(f"catalog.uri: Spark reads a catalog in PostgreSQL, found {address.drivername}")
    password = settings.catalog.password
    return {
        "type": "jdbc",
        "uri": f"jdbc:postgresql://{address.host}:{address.port or 5432}/{address.database}",
        "jdbc.user": address.username or "",
        "jdbc.password": password.get_secret_value() if password else "",
        "jdbc.schema-version": "V1",
    }


def _files(settings: Settings) -> Mapping[str, str]:
    known = iceberg_options(settings)
    if not settings.storage.warehouse:
        return {"warehouse": str(settings.warehouse)}
    return {
        "warehouse": settings.storage.warehouse,
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": known.get("s3.endpoint", ""),
        "s3.path-style-access": "true",
        "s3.access-key-id": known["s3.access-key-id"],
        "s3.secret-access-key": known["s3.secret-access-key"],
        "client.region": known["s3.region"],
    }


def _jars(settings: Settings) -> Mapping[str, str]:
    """The class path where the settings name a folder; else Spark's own configuration (`SPARK_CONF_DIR`) has it."""
    if settings.spark.jars is None:
        return {}
    folder = Path(settings.spark.jars).expanduser()
    if not any(folder.glob("*.jar")):
        raise SettingsError(
            f"spark.jars: {folder} holds no jar; name the folder of Iceberg's runtime for Spark, docs/production.md "
            "says which"
        )
    return {f"spark.{process}.extraClassPath": f"{folder}/*" for process in ("driver", "executor")}


def _teach(session: Any) -> None:
    """Register the functions of `called` under their names."""
    from pyspark.sql.pandas import functions

    made: Any = functions.arrow_udf  # overloads that know Spark's types only

    types = {"DOUBLE": "double", "BOOLEAN": "boolean", "VARCHAR": "string"}
    for one in CALLED.values():
        session.udf.register(one.name, made(on_arrow(one), types[one.returns]))


def _first_line(error: Exception) -> str:
    """The first line that says something: the bridge to Java begins with the name of its own call."""
    words = str(error).strip().splitlines() or [type(error).__name__]
    return next(
        (line.lstrip(": ") for line in words if not line.startswith("An error occurred while calling")), words[0]
    )
