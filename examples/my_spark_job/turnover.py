"""What traded: `spark-submit turnover.py --ticks FILE ... --out FOLDER`, one line a contract and trading date."""

import argparse

from dagster_pipes import open_dagster_pipes
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f


def turnover(ticks: DataFrame) -> DataFrame:
    """Prints, their size and their value in currency; sums of decimals, which no order of adding changes."""
    value = (f.col("last_price") * f.col("last_size") * f.coalesce("contract_multiplier", f.lit(1.0))).cast(
        "decimal(38, 6)"
    )
    return (
        ticks.where(f.col("event_type").isin("trade", "trade_bar_1m") & f.col("symbol").isNotNull())
        .groupBy("source", "trading_date", "symbol")
        .agg(
            f.count("*").alias("trade_count"),
            f.sum(f.col("last_size").cast("decimal(38, 6)")).cast("double").alias("volume"),
            f.sum(value).cast("double").alias("turnover"),
        )
    )


def main() -> None:
    """Read, compute, write; the one line that Dagster Pipes asks for is `open_dagster_pipes`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", nargs="+", required=True)
    parser.add_argument("--out", required=True)
    asked = parser.parse_args()
    with open_dagster_pipes() as pipes:
        spark = SparkSession.builder.appName("turnover").getOrCreate()
        rows = turnover(spark.read.parquet(*asked.ticks))
        ordered = rows.coalesce(1).sortWithinPartitions("trading_date", "source", "symbol")
        ordered.write.mode("overwrite").partitionBy("trading_date").parquet(asked.out)
        pipes.log.info(f"{spark.read.parquet(asked.out).count()} contracts traded")
        spark.stop()


if __name__ == "__main__":
    main()
