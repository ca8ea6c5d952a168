"""PostgreSQL, S3, Trino and Spark are up and work together on one catalog."""

import pytest
import trino

from deploy.native.stack import Stack

pytestmark = pytest.mark.stack("trino")


def ask(user: str, statement: str) -> list[list[object]]:
    """The rows of a statement, asked by a user."""
    with trino.dbapi.connect(host="127.0.0.1", port=8080, user=user) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [list(row) for row in cursor.fetchall()]


def test_trino_writes_and_reads_a_table(stack: Stack) -> None:
    assert stack.running()[:3] == ["postgres", "seaweedfs", "trino"]
    ask("pipeline", "CREATE SCHEMA IF NOT EXISTS hive_prod.trials")
    ask("pipeline", "CREATE OR REPLACE TABLE hive_prod.trials.numbers AS SELECT 1 AS n UNION ALL SELECT 2")
    assert ask("pipeline", "SELECT SUM(n) FROM hive_prod.trials.numbers") == [[3]]
    assert ask("viewer", "SELECT SUM(n) FROM hive_read.trials.numbers") == [[3]]
