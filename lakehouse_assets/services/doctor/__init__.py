"""The doctor: whether all that the settings name is there, lets us in and is of the right version.

Belongs here: which questions the settings ask, one finding each. Does not: the questions (one module a kind of thing),
nor how findings are shown.
A question takes seconds at most, changes nothing that stays, and never ends the examination.
"""

from collections.abc import Iterator

from lakehouse_assets.lake.catalog import without_password
from lakehouse_assets.services.doctor.bucket import ask_bucket, ask_clock
from lakehouse_assets.services.doctor.databases import ask_catalog_database, ask_dagster_storage
from lakehouse_assets.services.doctor.engines import ask_spark, ask_trino
from lakehouse_assets.services.doctor.finding import Finding, Question, found
from lakehouse_assets.services.doctor.machine import ask_disk, ask_file, ask_folder, ask_port
from lakehouse_assets.services.doctor.web import ask_mlflow, ask_rest_catalog
from lakehouse_assets.services.tracking_store import SQLITE
from lakehouse_assets.settings import Settings

__all__ = ["Finding", "examine"]

DAGSTER_PORT, MLFLOW_PORT = 3000, 5000
"""What `make dev` listens on."""


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding a question, in the order in which things depend on one another."""
    for question in questions(settings):
        yield found(question, settings)


def questions(settings: Settings) -> Iterator[Question]:
    """What these settings must be asked."""
    home = str(settings.home)
    yield Question("state folder", home, lambda: ask_folder(settings.home))
    yield Question("disk", home, lambda: ask_disk(settings.home))
    yield _catalog(settings)
    if settings.storage.warehouse:
        where = f"{settings.storage.warehouse} at {settings.storage.endpoint or settings.storage.region}"
        yield Question("bucket", where, lambda: ask_bucket(settings))
        yield Question("clock", where, lambda: ask_clock(settings))
    yield _mlflow(settings)
    if settings.profile == "embedded":
        for name, port, path in (("Dagster", DAGSTER_PORT, "server_info"), ("MLflow", MLFLOW_PORT, "health")):
            yield _port(name, port, path)
        return
    yield Question("Dagster's storage", "DAGSTER_HOME", ask_dagster_storage)
    yield Question("Spark", settings.spark.master, lambda: ask_spark(settings))
    yield Question("Trino", f"{settings.trino.host}:{settings.trino.port}", lambda: ask_trino(settings))


def _catalog(settings: Settings) -> Question:
    uri = settings.catalog_uri
    if settings.catalog.type == "rest":
        return Question("catalog", without_password(uri), lambda: ask_rest_catalog(settings))
    if uri.startswith(SQLITE):
        file = uri.removeprefix(SQLITE)
        return Question("catalog", file, lambda: ask_file(file, needs="iceberg_tables"))
    return Question("catalog", without_password(uri), lambda: ask_catalog_database(settings))


def _mlflow(settings: Settings) -> Question:
    uri = settings.mlflow_uri
    if uri.startswith(SQLITE):
        file = uri.removeprefix(SQLITE)
        return Question("MLflow", file, lambda: ask_file(file, needs="experiments"))
    return Question("MLflow", uri, lambda: ask_mlflow(uri))


def _port(name: str, port: int, path: str) -> Question:
    return Question(f"port of {name}", f"127.0.0.1:{port}", lambda: ask_port(name, port, path))
