"""What speaks against the rows that a snapshot holds: each date by the run that made just that content."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.inspection import writers
from lakehouse_assets.lake.table import SnapshotMissing
from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.cli.toy_lake import DAY_BEFORE, LAST_DAY, at_home, land, ticks

TABLE = BRONZE_OPTION_TICKS.table
DATES = dg.StaticPartitionsDefinition([DAY_BEFORE.isoformat(), LAST_DAY.isoformat()])


@dataclass
class House:
    """A lake, and the Dagster that kept the verdicts on its rows."""

    lake: Lake
    instance: dg.DagsterInstance

    def judged(self, day: Any = LAST_DAY, *, whole: bool = True, fresh: bool = True, version: str = "v") -> str:
        """A run in which the gates spoke: one that blocks, one that warns."""

        @dg.asset(
            name=TABLE,
            partitions_def=DATES,
            check_specs=[dg.AssetCheckSpec(check, asset=TABLE) for check in ("is_whole", "is_fresh")],
        )
        def table() -> Iterator[dg.MaterializeResult[Any]]:
            results = [
                dg.AssetCheckResult(check_name="is_whole", passed=whole, severity=dg.AssetCheckSeverity.ERROR),
                dg.AssetCheckResult(check_name="is_fresh", passed=fresh, severity=dg.AssetCheckSeverity.WARN),
            ]
            yield dg.MaterializeResult(check_results=results, data_version=dg.DataVersion(version))

        return dg.materialize([table], instance=self.instance, partition_key=day.isoformat()).run_id

    def land(self, price: float, run_id: str, day: Any = LAST_DAY) -> int:
        """A date's rows, published in the name of a run."""
        return land(self.lake, BRONZE_OPTION_TICKS, day, ticks(day, {"AAA": [price]}), run_id)

    def doubts(self, snapshot_id: int) -> list[str]:
        with VerdictsOfRecord(load_settings(), self.instance) as record:
            return record.doubts(self.lake, BRONZE_OPTION_TICKS, snapshot_id)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[House]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield House(at_home(monkeypatch, tmp_path), instance)


def test_dates_whose_own_runs_passed_every_blocking_check_are_not_doubted(house: House) -> None:
    """A day that is only old or quiet warns, which is no fault of its rows."""
    house.land(1.0, house.judged(DAY_BEFORE, fresh=False), DAY_BEFORE)
    assert house.doubts(house.land(2.0, house.judged())) == []


def test_a_date_without_a_verdict_is_doubted_whatever_the_last_run_of_the_table_said(house: House) -> None:
    house.land(1.0, "a run that is gone", DAY_BEFORE)
    snapshot = house.land(2.0, house.judged())
    words = f"the gates of {TABLE} are not green: no verdict is on record for "
    assert house.doubts(snapshot) == [f"{words}2026-11-19"]
    later = house.land(3.0, "another that is gone")
    assert house.doubts(later) == [f"{words}2 dates, 2026-11-19 to 2026-11-20"]
    assert house.doubts(snapshot) == [f"{words}2026-11-19"]  # as it was pinned, not as it is now


def test_a_date_that_was_refused_is_named_with_the_check(house: House) -> None:
    snapshot = house.land(1.0, house.judged(whole=False))
    assert house.doubts(snapshot) == [f"the gates of {TABLE} are not green: 2026-11-20 refused: is_whole"]


def test_a_run_that_made_the_same_content_again_answers_for_it_and_no_other_does(house: House) -> None:
    snapshot = house.land(1.0, "a run that is gone")
    commit_key = writers(house.lake, BRONZE_OPTION_TICKS, snapshot)["2026-11-20"].commit_key
    assert commit_key is not None
    house.judged(version="another content")
    assert house.doubts(snapshot) != []
    house.judged(DAY_BEFORE, version=commit_key)
    assert house.doubts(snapshot) != []
    house.judged(version=f"{'0' * 12}+{commit_key[:12]}")  # as a range of dates says it
    assert house.doubts(snapshot) == []


def test_the_writer_of_each_date_is_the_run_that_published_what_it_holds(house: House) -> None:
    first = house.land(1.0, "run-1")
    both = house.land(2.0, "run-2", DAY_BEFORE)
    house.land(3.0, "run-3")

    def runs(snapshot_id: int) -> dict[str, str | None]:
        return {key: one.run_id for key, one in writers(house.lake, BRONZE_OPTION_TICKS, snapshot_id).items()}

    assert runs(first) == {"2026-11-20": "run-1"}
    assert runs(both) == {"2026-11-19": "run-2", "2026-11-20": "run-1"}
    with pytest.raises(SnapshotMissing):
        runs(5)


def test_rows_of_a_foreign_writer_have_no_writer_that_is_known(house: House) -> None:
    house.land(1.0, house.judged())
    table = house.lake.load(TABLE)
    table.overwrite(table.scan().to_arrow())
    head = house.lake.load(TABLE).current_snapshot()
    assert head is not None
    assert house.doubts(head.snapshot_id) == [
        f"the gates of {TABLE} are not green: no verdict is on record for 2026-11-20"
    ]
