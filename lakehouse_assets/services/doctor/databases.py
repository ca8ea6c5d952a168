"""Questions to PostgreSQL: the catalog's database, and Dagster's.

Belongs here: who is let in, and whether the tables are there. Does not: what is in them.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from lakehouse_assets.lake.catalog import with_password
from lakehouse_assets.services.doctor.finding import SECONDS, Ailment, NotAsked
from lakehouse_assets.settings import CATALOG, Settings

TABLES = "iceberg_tables"
V1_COLUMN = "iceberg_type"
"""What the catalog's schema V1 has beyond V0."""
RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
PASSWORD_WORDS = ("password authentication failed", "no password supplied", "role ")


def ask_catalog_database(settings: Settings) -> str:
    """Whether the catalog's role comes in, may write, and finds the tables of schema V1."""
    try:
        address = make_url(with_password(settings))
    except ArgumentError as error:
        raise Ailment(
            "catalog.uri is no address", "write it as postgresql+psycopg2://user@host:port/database"
        ) from error
    with connected(address, "catalog.uri", "LAKEHOUSE_CATALOG__PASSWORD") as connection:
        _refuse_incomplete(connection)
        count = connection.scalar(text(f"SELECT count(*) FROM {TABLES} WHERE catalog_name = :name"), {"name": CATALOG})
        return f"{_version(connection)}, schema V1, {count} tables in {CATALOG}, {address.username} may write"


def ask_dagster_storage() -> str:
    """Whether the instance in `DAGSTER_HOME` reaches its database, where that is PostgreSQL."""
    known = dagster_database(os.environ.get("DAGSTER_HOME"))
    address = URL.create(
        "postgresql+psycopg2",
        username=known["username"],
        password=known["password"],
        host=known["hostname"],
        port=int(known.get("port", 5432)),
        database=known["db_name"],
    )
    with connected(address, "storage.postgres of dagster.yaml", "DAGSTER_POSTGRES_PASSWORD") as connection:
        where = f"{address.host}:{address.port}/{address.database}"
        if "runs" not in inspect(connection).get_table_names():
            return f"{_version(connection)} at {where}: Dagster makes its tables when it first starts"
        count = connection.scalar(text("SELECT count(*) FROM runs"))
        return f"{_version(connection)} at {where}, {count} runs on record"


def dagster_database(home: str | None) -> Mapping[str, Any]:
    """Where an instance keeps its runs, its variables filled in.

    Raises:
        NotAsked: there is no instance, or its storage is not PostgreSQL.
        Ailment: a variable is not set that its dagster.yaml asks for.
    """
    import yaml

    file = Path(home or "") / "dagster.yaml"
    if not home or not file.is_file():
        raise NotAsked("no instance: DAGSTER_HOME names no folder with a dagster.yaml, such as deploy/dagster")
    postgres = ((yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("storage") or {}).get("postgres")
    if not postgres or "postgres_db" not in postgres:
        raise NotAsked(f"{file} keeps its runs elsewhere than in a database `storage.postgres.postgres_db`")
    return {name: _filled(value) for name, value in postgres["postgres_db"].items()}


@contextmanager
def connected(address: URL, key: str, variable: str) -> Iterator[Connection]:
    """A connection to PostgreSQL.

    Raises:
        Ailment: it does not answer, lets this role not in, or has no such database.
    """
    engine = create_engine(address, connect_args={"connect_timeout": int(SECONDS)}, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        words = str(error.orig).strip()
        if any(one in words for one in PASSWORD_WORDS):
            raise Ailment(
                f"the role {address.username} is refused: {_last(words)}", f"set {variable} to that role's password"
            ) from error
        if f'database "{address.database}" does not exist' in words:
            raise Ailment(f"there is no database {address.database}", f"make it, or correct {key}") from error
        if not error.connection_invalidated and error.statement:
            raise Ailment(f"a question failed: {words}", f"see that {address.username} owns its database") from error
        raise Ailment(f"does not answer: {words}", f"start PostgreSQL there, or correct {key}") from error


def _refuse_incomplete(connection: Connection) -> None:
    known = inspect(connection)
    if TABLES not in known.get_table_names():
        raise Ailment(f"has no table {TABLES}", "run `lakehouse tables` once: it makes the catalog's tables")
    if V1_COLUMN not in {column["name"] for column in known.get_columns(TABLES)}:
        raise Ailment(
            f"{TABLES} has no column {V1_COLUMN}, so it is of schema V0, which Spark and Trino read differently",
            f"run ALTER TABLE {TABLES} ADD COLUMN {V1_COLUMN} VARCHAR(5)",
        )
    may = [bool(connection.scalar(text(f"SELECT has_table_privilege('{TABLES}', '{right}')"))) for right in RIGHTS]
    if not all(may):
        refused = ", ".join(right for right, allowed in zip(RIGHTS, may, strict=True) if not allowed)
        raise Ailment(f"the role lacks {refused} on {TABLES}", f"run GRANT {refused} ON {TABLES} as its owner")


def _filled(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    name = str(value.get("env"))
    if not os.environ.get(name):
        raise Ailment(f"{name} is not set, which dagster.yaml asks for", f"set {name}")
    return os.environ[name]


def _version(connection: Connection) -> str:
    known = connection.dialect.server_version_info
    return f"PostgreSQL {'.'.join(map(str, known))}" if known else "PostgreSQL"


def _last(words: str) -> str:
    """What the server itself said."""
    return words.rpartition("FATAL:")[2].strip()
