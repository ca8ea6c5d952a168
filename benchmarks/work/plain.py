"""The plain engine: DuckDB with the settings of the lake's, and nothing else around it."""

from pathlib import Path

import duckdb

from lakehouse_assets.settings import load_settings


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """A connection with the same memory limit, threads and order as the lake's engine."""
    engine = load_settings().engine
    connection = duckdb.connect(
        config={
            "memory_limit": engine.memory_limit,
            "threads": engine.threads,
            "preserve_insertion_order": False,
            "temp_directory": str(spill),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")
    return connection
