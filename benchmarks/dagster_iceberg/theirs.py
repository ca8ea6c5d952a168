"""One asset of one day through Dagster and PolarsIcebergIOManager, as its documentation writes it.

`shape` is what the asset returns: a DataFrame or a LazyFrame.
"""

import dagster as dg
import polars as pl  # type: ignore[import-not-found, unused-ignore]
from dagster_iceberg.config import IcebergCatalogConfig  # type: ignore[import-not-found, unused-ignore]
from dagster_iceberg.io_manager.polars import PolarsIcebergIOManager  # type: ignore[import-not-found, unused-ignore]
from pyiceberg.catalog import load_catalog

from benchmarks.clock import answer, clocked, given

NAMESPACE = "option_ticks_db"
PARTITIONS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_date="2026-12-31")


@dg.asset(partitions_def=PARTITIONS, metadata={"partition_expr": "trading_date"}, name="ticks")
def frame() -> pl.DataFrame:
    """A day of ticks, in memory."""
    return pl.read_parquet(given()["file"])


@dg.asset(partitions_def=PARTITIONS, metadata={"partition_expr": "trading_date"}, name="ticks")
def lazy_frame() -> pl.LazyFrame:
    """A day of ticks, to be read by the I/O manager."""
    return pl.scan_parquet(given()["file"])


def main() -> None:
    """Work and answer."""
    arguments = given()
    properties = {
        "type": "sql",
        "uri": f"sqlite:///{arguments['folder']}/catalog.db",
        "warehouse": f"file://{arguments['folder']}",
    }
    catalog = load_catalog("benchmark", **properties)
    catalog.create_namespace(NAMESPACE)
    manager = PolarsIcebergIOManager(
        name="benchmark", config=IcebergCatalogConfig(properties=properties), namespace=NAMESPACE
    )
    chosen = frame if arguments["shape"] == "frame" else lazy_frame
    with clocked() as spent:
        dg.materialize([chosen], partition_key=arguments["day"], resources={"io_manager": manager})
    table = catalog.load_table(f"{NAMESPACE}.ticks")
    rows = sum(task.file.record_count for task in table.scan().plan_files())
    answer(spent, rows=rows)


if __name__ == "__main__":
    main()
