"""Equal to the bit: every table of a hostile day and of real ones, computed by each engine from its own tables."""

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deploy.native.stack import Stack
from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.definitions import defs
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.engine import connect, quoted
from lakehouse_assets.lake.table import Table, pin
from lakehouse_assets.layers import BRONZE, RAW
from lakehouse_assets.partitions import range_tags
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.sources.samples import land_lean_sample
from lakehouse_assets.sources.simulator import simulate
from lakehouse_assets.sources.simulator.writer import write_parquet
from lakehouse_assets.transforms.text import transform_names
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, ticks, write
from lakehouse_assets_tests.stack.lakes import MADE, comparable, drop, environment

pytestmark = [pytest.mark.stack("trino", "spark-connect"), pytest.mark.timeout(900)]

HOSTILE = (dt.date(2026, 11, 20), dt.date(2026, 11, 20))
REAL = (dt.date(2014, 6, 5), dt.date(2014, 6, 6))
COMPARED = {name: MADE[name] for name in transform_names()}
CALLS_PYTHON = ("gold_option_chains", "feature_option_minutes")
"""Trino runs no Python: these are DuckDB's there, over Trino's own tables."""
SHOWN_ROWS = 3


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hostile simulated day and the bundled real ones."""
    home = tmp_path_factory.mktemp("landed")
    simulate(home / "raw", home / "truth", days=1, rows_per_day=20_000, seed=7, profile="hostile",
             last_date=HOSTILE[0])  # fmt: skip
    land_lean_sample(home / "raw")
    land_blanks(home / "raw" / "simulated" / HOSTILE[0].isoformat())
    return home


def land_blanks(folder: Path) -> None:
    """Two more files of the hostile day, in which each column is empty once that the simulator always fills."""
    for source, contract in (("part", BRONZE_OPTION_TICKS), ("underlying", BRONZE_UNDERLYING_TICKS)):
        ticks = pq.read_table(folder / f"{source}-0000.parquet")
        names = [name for name in may_be_null(contract) if name in ticks.column_names]
        rows = ticks.slice(0, len(names)).to_pylist()
        for name, row in zip(names, rows, strict=True):
            row[name] = None
        write_parquet(pa.Table.from_pylist(rows, ticks.schema), folder / f"blank_{source}-0000.parquet")


def may_be_null(contract: Contract) -> list[str]:
    """The columns that need no value."""
    return [column.name for column in contract.columns if not column.required]


@pytest.fixture(scope="module")
def expected(landed: Path) -> Iterator[Mapping[str, Table]]:
    """The tables as DuckDB makes them on local files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEHOUSE_HOME", str(landed))
        yield made()
    load_settings.cache_clear()


def made() -> Mapping[str, Table]:
    """Run the main job's tables under the settings of the environment; the tables pinned."""
    load_settings.cache_clear()
    lake = Lake(load_settings())
    job = defs.resolve_job_def("ml_pipeline_end_to_end")
    chosen = [dg.AssetKey(name) for name in MADE]
    with dg.DagsterInstance.ephemeral() as instance:
        for first, last in (REAL, HOSTILE):
            run = job.execute_in_process(instance=instance, tags=range_tags(first, last), asset_selection=chosen)
            assert run.success
    return {name: comparable(pin(lake, contract)) for name, contract in MADE.items()}


def test_the_hostile_day_has_a_null_wherever_bronze_takes_one(expected: Mapping[str, Table]) -> None:
    for contract in (BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS):
        table = expected[contract.table].only(HOSTILE[0].isoformat())
        names = may_be_null(contract)
        counts = ", ".join(f"COUNT(*) - COUNT({quoted(name)})" for name in names)
        with connect(table.settings) as connection:
            table.bind(connection, "ticks")
            nulls = connection.execute(f"SELECT {counts} FROM ticks WHERE source = 'simulated'").fetchone()
        assert nulls is not None
        assert [name for name, count in zip(names, nulls, strict=True) if not count] == []


@pytest.mark.parametrize("engine", ["spark", "trino"])
def test_every_table_is_the_same_to_the_bit(
    engine: str, landed: Path, expected: Mapping[str, Table], stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(stack, monkeypatch)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(landed))
    monkeypatch.setenv("LAKEHOUSE_ENGINE__NAME", engine)
    monkeypatch.setenv("LAKEHOUSE_ENGINE__ASSETS__gold_put_call_ratios", engine)
    for table in CALLS_PYTHON if engine == "trino" else ():
        monkeypatch.setenv(f"LAKEHOUSE_ENGINE__ASSETS__{table}", "duckdb")
    load_settings.cache_clear()
    lake = Lake(load_settings())
    drop(lake, CONTRACTS)
    found = made()
    differing = [name for name in COMPARED if content_hash(found[name]) != content_hash(expected[name])]
    assert not differing, "\n".join(difference(expected[name], found[name]) for name in differing)
    assert all(found[name].rows for name, one in COMPARED.items() if one.layer not in (RAW, BRONZE))
    load_settings.cache_clear()


def difference(expected: Table, found: Table) -> str:
    """The rows that are on one side only, and the columns that differ, each with the first rows in which it does."""
    contract = expected.contract
    keys = ", ".join(map(quoted, contract.key))
    same = " AND ".join(f"e.{quoted(key)} IS NOT DISTINCT FROM f.{quoted(key)}" for key in contract.key)
    with connect(found.settings) as connection:
        expected.bind(connection, "expected")
        found.bind(connection, "found")
        told = [f"{contract.table}: {expected.rows:,} rows expected, {found.rows:,} found"]
        for side, one, other in (("expected", "e", "found f"), ("found", "f", "expected e")):
            rows = connection.execute(
                f"SELECT {keys} FROM {side} {one} ANTI JOIN {other} ON {same} ORDER BY ALL LIMIT {SHOWN_ROWS}"
            ).fetchall()
            told += [f"  only {side}: ({keys}) {row}" for row in rows]
        for column in contract.columns:
            name = quoted(column.name)
            rows = connection.execute(
                f"SELECT {', '.join(f'e.{quoted(key)}' for key in contract.key)}, e.{name}, f.{name} FROM expected e "
                f"JOIN found f ON {same} WHERE e.{name} IS DISTINCT FROM f.{name} ORDER BY ALL LIMIT {SHOWN_ROWS}"
            ).fetchall()
            told += [f"  {column.name} at ({keys}, expected, found) {row}" for row in rows]
    return "\n".join(told)


def test_a_difference_is_told_by_rows_of_one_side_and_by_values(tmp_path: Path) -> None:
    shown = []
    for side, count, price in (("expected", 3, [1.0, 2.0, 3.0]), ("found", 4, [1.0, None, 3.0, 4.0])):
        lake = Lake(Settings(home=tmp_path / side))
        write(lake, ticks(MONDAY, count, price=price).slice(side == "found"), MONDAY)
        shown.append(pin(lake, TOY))
    assert difference(*shown).splitlines() == [
        "toy_ticks: 3 rows expected, 3 found",
        """  only expected: ("source", "id") ('opra', 0)""",
        """  only found: ("source", "id") ('krx', 3)""",
        """  price at ("source", "id", expected, found) ('krx', 1, 2.0, None)""",
    ]
