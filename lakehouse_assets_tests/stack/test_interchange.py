"""One catalog, three writers: PyIceberg, Spark and Trino make, read and write the same tables, also all at once."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier
from typing import Any, get_args

import pyarrow as pa
import pytest

from deploy.native.stack import Stack
from lakehouse_assets.contracts.contract import Column, ColumnType, Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engines import ForeignName, opened
from lakehouse_assets.lake.engines.statements import name_in
from lakehouse_assets.lake.engines.trino import Trino
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import CATALOG, NAMESPACE
from lakehouse_assets_tests.lake.toys import TOY, start
from lakehouse_assets_tests.stack.lakes import drop, environment, lake_on

pytestmark = [pytest.mark.stack("trino", "spark-connect"), pytest.mark.timeout(300)]

TYPES: Mapping[ForeignName, Mapping[ColumnType, str]] = {
    "spark": {
        "string": "STRING", "long": "BIGINT", "int": "INT", "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
        "timestamptz": "TIMESTAMP", "binary": "BINARY",
    },
    "trino": {
        "string": "VARCHAR", "long": "BIGINT", "int": "INTEGER", "double": "DOUBLE", "boolean": "BOOLEAN",
        "date": "DATE", "timestamptz": "TIMESTAMP(6) WITH TIME ZONE", "binary": "VARBINARY",
    },
}  # fmt: skip

ALL_TYPES = Contract(
    table="toy_types",
    layer="bronze",
    description="A column of each type.",
    grain="one row",
    columns=(
        Column("trading_date", "date", "Trading date", required=True),
        Column("id", "long", "Number", required=True),
        *(Column(f"a_{name}", name, f"A {name}") for name in get_args(ColumnType)),
    ),
    key=("id",),
)
DAY = date(2026, 11, 16)
ROWS: list[dict[str, Any]] = [
    {
        "a_string": "콜 'quoted', \"twice\"\n\\", "a_long": 2**63 - 1, "a_int": 2**31 - 1, "a_double": 0.1 + 0.2,
        "a_boolean": True, "a_date": date(9999, 12, 31), "a_timestamptz": datetime(2262, 4, 12, 1, 2, 3, 999_999, UTC),
        "a_binary": b"\x00\xff'\\",
    },
    {
        "a_string": "", "a_long": -(2**63), "a_int": -(2**31), "a_double": -1.7976931348623157e308, "a_boolean": False,
        "a_date": date(1900, 2, 28), "a_timestamptz": datetime(1969, 12, 31, 23, 59, 59, 1, UTC), "a_binary": b"",
    },
    dict.fromkeys(f"a_{name}" for name in get_args(ColumnType)),
]  # fmt: skip
MAKERS = ("pyiceberg", "spark", "trino")

WRITTEN = replace(TOY, table="toy_writers", partition=("trading_date",), sort=("source", "id"))
TABLES = (WRITTEN.table, *(f"{ALL_TYPES.table}_{maker}" for maker in MAKERS))
APPENDS, ROWS_EACH = 3, 3
"""Commits of a writer, rows of a commit."""
COMMON_DAY = "2026-11-16"

AS_READY = "writer = int(sys.argv[2])\nprint('ready', flush=True)\nsys.stdin.readline()\n"
OWN_WRITES = AS_READY + (
    f"for turn in range({APPENDS}):\n"
    "    day = f'2026-{1 + writer:02}-{1 + turn:02}'\n"
    f"    ids = [writer * 100 + turn * 10 + row for row in range({ROWS_EACH})]\n"
    f"    write(lake, ticks(day, {ROWS_EACH}, source=str(writer), id=ids), day, BY_WRITER)\n"
)
RAW_APPENDS = AS_READY + (
    "table = lake.load(BY_WRITER.table)\n"
    f"for turn in range({APPENDS}):\n"
    f"    ids = [writer * 100 + turn * 10 + row for row in range({ROWS_EACH})]\n"
    f"    rows = ticks('{COMMON_DAY}', {ROWS_EACH}, source=str(writer), id=ids)\n"
    "    table.append(rows.cast(table.schema().as_arrow()))\n"
)
THE_TABLE = (
    "from dataclasses import replace\n"
    "BY_WRITER = replace(TOY, table='toy_writers', partition=('trading_date',), sort=('source', 'id'))\n"
)


@pytest.fixture
def lake(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """The catalog without the tables of these tests."""
    environment(stack, monkeypatch)
    made = lake_on("duckdb", tmp_path)
    drop(made, TABLES)
    yield made
    drop(made, TABLES)


def made_by(maker: str) -> Contract:
    return replace(ALL_TYPES, table=f"{ALL_TYPES.table}_{maker}")


def make(lake: Lake, maker: str) -> None:
    """An empty table of all types, by its maker's own means."""
    contract = made_by(maker)
    if maker == "pyiceberg":
        lake.load_or_create(contract)
        return
    engine: ForeignName = "spark" if maker == "spark" else "trino"
    columns = ", ".join(f"{c.name} {TYPES[engine][c.type]}" for c in contract.columns)
    layout = {
        "spark": "USING iceberg PARTITIONED BY (trading_date)",
        "trino": "WITH (partitioning = ARRAY['trading_date'])",
    }
    name = name_in(engine, CATALOG, NAMESPACE, contract.table)
    opened(engine, lake.settings).run(f"CREATE TABLE {name} ({columns}) {layout[engine]}")


