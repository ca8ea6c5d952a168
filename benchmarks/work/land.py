"""Simulate and land a day of ticks, scan it, and publish the manifest; the scan's time is reported."""

from datetime import UTC, date, datetime

from benchmarks.clock import answer, clocked, given
from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.landing import scan
from lakehouse_assets.sources.simulator import simulate


def main() -> None:
    """Work and answer."""
    arguments, settings = given(), load_settings()
    with clocked() as spent:
        with spent.part("simulate_seconds"):
            report = simulate(
                settings.raw,
                settings.home / "truth",
                days=1,
                rows_per_day=arguments["rows"],
                seed=arguments["seed"],
                profile="realistic",
                last_date=date.fromisoformat(arguments["day"]),
            )
        with spent.part("scan_seconds"):
            manifest = scan(settings.raw, settings, None, datetime.now(UTC))
        lake = Lake(settings)
        publish(lake, stage(lake, RAW_OPTION_TICK_FILES, Rows(manifest), [WHOLE]), {})
    answer(spent, rows=report.rows, files=report.files, raw_bytes=report.bytes)


if __name__ == "__main__":
    main()
