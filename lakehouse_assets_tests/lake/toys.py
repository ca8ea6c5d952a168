"""A toy table for the lake's tests: one tick a row, two sources, and the ways to write it."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse_assets.contracts.contract import Column, Contract, Rule
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import Published, publish
from lakehouse_assets.lake.gates import contract_gate
from lakehouse_assets.lake.judging import Judged, judge
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import Staged, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.paths import PROJECT

MONDAY, TUESDAY, WEDNESDAY = "2026-11-16", "2026-11-17", "2026-11-18"

TOY = Contract(
    table="toy_ticks",
    layer="bronze",
    description="Toy ticks.",
    grain="one tick",
    columns=(
        Column("source", "string", "Feed", required=True),
        Column("trading_date", "date", "Trading date", required=True),
        Column("id", "long", "Number in the feed", required=True),
        Column("price", "double", "Price", unit="currency", minimum=0, maximum=1000),
        Column("side", "string", "Side", allowed=("buy", "sell")),
        Column("size", "int", "Size", minimum=1),
    ),
    key=("source", "id"),
    partition=("source", "trading_date"),
    rules=(Rule("sells_have_a_price", "side <> 'sell' OR price IS NOT NULL", "A sell has a price"),),
)

BY_DATE = replace(TOY, table="toy_days", partition=("trading_date",), sort=("source", "id"))

TYPES = {
    "string": pa.string(), "long": pa.int64(), "int": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamptz": pa.timestamp("us", tz="UTC"),
}  # fmt: skip


def ticks(day: str, count: int = 4, price: Any = 1.5, contract: Contract = TOY, **columns: Any) -> pa.Table:
    """Some ticks of a day from two sources; a keyword replaces a column by a list or one value for all rows."""
    values: dict[str, Any] = {
        "source": ["krx" if number % 2 else "opra" for number in range(count)],
        "trading_date": date.fromisoformat(day),
        "id": list(range(count)),
        "price": price,
        "side": "buy",
        "size": 1,
        **columns,
    }
    return pa.table(
        {
            c.name: pa.array(v if isinstance(v := values.get(c.name), list) else [v] * count, TYPES[c.type])
            for c in contract.columns
        }
    )


def stage_ticks(lake: Lake, rows: pa.Table, days: Sequence[str], contract: Contract = TOY) -> Staged:
    """Stage rows for some days."""
    return stage(lake, contract, Rows(rows), days)


def write(lake: Lake, rows: pa.Table, day: str, contract: Contract = TOY) -> Published:
    """Stage, judge by the contract, publish; the rows are expected to pass."""
    staged = stage_ticks(lake, rows, [day], contract)
    assert not [judged for judged in verdicts(staged) if judged.refuses]
    return publish(lake, staged, {})


def verdicts(staged: Staged) -> tuple[Judged, ...]:
    """What the contract's gate says of each staged partition."""
    return judge([staged], {staged.contract.table: (contract_gate(staged.contract),)})


def seen(lake: Lake, days: Sequence[str] | None = None, contract: Contract = TOY) -> list[dict[str, Any]]:
    """The rows that a reader sees now, ordered."""
    columns = ("trading_date", "source", "id")
    found = pin(Lake(lake.settings), contract, days).batches(order_by=columns).read_all()
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def head(lake: Lake, contract: Contract = TOY) -> int | None:
    """The id of the snapshot that `main` shows now."""
    snapshot = Lake(lake.settings).load(contract.table).current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def data_files(lake: Lake, contract: Contract = TOY) -> set[Path]:
    """All Parquet files below the table, published or not."""
    return set((lake.settings.warehouse / "option_ticks_db" / contract.table / "data").rglob("*.parquet"))


def published_files(lake: Lake, contract: Contract = TOY) -> set[Path]:
    """The Parquet files that `main` shows."""
    return {Path(file.path.removeprefix("file://")) for file in pin(Lake(lake.settings), contract).files}


def start(settings: Settings, script: str, *arguments: str) -> subprocess.Popen[str]:
    """Run Python text in a process of its own; it finds `lake` and the names of this module."""
    opening = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "from lakehouse_assets.settings import Settings\nfrom lakehouse_assets.lake.catalog import Lake\n"
        "from lakehouse_assets_tests.lake.toys import *\n"
        "lake = Lake(Settings(home=Path(sys.argv[1])))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", opening + script, str(settings.home), *arguments],
        cwd=PROJECT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
