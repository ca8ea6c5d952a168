"""A small landing zone in a temporary folder, as the tests of the scan and of the Parquet feed use it."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_assets.settings import BronzeSettings, Settings, SourceSettings
from lakehouse_assets.sources.landing import scan

NOW = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
OPENING = dt.datetime(2026, 11, 18, 0, 0, tzinfo=dt.UTC)
"""09:00 in Seoul on a trading day of KRX."""

PARQUET = SourceSettings(
    adapter="parquet_ticks", venue="KRX", currency="KRW", files="**/*.parquet", contract_multiplier=None
)


def settings_of(home: Path, batch_size: int = 1_000, **sources: SourceSettings) -> Settings:
    """Settings with these sources; `simulated`, of Parquet ticks, where none is given."""
    bronze = BronzeSettings(batch_size=batch_size, partition_cols=("source", "trading_date"))
    return Settings(home=home, bronze=bronze, sources=sources or {"simulated": PARQUET})


def ticks(rows: int = 5, first: int = 0, start: dt.datetime = OPENING, **columns: Any) -> dict[str, Any]:
    """Columns of trades a second apart; further or other columns by name."""
    stamps = [start + dt.timedelta(seconds=first + row) for row in range(rows)]
    return {
        "symbol": [f"S{(first + row) % 3}" for row in range(rows)],
        "last_price": [1.0 + first + row for row in range(rows)],
        "timestamp": pa.array(stamps, pa.timestamp("us", "UTC")),
        **columns,
    }


def land(raw: Path, name: str, columns: Mapping[str, Any] | None = None, **options: Any) -> Path:
    """A Parquet file in the landing zone."""
    path = raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns or ticks())), path, **options)
    return path


def scanned(settings: Settings, known: pa.Table | None = None, now: dt.datetime = NOW) -> pa.Table:
    """The manifest of the settings' landing zone."""
    return scan(settings.raw, settings, known, now)


def verdicts(manifest: pa.Table) -> dict[str, tuple[str, str | None]]:
    """Status and short reason by path."""
    return {row["path"]: (row["status"], row["reason"] and row["reason"].split(":")[0]) for row in manifest.to_pylist()}
