"""Simulate a day of ticks and land it."""

from datetime import date

from benchmarks.clock import answer, clocked, given
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.simulator import simulate


def main() -> None:
    """Work and answer."""
    arguments, settings = given(), load_settings()
    with clocked() as spent:
        report = simulate(
            settings.raw,
            settings.home / "truth",
            days=1,
            rows_per_day=arguments["rows"],
            seed=arguments["seed"],
            profile="realistic",
            last_date=date.fromisoformat(arguments["day"]),
        )
    answer(spent, rows=report.rows, bytes=report.bytes)


if __name__ == "__main__":
    main()
