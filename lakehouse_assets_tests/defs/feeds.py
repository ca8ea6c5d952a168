"""Two small feeds, one of a Korean and one of an American venue, and a way to take them into bronze."""

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.defs import bronze, raw
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.resources import resources
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets_tests.sources.zone import land, ticks

FEEDS = """
[sources.korea]
adapter = "parquet_ticks"
venue = "KRX"
files = "**/*.parquet"

[sources.america]
adapter = "parquet_ticks"
venue = "OPRA"
files = "**/*.parquet"
"""

SEOUL = dt.timezone(dt.timedelta(hours=9))
"""Korea has no daylight saving."""


def seoul(text: str) -> dt.datetime:
    """A moment in Seoul, such as 2026-11-19 02:00."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=SEOUL)


class Feeds:
    """A landing zone with both feeds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def lake(self) -> Lake:
        return Lake(self.settings)

    def korea(self, day: str, name: str = "a", **columns: Any) -> Path:
        """Five ticks from 10:30 in Seoul on."""
        return self._land("korea", day, name, f"{day}T01:30:00+00:00", columns)

    def america(self, day: str, name: str = "a", **columns: Any) -> Path:
        """Five ticks from 15:30 UTC on, which is in the session in summer and in winter."""
        return self._land("america", day, name, f"{day}T15:30:00+00:00", columns)

    def take_in(self, first: str, last: str) -> None:
        """Materialize manifest and bronze for a stretch of dates."""
        assets = dg.load_assets_from_modules([raw, bronze])
        job = dg.Definitions(assets=assets, resources=resources()).resolve_implicit_global_asset_job_def()
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        with dg.DagsterInstance.ephemeral() as instance:
            assert job.execute_in_process(instance=instance, tags=tags).success

    def _land(self, source: str, day: str, name: str, start: str, columns: dict[str, Any]) -> Path:
        rows = ticks(start=dt.datetime.fromisoformat(start), **columns)
        return land(self.settings.raw, f"{source}/{day}-{name}.parquet", rows)


@pytest.fixture
def feeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feeds:
    """The settings of this process know the two feeds and no other."""
    (tmp_path / "feeds.toml").write_text(FEEDS)
    monkeypatch.setenv("LAKEHOUSE_CONFIG", str(tmp_path / "feeds.toml"))
    load_settings.cache_clear()
    return Feeds(load_settings())
