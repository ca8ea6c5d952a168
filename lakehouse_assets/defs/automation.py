"""WHEN things run: the jobs, the night schedule, and the sensor on arrival.

Belongs here: jobs and their triggers. Does not: which dates are due (`due_dates`).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg

from lakehouse_assets.defs.due_dates import due_content
from lakehouse_assets.lake.asset import LAKE
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.lake.query import digest
from lakehouse_assets.layers import FEATURES
from lakehouse_assets.partitions import dates_of, range_tags, ranges, trading_dates

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

STUDIES = dg.AssetSelection.assets("model_tuning")
NETWORKS = dg.AssetSelection.assets("raw_mnist_images").downstream()

ml_pipeline_end_to_end = dg.define_asset_job(
    "ml_pipeline_end_to_end",
    selection=dg.AssetSelection.all() - NETWORKS - STUDIES,
    description="From landed files to the model that serves, for one trading date or a range of them in one run.",
    partitions_def=trading_dates,
)

ml_pipeline = dg.define_asset_job(
    "ml_pipeline",
    selection=(dg.AssetSelection.groups(FEATURES).downstream() | NETWORKS) - STUDIES,
    description="From the features on: features, labels, all seven models, and which of them serves.",
    partitions_def=trading_dates,
)

tune_model = dg.define_asset_job(
    "tune_model", selection=STUDIES, description="A study of recipes for model.algorithm, within its budget."
)


@dg.schedule(
    cron_schedule="0 2 * * *",
    execution_timezone="Asia/Seoul",
    job=ml_pipeline_end_to_end,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    required_resource_keys={LAKE},
    description="At 02:00 in Seoul: every trading date that its venue has closed and that bronze does not hold yet.",
)
def daily_at_two_in_seoul(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each stretch of consecutive due dates; what failed last night is asked for again."""
    now = context.scheduled_execution_time
    yield from _requests(getattr(context.resources, LAKE), context.instance, now, occasion=now.isoformat())


@dg.sensor(
    job=ml_pipeline_end_to_end,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    required_resource_keys={LAKE},
    description="The same choice of dates as the night schedule, as soon as files arrive. Off until you turn it on.",
)
def on_arrival(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each stretch of consecutive due dates; the same files are asked for once, whatever became of it."""
    yield from _requests(getattr(context.resources, LAKE), context.instance, datetime.now(UTC), occasion="arrival")


def _requests(
    resource: LakeResource, instance: dg.DagsterInstance, now: datetime, occasion: str
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """The run key holds occasion, dates and what landed: Dagster never starts a second run for the same key."""
    under_way = dates_under_way(instance)
    due = {day: content for day, content in due_content(resource.lake, now).items() if day not in under_way}
    if not due:
        yield dg.SkipReason("no trading date is complete, landed and missing from bronze")
    for first, last in ranges(due):
        landed = digest([content for day, content in sorted(due.items()) if first <= day <= last])
        yield dg.RunRequest(run_key=f"{occasion} {first} {last} {landed[:12]}", tags=range_tags(first, last))


def dates_under_way(instance: dg.DagsterInstance) -> frozenset[date]:
    """The trading dates of queued and running runs of the main job."""
    runs = instance.get_runs(dg.RunsFilter(job_name=ml_pipeline_end_to_end.name, statuses=UNFINISHED))
    return frozenset[date]().union(*(dates_of(run.tags) for run in runs))
