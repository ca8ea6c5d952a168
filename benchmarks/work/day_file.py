"""Make the one Parquet file that both I/O managers are given: a day of ticks in twelve columns."""

from benchmarks.clock import answer, clocked, given
from benchmarks.work.plain import connect
from lakehouse_assets.settings import load_settings

COLUMNS = (
    "row_number() OVER () - 1 AS tick, symbol, event_type, timestamp, trading_date, underlying, "
    "last_price, last_size, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00"
)


def main() -> None:
    """Work and answer."""
    arguments, home = given(), load_settings().home
    files = home / "raw" / "simulated" / arguments["day"] / "part-*.parquet"
    with connect(home / "spill") as connection, clocked() as spent:
        connection.execute(
            f"COPY (SELECT {COLUMNS} FROM read_parquet('{files}') WHERE symbol IS NOT NULL AND timestamp IS NOT NULL) "
            f"TO '{arguments['target']}' (FORMAT parquet, COMPRESSION zstd)"
        )
    answer(spent)


if __name__ == "__main__":
    main()