def rows_of(writer: str) -> list[dict[str, Any]]:
    """What a writer adds to each table."""
    first = 10 * (1 + MAKERS.index(writer))
    return [{"trading_date": DAY, "id": first + number, **row} for number, row in enumerate(ROWS)]


def append(lake: Lake, writer: str, table: str) -> None:
    """Add a writer's rows; an engine takes them from the table that PyIceberg made and filled first."""
    if writer == "pyiceberg":
        known = lake.load(table)
        known.append(pa.Table.from_pylist(rows_of(writer), schema=known.schema().as_arrow()))
        return
    engine: ForeignName = "spark" if writer == "spark" else "trino"
    more = rows_of(writer)[0]["id"] - rows_of("pyiceberg")[0]["id"]
    columns = ", ".join(c.name for c in ALL_TYPES.columns)
    source, target = (name_in(engine, CATALOG, NAMESPACE, name) for name in (made_by("pyiceberg").table, table))
    opened(engine, lake.settings).run(
        f"INSERT INTO {target} ({columns}) SELECT {columns.replace('id,', f'id + {more},', 1)} FROM {source} "
        f"WHERE id < {rows_of('spark')[0]['id']}"
    )


def read(lake: Lake, reader: str, table: str) -> list[dict[str, Any]]:
    """All rows as a reader sees them, in the order of their numbers."""
    names = [c.name for c in ALL_TYPES.columns]
    if reader == "pyiceberg":
        found = lake.load(table).scan().to_arrow().select(names).to_pylist()
    elif reader == "duckdb":
        found = pin(Lake(lake.settings), replace(ALL_TYPES, table=table)).batches().read_all().to_pylist()
    else:
        engine: ForeignName = "spark" if reader == "spark" else "trino"
        asked = f"SELECT {', '.join(names)} FROM {name_in(engine, CATALOG, NAMESPACE, table)}"
        found = [dict(zip(names, row, strict=True)) for row in opened(engine, lake.settings).rows(asked)]
    return sorted(({name: plain(value) for name, value in row.items()} for row in found), key=lambda row: row["id"])


def plain(value: Any) -> Any:
    """A value as Python's own type: Spark gives moments in the local zone and bytes that may change."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return bytes(value) if isinstance(value, bytearray) else value


def test_what_each_makes_and_writes_the_others_read_with_every_type(lake: Lake) -> None:
    for maker in MAKERS:
        make(lake, maker)
        for writer in MAKERS:
            append(lake, writer, made_by(maker).table)
    expected = [row for writer in MAKERS for row in rows_of(writer)]
    for maker in MAKERS:
        for reader in (*MAKERS, "duckdb"):
            assert read(lake, reader, made_by(maker).table) == expected, f"made by {maker}, read by {reader}"


def engine_writer(lake: Lake, number: int, begin: Barrier) -> Callable[[], None]:
    """A writer of Spark (4 to 6, in one session) or of Trino (7 to 9, each with a connection of its own)."""
    engine: ForeignName = "spark" if number < 7 else "trino"
    asked = opened("spark", lake.settings) if engine == "spark" else Trino(lake.settings)
    price = {"spark": "1.5D", "trino": "DOUBLE '1.5'"}[engine]
    name = name_in(engine, CATALOG, NAMESPACE, WRITTEN.table)

    def write() -> None:
        begin.wait(60)
        for turn in range(APPENDS):
            ids = (number * 100 + turn * 10 + row for row in range(ROWS_EACH))
            rows = (f"('{number}', DATE '{COMMON_DAY}', {one}, {price}, 'buy', 1)" for one in ids)
            asked.run(f"INSERT INTO {name} VALUES {', '.join(rows)}")

    return write


def tell(process: subprocess.Popen[str]) -> None:
    """Let a waiting process go."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def write_at_once(lake: Lake) -> list[str]:
    """Four processes with PyIceberg, three writers of Spark and three of Trino; the words of those that failed."""
    scripts = [OWN_WRITES, OWN_WRITES, RAW_APPENDS, RAW_APPENDS]
    processes = [start(lake.settings, THE_TABLE + script, str(number)) for number, script in enumerate(scripts)]
    begin = Barrier(7)
    engines = [engine_writer(lake, number, begin) for number in range(4, 10)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    with ThreadPoolExecutor(len(engines)) as pool:
        running = [pool.submit(write) for write in engines]
        begin.wait(60)
        for process in processes:
            tell(process)
        said = [process.communicate(timeout=200)[1] for process in processes]
        failed = [str(error) for one in running if (error := one.exception(200))]
    return failed + [words for process, words in zip(processes, said, strict=True) if process.returncode]


def test_ten_writers_of_three_kinds_at_once_lose_nothing_and_none_is_refused(lake: Lake) -> None:
    """Two of them are the lake's own gated writes, which replace a day each; the others add to one common day."""
    lake.load_or_create(WRITTEN)
    refused = write_at_once(lake)
    assert not refused, refused[0]
    table = lake.load(WRITTEN.table)
    found = sorted(zip(*(table.scan().to_arrow()[name].to_pylist() for name in ("source", "id")), strict=True))
    assert found == [
        (str(writer), writer * 100 + turn * 10 + row)
        for writer in range(10)
        for turn in range(APPENDS)
        for row in range(ROWS_EACH)
    ]
    assert len(table.snapshots()) == 10 * APPENDS
