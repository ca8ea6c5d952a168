"""The catalog: what a table is made with, for whoever writes to it."""

import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import LongType
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from lakehouse_assets.lake import catalog as catalog_module
from lakehouse_assets.lake.catalog import Lake, bounded, with_password, without_password
from lakehouse_assets.lake.commit import ATTEMPTS, PublishConflict, publish
from lakehouse_assets.lake.engines.spark import driver_options
from lakehouse_assets.settings import CatalogSettings, Settings
from lakehouse_assets_tests.lake.toys import BY_DATE, MONDAY, TUESDAY, seen, stage_ticks, ticks, write

CONFLICTS = 6


def others_first(lake: Lake, times: int, monkeypatch: pytest.MonkeyPatch, adds_a_column: bool = False) -> list[int]:
    """Have another writer commit right before each of the next commits; the list gets a number for each."""
    met: list[int] = []
    commit = type(lake.catalog).commit_table

    def commit_after_another(catalog: Catalog, table: IcebergTable, *what: object) -> object:
        if len(met) < times:
            met.append(len(met))
            with monkeypatch.context() as alone:
                alone.setattr(type(lake.catalog), "commit_table", commit)
                other = Lake(lake.settings).load(BY_DATE.table)
                if adds_a_column:
                    with other.update_schema() as update:
                        update.add_column(f"another_{met[-1]}", LongType())
                else:
                    rows = ticks("2026-10-01", 1, contract=BY_DATE, id=met[-1])
                    other.append(rows.cast(other.schema().as_arrow()))
        return commit(catalog, table, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(type(lake.catalog), "commit_table", commit_after_another)
    return met


def test_a_table_tells_every_engine_to_try_long_enough_when_others_write(lake: Lake) -> None:
    properties = lake.load_or_create(BY_DATE).properties
    retries, first, longest = (
        int(properties[f"commit.retry.{name}"]) for name in ("num-retries", "min-wait-ms", "max-wait-ms")
    )
    waits = [min(longest, first * 2**number) for number in range(retries)]
    assert sum(waits) >= 40_000  # ms: ten writers on three engines took as long for 50 commits
    assert first <= 50  # a single conflict costs next to nothing
    assert retries <= ATTEMPTS  # ours is no weaker than theirs


@pytest.mark.slow
def test_a_plain_append_outlasts_more_conflicts_than_the_engines_default(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = lake.load_or_create(BY_DATE)
    met = others_first(lake, CONFLICTS, monkeypatch)
    table.append(ticks(MONDAY, 4, contract=BY_DATE).cast(table.schema().as_arrow()))
    assert len(met) == CONFLICTS
    assert len(seen(lake, [MONDAY], BY_DATE)) == 4
    assert len(seen(lake, contract=BY_DATE)) == 4 + CONFLICTS


@pytest.mark.slow
def test_a_gated_write_outlasts_them_too_and_leaves_the_table_s_properties(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(lake, ticks(MONDAY, 4, contract=BY_DATE), MONDAY, BY_DATE)
    before = dict(lake.load(BY_DATE.table).properties)
    met = others_first(lake, CONFLICTS, monkeypatch)
    write(lake, ticks(TUESDAY, 3, contract=BY_DATE), TUESDAY, BY_DATE)
    assert len(met) == CONFLICTS
    assert len(seen(lake, [TUESDAY], BY_DATE)) == 3
    assert lake.load(BY_DATE.table).properties == before


@pytest.mark.slow
def test_a_write_that_brings_a_column_looks_again_instead_of_waiting_in_vain(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyIceberg would repeat it with the schema that it expected at first, 50 times, a second apart."""
    narrow = replace(BY_DATE, columns=BY_DATE.columns[:-1])
    write(lake, ticks(MONDAY, 4, contract=narrow), MONDAY, narrow)
    before = dict(lake.load(BY_DATE.table).properties)
    met = others_first(lake, 2, monkeypatch, adds_a_column=True)
    staged = stage_ticks(lake, ticks(TUESDAY, 3, contract=BY_DATE), [TUESDAY], BY_DATE)
    with pytest.raises(PublishConflict, match="changed the schema meanwhile"):
        publish(lake, staged, {})
    assert len(met) == 1
    assert lake.load(BY_DATE.table).properties == before


POSTGRES = "postgresql+psycopg2://lakehouse@127.0.0.1:{port}/lakehouse"


def in_postgres(home: Path, port: int = 5432, words: str = "") -> Settings:
    return Settings(home=home, catalog=CatalogSettings(uri=POSTGRES.format(port=port) + words))


@pytest.mark.parametrize(
    ("uri", "opened"),
    [
        (POSTGRES.format(port=1), POSTGRES.format(port=1) + "?connect_timeout=10"),
        (POSTGRES.format(port=1) + "?connect_timeout=3", POSTGRES.format(port=1) + "?connect_timeout=3"),
        ("postgresql://me:it%40s@h/d?sslmode=require", "postgresql://me:it%40s@h/d?connect_timeout=10&sslmode=require"),
        ("sqlite:////a/catalog.db", "sqlite:////a/catalog.db"),
    ],
)
def test_connecting_to_a_database_has_an_end(uri: str, opened: str) -> None:
    assert make_url(bounded(uri)) == make_url(opened)


def test_spark_is_told_no_word_that_its_client_does_not_know(tmp_path: Path) -> None:
    known = driver_options(in_postgres(tmp_path))
    assert known["spark.sql.catalog.hive_prod.uri"] == "jdbc:postgresql://127.0.0.1:5432/lakehouse"


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_a_database_that_accepts_and_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(OperationalError, match="timeout expired"):
            _ = Lake(in_postgres(tmp_path, silent.getsockname()[1])).catalog
    assert time.monotonic() - began < 15


def test_a_database_that_is_not_there_is_no_race(closed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    open_catalog = Lake._open

    def counted(lake: Lake) -> Catalog:
        opened.append("once more")
        return open_catalog(lake)

    monkeypatch.setattr(Lake, "_open", counted)
    with pytest.raises(OperationalError):
        _ = Lake(in_postgres(tmp_path, closed)).catalog
    assert opened == ["once more"]


def types_in(lake: Lake) -> dict[str, str | None]:
    """What the catalog's own table says of the kind of each."""
    with create_engine(with_password(lake.settings)).connect() as connection:
        return dict(connection.execute(text("SELECT table_name, iceberg_type FROM iceberg_tables")).tuples().all())


def test_a_catalog_is_made_in_the_schema_that_spark_and_trino_share(lake: Lake) -> None:
    lake.load_or_create(BY_DATE)
    assert types_in(lake) == {BY_DATE.table: "TABLE"}


def test_a_catalog_of_the_older_schema_is_brought_to_it_and_keeps_its_tables(lake: Lake) -> None:
    """As Iceberg's Java client does where it is told the same: of one catalog, all engines read one schema."""
    lake.load_or_create(BY_DATE)
    with create_engine(with_password(lake.settings)).begin() as connection:
        connection.execute(text("ALTER TABLE iceberg_tables DROP COLUMN iceberg_type"))
    again = Lake(lake.settings)
    assert again.load(BY_DATE.table).name()[-1] == BY_DATE.table
    another = replace(BY_DATE, table="another")
    again.load_or_create(another)
    assert types_in(again) == {BY_DATE.table: None, "another": "TABLE"}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+psycopg2://me:secret@host:5432/db", "postgresql+psycopg2://me@host:5432/db"),
        ("postgresql://me:se/c#re?t@host/db", "postgresql://me@host/db"),
        ("postgresql://me:sec@ret@host/db", "postgresql://me@host/db"),
        ("postgresql://me@host/db?password=secret&sslmode=require", "postgresql://me@host/db?sslmode=require"),
        ("https://me:secret@host:8181/catalog", "https://me@host:8181/catalog"),
        ("postgresql://me:secret@host:port/db", "host:port/db"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown


@pytest.mark.parametrize(
    "text",
    ["sqlite:////tmp/a:b@c/catalog.db", "s3://lakehouse/warehouse", "http://host:8181/", "file:///tmp/x", "V1", ""],
)
def test_what_holds_no_password_is_shown_as_it_is(text: str) -> None:
    assert without_password(text) == text
