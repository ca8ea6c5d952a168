"""Spark on the lake's catalog, by dagster-pyspark's resource.

Belongs here: the session and its options. Does not: any statement.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import make_url

from lakehouse_assets.lake.engines import EngineFailed, ForeignName
from lakehouse_assets.lake.storage import WHEN_REQUIRED, checksums_when_required, iceberg_options
from lakehouse_assets.settings import CATALOG, PROJECT, Settings, SettingsError
from lakehouse_assets.transforms.called import CALLED, on_arrow

ICEBERG = f"spark.sql.catalog.{CATALOG}"
CONNECT = "sc://"
CONNECT_PORT = 15002
CONNECT_RETRIES = 6  # of a request: 50 ms, four times as long each time, 68 s in all
AT_START = ("spark.master", "spark.driver.")
"""How the names of those options begin that a JVM must have before it runs; the others it is told afterwards."""
NOT_SHOWN = "(?i)secret|password|token|credential|access[._-]?key"
"""Options whose values Spark's pages must not show."""
KNOWN_TO_BOTH = ("sslmode", "sslrootcert", "sslcert", "sslkey")
"""What a catalog's address may ask for in words that Java's client of PostgreSQL shares with Python's."""
DATABASE_WENT = "57P01,57P02,57P03"
"""SQLSTATEs by which PostgreSQL ends a connection as it stops, dies or starts: Iceberg's client knows only those
of class 08 by itself, and would fail the first statement after a restart."""


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
        self._where = settings.spark.master.partition(";")[0].rstrip("/")  # what follows may be a token
        try:
            self._session = _opened(settings)
        except Exception as error:  # whatever Java said
            raise EngineFailed(f"Spark at {self._where} does not start: {_first_line(error)}") from error
        _teach(self._session)

    def rows(self, text: str) -> Sequence[tuple[Any, ...]]:
        """The rows of a question."""
        with self._in_its_words():
            return [tuple(row) for row in self._session.sql(text).collect()]

    def run(self, text: str) -> None:
        """Carry out a statement, which Spark does at once."""
        with self._in_its_words():
            self._session.sql(text)

    @contextmanager
    def _in_its_words(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # whatever Java said
            raise EngineFailed(f"Spark at {self._where}: {_first_line(error)}") from error


def _opened(settings: Settings) -> Any:
    """The session; where a Connect server is not there, its client would ask again for ten minutes."""
    from dagster_pyspark import LazyPySparkResource

    master = settings.spark.master
    if not master.startswith(CONNECT):
        start_java(known := options(settings))
        return LazyPySparkResource(spark_config=known).spark_session
    from pyspark.sql.connect.client.retries import DefaultPolicy

    server = urlsplit(master)
    create_connection((server.hostname or "", server.port or CONNECT_PORT), timeout=10).close()
    session = LazyPySparkResource(spark_config=options(settings)).spark_session
    session.client.set_retry_policies([DefaultPolicy(max_retries=CONNECT_RETRIES)])
    return session


def start_java(known: Mapping[str, str]) -> None:
    """Start this process's JVM, unless it runs, with no option that it can be told afterwards.

    pyspark would start it with all options of the session on its command line, which every user of the machine can
    read. A session that is opened once the JVM is there hands them over the bridge.
    """
    from pyspark import SparkConf, SparkContext

    at_start = SparkConf(loadDefaults=False).setAll([*(one for one in known.items() if one[0].startswith(AT_START))])
    SparkContext._ensure_initialized(conf=at_start)


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
        "spark.redaction.regex": NOT_SHOWN,
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
    if strange := set(address.query) - set(KNOWN_TO_BOTH):
        raise SettingsError(
            f"catalog.uri: Spark's client does not know {', '.join(sorted(strange))}; it knows "
            f"{', '.join(KNOWN_TO_BOTH)}: leave the others out"
        )
    query = f"?{urlencode(address.query)}" if address.query else ""
    password = settings.catalog.password
    return {
        "type": "jdbc",
        "uri": f"jdbc:postgresql://{address.host}:{address.port or 5432}/{address.database}{query}",
        "jdbc.user": address.username or "",
        "jdbc.password": password.get_secret_value() if password else address.password or "",
        "jdbc.schema-version": "V1",
        "retryable_status_codes": DATABASE_WENT,
    }


def _files(settings: Settings) -> Mapping[str, str]:
    """Where the files are; the keys of a bucket each of Spark's processes takes from its own environment."""
    if not settings.storage.warehouse:
        return {"warehouse": str(settings.warehouse)}
    known = iceberg_options(settings)
    endpoint = {"s3.endpoint": known["s3.endpoint"], "s3.path-style-access": "true"} if "s3.endpoint" in known else {}
    return {
        "warehouse": settings.storage.warehouse,
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "client.region": known["s3.region"],
        **endpoint,
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
