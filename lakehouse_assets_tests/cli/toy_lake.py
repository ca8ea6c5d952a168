"""A small real lake for the console script: a few ticks published through the write path, twice for one day."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.silver import SILVER_QUARANTINED_TICKS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.settings import load_settings

ARROW = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
LAST_DAY = dt.date(2026, 11, 20)
DAY_BEFORE = dt.date(2026, 11, 19)


def at_home(monkeypatch: pytest.MonkeyPatch, home: Path) -> Lake:
    """The lake of a state folder of its own; the settings of this process point there."""
    monkeypatch.setenv("LAKEHOUSE_HOME", str(home))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    load_settings.cache_clear()
    return Lake(load_settings())


def land(lake: Lake, contract: Contract, day: dt.date, rows: Iterable[Mapping[str, Any]], run_id: str) -> int:
    """Publish rows of one day; columns that a row does not name are null. The snapshot's id."""
    listed = list(rows)
    arrays = {c.name: pa.array([row.get(c.name) for row in listed], ARROW[c.type]) for c in contract.columns}
    staged = stage(lake, contract, Rows(pa.table(arrays)), [day.isoformat()])
    snapshot_id = publish(lake, staged, {"lakehouse.run-id": run_id}).snapshot_id
    assert snapshot_id is not None
    return snapshot_id


def ticks(day: dt.date, prices: Mapping[str, Iterable[float | None]], **more: Any) -> list[dict[str, Any]]:
    """Bronze ticks of a day, one a price, a minute apart from 00:00 UTC."""
    rows: list[dict[str, Any]] = []
    for symbol, symbol_prices in prices.items():
        for price in symbol_prices:
            moment = dt.datetime.combine(day, dt.time(0, len(rows)), dt.UTC)
            rows.append(
                {
                    "source": "simulated", "source_file": "simulated/a.parquet", "source_seq": len(rows),
                    "ingest_id": "0" * 16, "ingested_at": moment, "event_type": "trade", "symbol": symbol,
                    "timestamp": moment, "trading_date": day, "last_price": price, **more,
                }
            )  # fmt: skip
    return rows


def fill(lake: Lake) -> dict[str, int]:
    """Two days of ticks, the last one published twice, and a quarantine; the snapshot ids by a word for each."""
    quarantined = [
        {**tick, "instrument_type": "option", "rule_version": 1, "reason_codes": codes}
        for tick, codes in zip(
            ticks(LAST_DAY, {"AAA": [-1.0, -2.0, 3.0]}),
            ("NEG_PRICE", "NEG_PRICE,CROSSED", "CROSSED"),
            strict=True,
        )
    ]
    return {
        "before": land(lake, BRONZE_OPTION_TICKS, DAY_BEFORE, ticks(DAY_BEFORE, {"AAA": [1.0]}), "run-before"),
        "first": land(lake, BRONZE_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [10.0]}), "run-first"),
        "now": land(
            lake, BRONZE_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [2.0, 4.0], "BBB": [5.0, None]}), "run-now"
        ),
        "refused": land(lake, SILVER_QUARANTINED_TICKS, LAST_DAY, quarantined, "run-now"),
    }
