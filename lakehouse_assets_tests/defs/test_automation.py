"""Jobs, the night schedule and the sensor: their names, their times, and the runs that they ask for."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from lakehouse_assets.definitions import defs
from lakehouse_assets.defs import automation
from lakehouse_assets.lake.asset import LAKE
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.partitions import range_tags, trading_dates
from lakehouse_assets_tests.defs.feeds import Feeds, feeds, seoul

__all__ = ["feeds"]

MAIN = "ml_pipeline_end_to_end"
NIGHT = seoul("2026-11-19 02:00")
LEARNERS = {"model_random_forest", "model_xgboost", "model_lightgbm", "model_evaluation", "model_promotions"}
NETWORKS = {
    "raw_mnist_images", "model_tensorflow_mnist_mlp", "model_tensorflow_mnist_cnn", "model_pytorch_mnist_mlp",
    "model_pytorch_mnist_cnn",
}  # fmt: skip
STUDIES = {"model_tuning"}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """One on disk: a schedule looks at none that lives in memory."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as made:
        yield made


@pytest.fixture
def instance(kept: dg.DagsterInstance) -> dg.DagsterInstance:
    """Without any run."""
    kept.run_storage.wipe()
    return kept


def at_night(instance: dg.DagsterInstance, moment: datetime = NIGHT) -> Any:
    resources = {LAKE: LakeResource()}
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=moment, resources=resources) as context:
        return automation.daily_at_two_in_seoul.evaluate_tick(context)


def under_way(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str], job: str = MAIN) -> None:
    """A run on record; a queued one must say where its code is."""
    location = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("lakehouse_assets"), "__repository__")
    origin = RemoteJobOrigin(location, job)
    instance.create_run_for_job(defs.resolve_job_def(job), status=status, tags=tags, remote_job_origin=origin)


def stretches(tick: Any) -> list[tuple[str, str]]:
    """First and last date of each run that a tick asks for."""
    names = range_tags(datetime(2026, 1, 1).date(), datetime(2026, 1, 1).date())  # noqa: DTZ001
    return [tuple(request.tags[name] for name in names) for request in tick.run_requests]


def stamped(day: str) -> dict[str, str]:
    date = datetime.fromisoformat(day).date()
    return range_tags(date, date)


def made_by(job: str) -> set[str]:
    return {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.selected_asset_keys}


def test_the_jobs_have_their_names_and_share_the_assets_among_them() -> None:
    every = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert made_by("ml_pipeline_end_to_end") == every - NETWORKS - STUDIES
    assert made_by("ml_pipeline") == {"feature_option_minutes", "feature_option_labels"} | LEARNERS | NETWORKS
    assert made_by("tune_model") == STUDIES
    for job in ("ml_pipeline_end_to_end", "ml_pipeline"):
        assert defs.resolve_job_def(job).partitions_def == trading_dates


def test_the_schedule_runs_at_two_in_seoul_from_the_start() -> None:
    schedule = defs.resolve_schedule_def("daily_at_two_in_seoul")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Asia/Seoul")
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == "ml_pipeline_end_to_end"


def test_the_sensor_waits_to_be_turned_on() -> None:
    sensor = defs.resolve_sensor_def("on_arrival")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.job_name == "ml_pipeline_end_to_end"


def test_consecutive_dates_are_one_run_and_a_gap_makes_two(feeds: Feeds, instance: dg.DagsterInstance) -> None:
    for day in ("2026-11-12", "2026-11-13", "2026-11-16", "2026-11-17", "2026-11-18"):
        feeds.korea(day)
    assert stretches(at_night(instance)) == [("2026-11-12", "2026-11-13"), ("2026-11-16", "2026-11-18")]


def test_the_schedule_judges_by_its_own_time_not_by_the_clock(feeds: Feeds, instance: dg.DagsterInstance) -> None:
    """A tick that runs late, as after an outage, must not see a session closed that was open."""
    feeds.america("2026-11-18")
    tick = at_night(instance)
    assert stretches(tick) == []
    assert stretches(at_night(instance, seoul("2026-11-20 02:00"))) == [("2026-11-18", "2026-11-18")]


def test_a_night_with_nothing_to_do_says_so(feeds: Feeds, instance: dg.DagsterInstance) -> None:
    tick = at_night(instance)
    assert stretches(tick) == []
    assert "no trading date is complete, landed and missing" in tick.skip_message


@pytest.mark.parametrize("status", automation.UNFINISHED, ids=lambda status: status.value)
def test_a_date_under_way_is_not_asked_for_again(
    feeds: Feeds, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    feeds.korea("2026-11-17")
    feeds.korea("2026-11-18")
    under_way(instance, status, stamped("2026-11-17"))
    assert stretches(at_night(instance)) == [("2026-11-18", "2026-11-18")]


def test_a_date_whose_run_failed_or_whose_other_job_runs_is_asked_for(
    feeds: Feeds, instance: dg.DagsterInstance
) -> None:
    feeds.korea("2026-11-18")
    under_way(instance, dg.DagsterRunStatus.FAILURE, stamped("2026-11-18"))
    under_way(instance, dg.DagsterRunStatus.STARTED, stamped("2026-11-18"), job="ml_pipeline")
    assert stretches(at_night(instance)) == [("2026-11-18", "2026-11-18")]


def test_a_run_of_one_partition_counts_as_under_way(feeds: Feeds, instance: dg.DagsterInstance) -> None:
    feeds.korea("2026-11-18")
    under_way(instance, dg.DagsterRunStatus.QUEUED, {"dagster/partition": "2026-11-18"})
    assert stretches(at_night(instance)) == []


def test_the_sensor_asks_for_the_same_dates_as_soon_as_they_arrive(feeds: Feeds, instance: dg.DagsterInstance) -> None:
    feeds.korea("2026-11-18")
    with dg.build_sensor_context(instance=instance, resources={LAKE: LakeResource()}, definitions=defs) as context:
        tick = automation.on_arrival.evaluate_tick(context)
    assert stretches(tick) == [("2026-11-18", "2026-11-18")]


def test_what_a_tick_asks_for_are_partitions_that_exist(feeds: Feeds, instance: dg.DagsterInstance) -> None:
    """A request for a partition that does not exist kills the whole tick."""
    feeds.korea("2009-12-30")
    feeds.korea("2026-11-18")
    asked = stretches(at_night(instance))
    assert asked == [("2026-11-18", "2026-11-18")]
    assert trading_dates.has_partition_key(asked[0][0])
