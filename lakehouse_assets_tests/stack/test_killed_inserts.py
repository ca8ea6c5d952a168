"""A step that dies while an engine writes for it: nobody sees a row, the next run writes the day, and all is tidied."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from deploy.native.stack import Stack
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.clones import LONGEST_HOURS, STAGING
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.engines.trino import Trino
from lakehouse_assets.lake.storage import bucket
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import EngineName
from lakehouse_assets_tests.lake.toys import MONDAY, TUESDAY, WEDNESDAY, head, seen, start
from lakehouse_assets_tests.stack.lakes import (
    COPIES,
    aged,
    clones,
    copied,
    copy,
    files,
    toy_lake,
    write_half_copied,
)

pytestmark = [pytest.mark.stack("trino", "spark-connect"), pytest.mark.timeout(300)]

ALL = "SELECT source, trading_date, id, price, side, size FROM toy_ticks"
FOR_MINUTES = f"""
WITH pairs AS (SELECT a.id + b.id AS n FROM toy_ticks AS a CROSS JOIN toy_ticks AS b),
many AS (SELECT a.n + b.n AS n FROM pairs AS a CROSS JOIN pairs AS b),
more AS (SELECT a.n + b.n AS n FROM many AS a CROSS JOIN many AS b)
{ALL} WHERE id < (
    SELECT COUNT(*) FROM more AS a CROSS JOIN many AS b CROSS JOIN pairs AS c WHERE a.n + b.n <> c.n
)
"""
"""Six ticks counted 6^14 times: 8e10 rows, of which none is kept in mind."""

A_STEP = """
from lakehouse_assets_tests.stack.lakes import *
lake = lake_on(sys.argv[2], lake.settings.home)
print("asks", flush=True)
copied(lake, (MONDAY,), text=sys.argv[3])
print("wrote", flush=True)
sys.stdin.readline()
"""
PATIENCE_SECONDS, POLL_SECONDS = 90, 0.3
BUSY_SECONDS = 3
"""Of a processor since it asked: planning is done in less."""
SPARK_PAGES = "http://127.0.0.1:8182"


@pytest.fixture
def lake(engine: EngineName, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """Toy ticks of two days, of which the half is copied; no statement is under way before or after."""
    with toy_lake(engine, stack, tmp_path, monkeypatch) as made:
        write_half_copied(made, (MONDAY, TUESDAY))
        yield made
        end_statements(made)


def until(happens: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happens():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(POLL_SECONDS)


def inserts_on_trino(lake: Lake) -> list[str]:
    """The inserts into clones that Trino works on, by the administrator's eyes."""
    return [
        found
        for (found,) in administrator(lake).rows(
            "SELECT query_id FROM system.runtime.queries "
            f"WHERE state NOT IN ('FINISHED', 'FAILED') AND query LIKE 'INSERT INTO%{STAGING}%' AND \"user\" <> 'admin'"
        )
    ]


def administrator(lake: Lake) -> Trino:
    trino = lake.settings.trino.model_copy(update={"user": "admin"})
    return Trino(lake.settings.model_copy(update={"trino": trino}))


def on_spark(what: str) -> list[dict[str, Any]]:
    """What the Connect server's own pages know of its application."""
    with urlopen(f"{SPARK_PAGES}/api/v1/applications") as answer:
        (application,) = json.load(answer)
    with urlopen(f"{SPARK_PAGES}/api/v1/applications/{application['id']}/{what}") as answer:
        found: list[dict[str, Any]] = json.load(answer)
        return found


def sessions_on_spark() -> set[str]:
    """The sessions for which the Connect server works on a statement, by its own pages; between two jobs of it too."""
    statements = on_spark("sql?details=false&planDescription=false&length=1000000")
    running = [one.get("description", "") for one in statements if one["status"] == "RUNNING"]
    return {found[1] for words in running if (found := re.search('session_id: "([0-9a-f-]{36})"', words))}


def jobs_on_spark() -> list[int]:
    """Its jobs at work: that of a statement which was interrupted as it was about to begin one goes on without it."""
    return [job["jobId"] for job in on_spark("jobs?status=running")]


def kill_job(job: int) -> None:
    """What the link beside a running job does."""
    with urlopen(f"{SPARK_PAGES}/jobs/") as page:
        token = re.search(r'name="csrfToken" value="(\w+)"', page.read().decode())
    if token:  # none where the job has just ended
        urlopen(f"{SPARK_PAGES}/jobs/job/kill/", urlencode({"id": job, "csrfToken": token[1]}).encode()).close()


