"""The example of a Spark job, run as it stands: on local Spark, by Dagster, gated and published; and its guide."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.silver import SILVER_OPTION_TICKS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.cli.toy_lake import DAY_BEFORE, LAST_DAY, land, ticks
from lakehouse_assets_tests.paths import PROJECT

EXAMPLES = PROJECT / "examples"
GUIDE = PROJECT / "docs" / "bring_your_spark_job.md"
BOTH = {
    "dagster/asset_partition_range_start": DAY_BEFORE.isoformat(),
    "dagster/asset_partition_range_end": LAST_DAY.isoformat(),
}
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java, and there is none on the PATH")


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example's module."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    from my_spark_job import assets  # type: ignore[import-not-found]

    return assets


@pytest.fixture
def lake() -> Lake:
    """Silver ticks of two days."""
    made = Lake(load_settings())
    known = {"instrument_type": "option", "last_size": 2.0, "contract_multiplier": 100.0}
    land(made, SILVER_OPTION_TICKS, DAY_BEFORE, ticks(DAY_BEFORE, {"AAA": [1.0]}, **known), "before")
    land(made, SILVER_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [0.1, 0.2], "BBB": [5.0]}, **known), "last")
    return made


def run(job: Any, instance: dg.DagsterInstance, **how: Any) -> dg.ExecuteInProcessResult:
    whole = dg.Definitions.merge(
        job.defs, dg.Definitions(jobs=[dg.define_asset_job("turnover", ["gold_option_turnover"])])
    )
    return whole.resolve_job_def("turnover").execute_in_process(instance=instance, raise_on_error=False, **how)


def published(job: Any, lake: Lake) -> list[tuple[Any, ...]]:
    rows = pin(lake, job.GOLD_OPTION_TURNOVER).batches(order_by=("trading_date", "symbol")).read_all().to_pylist()
    return [(row["trading_date"], row["symbol"], row["trade_count"], row["volume"], row["turnover"]) for row in rows]


@needs_java
@pytest.mark.slow
def test_the_job_of_a_range_is_judged_and_published_and_a_re_run_changes_nothing(job: Any, lake: Lake) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(job, instance, tags=BOTH)
        assert result.success
        assert published(job, lake) == [
            (DAY_BEFORE, "AAA", 1, 2.0, 200.0), (LAST_DAY, "AAA", 2, 4.0, 60.0), (LAST_DAY, "BBB", 1, 2.0, 1000.0),
        ]  # fmt: skip
        checks = {one.check_name: one.passed for one in result.get_asset_check_evaluations()}
        assert checks["gold_option_turnover_honours_its_contract"]
        (said,) = [one for one in instance.all_logs(result.run_id) if "contracts traded" in one.user_message]
        assert said.user_message.endswith("3 contracts traded")
        before = lake.load("gold_option_turnover").current_snapshot()
        assert run(job, instance, partition_key=LAST_DAY.isoformat()).success
        assert before is not None
        assert lake.load("gold_option_turnover").current_snapshot() == before


@needs_java
@pytest.mark.slow
def test_output_that_breaks_the_contract_is_refused_and_a_job_that_fails_stages_nothing(
    job: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (EXAMPLES / "my_spark_job" / "turnover.py").read_text(encoding="utf-8")
    (tmp_path / "negative.py").write_text(text.replace('alias("turnover")', 'alias("turnover") * -1').replace(
        "cast(\"double\").alias(\"turnover\") * -1", "cast(\"double\").__neg__().alias(\"turnover\")"))  # fmt: skip
    (tmp_path / "failing.py").write_text("raise SystemExit('no such quote')")
    day = LAST_DAY.isoformat()
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr(job, "SCRIPT", tmp_path / "negative.py")
        refused = run(job, instance, partition_key=day)
        assert not refused.success
        (failure,) = [one for one in refused.all_events if one.is_step_failure]
        assert "turnover_is_below_0: 2 of 2 rows" in str(failure.step_failure_data.user_failure_data)
        monkeypatch.setattr(job, "SCRIPT", tmp_path / "failing.py")
        failed = run(job, instance, partition_key=day)
        (failure,) = [one for one in failed.all_events if one.is_step_failure]
        assert "External execution process failed" in str(failure.step_failure_data.error)
    assert published(job, lake) == []


def test_a_day_without_ticks_starts_no_spark_and_is_no_error_of_the_job(job: Any) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(job, instance, partition_key=LAST_DAY.isoformat())
    assert not [one for one in result.all_events if one.is_step_failure and "Pipes" in str(one.step_failure_data.error)]


@needs_java
@pytest.mark.slow
def test_the_script_runs_without_dagster_too(job: Any, lake: Lake, tmp_path: Path) -> None:
    files = [file.path.removeprefix("file://") for file in pin(lake, SILVER_OPTION_TICKS).files]
    done = subprocess.run(
        [Path(sys.executable).with_name("spark-submit"), "--master", "local[1]", job.SCRIPT, "--ticks", *files,
         "--out", tmp_path / "out"],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable}, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    written = {path.parent.name for path in (tmp_path / "out").rglob("*.parquet")}
    assert written == {f"trading_date={day}" for day in (DAY_BEFORE, LAST_DAY)}


def test_the_guide_shows_the_example_as_it_is() -> None:
    shown = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown == [
        (EXAMPLES / "my_spark_job" / name).read_text(encoding="utf-8") for name in ("turnover.py", "assets.py")
    ]
