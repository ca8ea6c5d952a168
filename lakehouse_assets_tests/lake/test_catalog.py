"""The catalog: what a table is made with, for whoever writes to it."""

import time
from dataclasses import replace

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import LongType

from lakehouse_assets.lake.catalog import Lake, without_password
from lakehouse_assets.lake.commit import ATTEMPTS, PublishConflict, publish
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
    began = time.monotonic()
    staged = stage_ticks(lake, ticks(TUESDAY, 3, contract=BY_DATE), [TUESDAY], BY_DATE)
    with pytest.raises(PublishConflict, match="changed the schema meanwhile"):
        publish(lake, staged, {})
    assert time.monotonic() - began < 20
    assert len(met) == 1
    assert lake.load(BY_DATE.table).properties == before


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
