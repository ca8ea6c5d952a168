"""The servers are up, work together on one catalog and one bucket, and let nobody do more than their role allows."""

import pytest
import trino

from deploy.native.stack import Stack
from lakehouse_assets_tests.stack.lakes import asked

pytestmark = pytest.mark.stack("trino")

READ_ONLY, WRITABLE = "hive_read", "hive_prod"


@pytest.fixture
def numbers(stack: Stack) -> str:
    """A table with the rows 1 and 2, made by the pipeline."""
    assert "trino" in stack.running()
    asked("pipeline", "CREATE SCHEMA IF NOT EXISTS hive_prod.trials")
    asked("pipeline", "CREATE OR REPLACE TABLE hive_prod.trials.numbers AS SELECT 1 AS n UNION ALL SELECT 2")
    return "trials.numbers"


def test_what_the_pipeline_writes_everyone_reads(numbers: str) -> None:
    for user in ("viewer", "superset", "anyone"):
        assert asked(user, f"SELECT SUM(n) FROM {READ_ONLY}.{numbers}") == [[3]]
    assert asked("admin", f"SELECT SUM(n) FROM {WRITABLE}.{numbers}") == [[3]]


CHANGES = [
    "INSERT INTO {table} VALUES 3",
    "UPDATE {table} SET n = 3",
    "DELETE FROM {table}",
    "MERGE INTO {table} a USING (SELECT 1 n) b ON a.n = b.n WHEN MATCHED THEN DELETE",
    "TRUNCATE TABLE {table}",
    "DROP TABLE {table}",
    "ALTER TABLE {table} RENAME TO {catalog}.trials.other",
    "ALTER TABLE {table} ADD COLUMN m INTEGER",
    "ALTER TABLE {table} SET PROPERTIES format_version = 2",
    "COMMENT ON TABLE {table} IS 'mine'",
    "ANALYZE {table}",
    "CREATE TABLE {catalog}.trials.mine (n INTEGER)",
    "CREATE VIEW {catalog}.trials.mine AS SELECT 1 n",
    "CREATE SCHEMA {catalog}.mine",
]
PROCEDURES = [
    "ALTER TABLE {table} EXECUTE optimize",
    "ALTER TABLE {table} EXECUTE optimize_manifests",
    "ALTER TABLE {table} EXECUTE expire_snapshots(retention_threshold => '7d')",
    "ALTER TABLE {table} EXECUTE remove_orphan_files(retention_threshold => '7d')",
    "ALTER TABLE {table} EXECUTE drop_extended_stats",
    "ALTER TABLE {table} EXECUTE rollback_to_snapshot(1)",
    "ALTER TABLE {table} EXECUTE add_files(location => 's3://lakehouse/x', format => 'PARQUET')",
    "CALL {catalog}.system.rollback_to_snapshot('trials', 'numbers', 1)",
    "CALL {catalog}.system.unregister_table('trials', 'numbers')",
    "CALL {catalog}.system.register_table('trials', 'mine', 's3://lakehouse/x')",
]


@pytest.mark.parametrize("user", ["viewer", "anyone"])
@pytest.mark.parametrize("catalog", [READ_ONLY, WRITABLE])
def test_who_only_reads_changes_nothing_and_runs_no_procedure(numbers: str, user: str, catalog: str) -> None:
    allowed = []
    for statement in [*CHANGES, *PROCEDURES]:
        try:
            asked(user, statement.format(catalog=catalog, table=f"{catalog}.{numbers}"))
        except trino.exceptions.TrinoUserError as refused:
            assert refused.error_name == "PERMISSION_DENIED", (statement, refused.message)  # noqa: PT017
        else:
            allowed.append(statement)
    assert not allowed
    assert asked("pipeline", f"SELECT SUM(n) FROM {WRITABLE}.{numbers}") == [[3]]


def test_the_pipeline_may_run_the_procedures_that_others_may_not(numbers: str) -> None:
    """Else the refusals above would say nothing of the rules."""
    for statement in PROCEDURES[:5]:
        asked("pipeline", statement.format(catalog=WRITABLE, table=f"{WRITABLE}.{numbers}"))


def test_who_only_reads_does_not_see_the_writable_catalog() -> None:
    assert asked("viewer", "SHOW CATALOGS") == [["hive_read"], ["system"]]
    with pytest.raises(trino.exceptions.TrinoUserError, match="Cannot access catalog hive_prod"):
        asked("viewer", "SELECT * FROM hive_prod.trials.numbers")


def test_a_server_that_was_killed_starts_again_with_its_data(numbers: str, stack: Stack) -> None:
    """The first question to a catalog after PostgreSQL's return may meet a dead connection, the second does not."""
    for server in ("postgres", "seaweedfs"):
        stack.kill(server)
        assert server not in stack.running()
        stack.up(server)
    assert stack.running()[:2] == ["postgres", "seaweedfs"]
    for catalog in (WRITABLE, READ_ONLY):
        question = f"SELECT SUM(n) FROM {catalog}.{numbers}"
        try:
            answer = asked("pipeline", question)
        except trino.exceptions.TrinoQueryError:
            answer = asked("pipeline", question)
        assert answer == [[3]]
