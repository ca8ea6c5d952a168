"""The job as an asset: Dagster starts it, the lake judges and publishes what it wrote."""

import shutil
import sys
from pathlib import Path

import dagster as dg

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.definitions import defs as lakehouse
from lakehouse_assets.lake.asset import lake_asset
from lakehouse_assets.lake.parquet_files import ParquetFiles
from lakehouse_assets.lake.storage import native
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import GOLD
from lakehouse_assets.settings import load_settings

SCRIPT = Path(__file__).with_name("turnover.py")

GOLD_OPTION_TURNOVER = Contract(
    table="gold_option_turnover",
    layer=GOLD,
    description="What traded.",
    grain="one contract of one source that traded",
    columns=(
        Column("source", "string", "Feed as named in the settings", required=True),
        Column("trading_date", "date", "Trading date of the venue's session", required=True),
        Column("symbol", "string", "Symbol of the contract", required=True),
        Column("trade_count", "long", "Prints", unit="rows", required=True, minimum=1),
        Column("volume", "double", "Size of all prints", unit="contracts", minimum=0),
        Column("turnover", "double", "Price x size x multiplier over all prints", unit="currency", minimum=0),
    ),
    key=("source", "symbol"),
    sort=("source", "symbol"),
)


@lake_asset(GOLD_OPTION_TURNOVER, group_name=GOLD, pool="my_spark_job")
def gold_option_turnover(context: dg.AssetExecutionContext, silver_option_ticks: Table) -> ParquetFiles:
    """What traded, by a Spark job that was there before the lakehouse."""
    settings = load_settings()
    out = settings.home / "jobs" / "gold_option_turnover"
    shutil.rmtree(out, ignore_errors=True)
    ticks = [native(file.path) for file in silver_option_ticks.files]
    if ticks:
        submit = str(Path(sys.executable).with_name("spark-submit"))
        dg.PipesSubprocessClient(env={"PYSPARK_PYTHON": sys.executable}).run(
            context=context, command=[submit, str(SCRIPT), "--ticks", *ticks, "--out", str(out)]
        )
    return ParquetFiles(GOLD_OPTION_TURNOVER, out, settings, {"silver_option_ticks": silver_option_ticks})


defs = dg.Definitions.merge(lakehouse, dg.Definitions(assets=[gold_option_turnover]))
