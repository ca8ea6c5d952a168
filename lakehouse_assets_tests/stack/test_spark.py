"""Spark's standalone cluster writes to the catalog that Trino and PyIceberg read."""

import subprocess
import sys

import pytest

from deploy.native.stack import Stack
from lakehouse_assets_tests.stack.lakes import asked

pytestmark = pytest.mark.stack("trino", "spark-connect")

JOB = """
import os
from pyspark.sql import SparkSession
catalog = "spark.sql.catalog.hive_prod"
build = SparkSession.builder.appName("trial")
for name, value in {
    "": "org.apache.iceberg.spark.SparkCatalog",
    ".type": "jdbc",
    ".uri": "jdbc:postgresql://127.0.0.1:5432/lakehouse",
    ".jdbc.user": "lakehouse",
    ".jdbc.password": os.environ["LAKEHOUSE_CATALOG__PASSWORD"],
    ".jdbc.schema-version": "V1",
    ".warehouse": os.environ["LAKEHOUSE_STORAGE__WAREHOUSE"],
    ".io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
    ".s3.endpoint": os.environ["LAKEHOUSE_STORAGE__ENDPOINT"],
    ".s3.path-style-access": "true",
    ".client.region": os.environ["LAKEHOUSE_STORAGE__REGION"],
    ".cache-enabled": "false",
}.items():
    build = build.config(catalog + name, value)
spark = build.config("spark.executor.memory", "1g").getOrCreate()
spark.sql("CREATE NAMESPACE IF NOT EXISTS hive_prod.trials")
table = spark.sql("SELECT id, id * id AS square FROM range(10)")
table.writeTo("hive_prod.trials.squares").using("iceberg").createOrReplace()
print("rows", spark.table("hive_prod.trials.squares").count(), spark.conf.get("spark.sql.session.timeZone"))
spark.stop()
"""


def test_spark_writes_what_trino_reads(stack: Stack) -> None:
    """The environment of the shared driver is all that a driver of one's own needs."""
    environment = stack.whole_environment("spark-connect")
    run = subprocess.run([sys.executable, "-c", JOB], env=environment, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, "\n".join(line for line in run.stderr.splitlines() if not line.startswith("\tat "))
    assert "rows 10 UTC" in run.stdout
    assert asked("viewer", "SELECT COUNT(*), SUM(square) FROM hive_read.trials.squares") == [[10, 285]]