def end_statements(lake: Lake) -> None:
    """What a person does who finds them still running: Trino's procedure, Spark's interrupt and pages."""
    from pyspark.sql.connect.client import SparkConnectClient

    def gone() -> bool:
        queries, sessions, jobs = inserts_on_trino(lake), sessions_on_spark(), jobs_on_spark()
        for query in queries:
            administrator(lake).run(f"CALL system.runtime.kill_query('{query}', 'its step is dead')")
        for session in sessions:
            SparkConnectClient(f"{lake.settings.spark.master}/;session_id={session}").interrupt_all()
        for job in () if sessions else jobs:
            kill_job(job)
        return not queries and not sessions and not jobs

    until(gone, "the end of the statements")


def busy_seconds(process: subprocess.Popen[str]) -> float:
    """The processor's time of a process."""
    ticked = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[11:13]
    return sum(map(int, ticked)) / os.sysconf("SC_CLK_TCK")


def kill_inside_the_statement(lake: Lake, engine: EngineName) -> None:
    """The step's process, by its id, while the engine computes; then the statement, if it lives on in a server."""
    process = start(lake.settings, A_STEP, engine, FOR_MINUTES)
    assert process.stdout is not None
    assert process.stdout.readline() == "asks\n", process.communicate()[1]
    asked = busy_seconds(process)
    under_way: dict[EngineName, Callable[[], object]] = {
        "duckdb": lambda: busy_seconds(process) > asked + BUSY_SECONDS,
        "spark": sessions_on_spark,
        "trino": lambda: inserts_on_trino(lake),
    }
    until(under_way[engine], "the statement's beginning")
    assert len(clones(lake)) == (engine != "duckdb")
    kill(process)
    if engine != "duckdb":
        assert under_way[engine](), "a statement outlives its client: it must be ended on the server"
    end_statements(lake)


def kill_behind_the_statement(lake: Lake, engine: EngineName) -> None:
    """The step's process, by its id, when files and clone are there and nothing was judged."""
    process = start(lake.settings, A_STEP, engine, ALL)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    assert said == ["asks\n", "wrote\n"], process.communicate()[1]
    kill(process)


def kill(process: subprocess.Popen[str]) -> None:
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    process.communicate()


@pytest.mark.parametrize("killed", [kill_inside_the_statement, kill_behind_the_statement])
def test_of_a_killed_insert_nothing_is_seen_and_the_next_run_writes_the_day(
    killed: Callable[[Lake, EngineName], None], lake: Lake, engine: EngineName
) -> None:
    before, rows, there = head(lake, COPIES), seen(lake, contract=COPIES), set(files(lake))
    killed(lake, engine)
    assert head(lake, COPIES) == before
    assert seen(lake, contract=COPIES) == rows
    assert [row["id"] for row in rows] == [1, 0, 2] * 2  # by source: half of each day

    left = clones(lake)
    assert len(left) == (engine != "duckdb")
    published = copy(Lake(lake.settings), (MONDAY,), most=100.0)
    assert published.is_new
    assert len(seen(lake, (MONDAY,), COPIES)) == 6
    assert seen(lake, (TUESDAY,), COPIES) == rows[3:]
    assert clones(lake) == left
    shown = {file.path.removeprefix("s3://") for file in pin(lake, COPIES).files}
    left_over = set(files(lake)) - there - shown
    assert bool(left_over) == (engine != "duckdb" or killed is kill_behind_the_statement)


@pytest.mark.parametrize("engine", ["spark", "trino"], indirect=True)
def test_the_clone_of_a_killed_insert_is_dropped_after_a_day_and_its_files_stay(lake: Lake, engine: EngineName) -> None:
    kill_behind_the_statement(lake, engine)
    shown, there = content_hash(pin(lake, COPIES)), data_files(lake)
    (clone,) = clones(lake)
    folder = lake.catalog.load_table((STAGING, clone)).location()
    young = aged(lake, clone, LONGEST_HOURS - 1)
    copied(lake, (WEDNESDAY,)).discard(lake)
    assert clones(lake) == [young]
    aged(lake, young, LONGEST_HOURS + 1)
    copied(lake, (WEDNESDAY,)).discard(lake)
    assert clones(lake) == []
    store = bucket(lake.settings)
    store.invalidate_cache()
    assert not store.exists(folder)
    assert data_files(lake) == there
    assert len(there) > len(pin(lake, COPIES).files)
    assert content_hash(pin(lake, COPIES)) == shown


def data_files(lake: Lake) -> set[str]:
    """The Parquet files below this table's data folder."""
    return {path for path in files(lake) if path.endswith(".parquet")}
