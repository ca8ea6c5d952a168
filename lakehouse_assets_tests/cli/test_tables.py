"""`tables` and `history`: what is shown of the lake, with the verdicts that Dagster keeps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.layers import FLOW
from lakehouse_assets.services.verdicts_of_record import VerdictsOfRecord
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.cli.conftest import Script, Toy
from lakehouse_assets_tests.cli.toy_lake import LAST_DAY, at_home, land, ticks


def overview(lakehouse: Script) -> dict[str, dict[str, Any]]:
    said = lakehouse("tables", "--json")
    assert said.code == 0, said.err
    return {one["table"]: one for one in json.loads(said.out)}


def test_every_table_is_listed_in_the_order_of_the_layers(toy: Toy, lakehouse: Script) -> None:
    listed = list(overview(lakehouse))
    assert set(listed) == set(CONTRACTS)
    places = [FLOW.index(CONTRACTS[table].layer) for table in listed]
    assert places == sorted(places)
    assert len(set(places)) > 4


def test_a_table_shows_rows_files_snapshots_and_its_newest_partition(toy: Toy, lakehouse: Script) -> None:
    bronze = overview(lakehouse)["bronze_option_ticks"]
    assert (bronze["rows"], bronze["files"], bronze["snapshots"]) == (5, 2, 3)
    assert bronze["last_partition"] == "2026-11-20"
    assert bronze["snapshot_id"] == toy.snapshots["now"]
    assert bronze["run_id"] == "run-now"
    data = toy.lake.settings.warehouse / "option_ticks_db" / "bronze_option_ticks" / "data"
    sizes = {file.stat().st_size for file in data.rglob("*.parquet")}
    assert 0 < bronze["bytes"] <= sum(sizes) + max(sizes)
    assert bronze["last_verdict"] is None


def test_a_table_that_was_never_written_has_nothing_and_is_no_error(toy: Toy, lakehouse: Script) -> None:
    gold = overview(lakehouse)["gold_option_minute_bars"]
    assert (gold["rows"], gold["snapshots"], gold["last_partition"]) == (0, 0, None)


def test_people_see_the_same_as_a_table(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("tables")
    line = next(line for line in said.out.splitlines() if "bronze_option_ticks" in line)
    assert line.split()[1] == "5"
    assert "2026-11-20" in line
    assert "kB" in line


def test_history_tells_what_each_snapshot_did_newest_first(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("history", "hive_prod.option_ticks_db.bronze_option_ticks", "--json")
    story = json.loads(said.out)
    assert [one["snapshot_id"] for one in story] == [toy.snapshots[name] for name in ("now", "first", "before")]
    assert [one["run_id"] for one in story] == ["run-now", "run-first", "run-before"]
    assert [(one["rows_added"], one["rows_removed"], one["rows_total"]) for one in story] == [
        (4, 1, 5), (1, 0, 2), (1, 0, 1),
    ]  # fmt: skip
    assert [one["partitions"] for one in story] == [["2026-11-20"], ["2026-11-20"], ["2026-11-19"]]
    assert [one["is_current"] for one in story] == [True, False, False]
    assert all(one["committed_at"].endswith("+00:00") and one["inputs"] == {} for one in story)


def test_history_is_cut_to_its_limit_and_says_so(toy: Toy, lakehouse: Script) -> None:
    said = lakehouse("history", "bronze_option_ticks", "--limit", "1")
    assert said.code == 0
    assert f"{toy.snapshots['now']} *" in said.out
    assert str(toy.snapshots["first"]) not in said.out
    assert "2 older snapshots left out" in said.out


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("bronze_option_tick", "did you mean bronze_option_ticks"),
        ("xyzzy", "there is no table xyzzy: the tables are "),
        ("gold_put_call_ratios", "has no data yet: materialize the asset gold_put_call_ratios"),
    ],
)
def test_a_table_without_history_is_one_line(toy: Toy, lakehouse: Script, table: str, words: str) -> None:
    said = lakehouse("history", table)
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert words in said.err


def _checked(passes: bool, severity: dg.AssetCheckSeverity) -> dg.AssetsDefinition:
    """An asset of the table's name that only judges: a check that passes and one that may not."""
    specs = [dg.AssetCheckSpec(name, asset="bronze_option_ticks") for name in ("is_fresh", "is_whole")]

    @dg.asset(name="bronze_option_ticks", check_specs=specs)
    def judged() -> Iterator[Any]:
        results = [
            dg.AssetCheckResult(check_name="is_fresh", passed=True),
            dg.AssetCheckResult(check_name="is_whole", passed=passes, severity=severity),
        ]
        if not passes and severity == dg.AssetCheckSeverity.ERROR:  # as the lake refuses: verdicts, no materialization
            yield from results
            raise dg.Failure("refused", allow_retries=False)
        yield dg.MaterializeResult(check_results=results)

    return judged


def _run(home: Path, passes: bool, severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR) -> str:
    (home / "dagster").mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        return dg.materialize([_checked(passes, severity)], instance=instance, raise_on_error=False).run_id


@pytest.mark.slow
def test_verdicts_come_from_the_runs_on_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lakehouse: Script
) -> None:
    lake = at_home(monkeypatch, tmp_path)
    passed, warned, refused = (
        _run(tmp_path, True),
        _run(tmp_path, False, dg.AssetCheckSeverity.WARN),
        _run(tmp_path, False),
    )
    for run_id, price in ((passed, 1.0), (warned, 2.0), ("a run that is gone", 3.0)):
        land(lake, BRONZE_OPTION_TICKS, LAST_DAY, ticks(LAST_DAY, {"AAA": [price]}), run_id)
    story = json.loads(lakehouse("history", "bronze_option_ticks", "--json").out)
    assert [one["verdict"] and one["verdict"]["words"] for one in story] == [
        None, "1 of 2 passed, warned: is_whole", "2 passed",
    ]  # fmt: skip
    last = overview(lakehouse)["bronze_option_ticks"]["last_verdict"]
    assert last["words"] == "refused: is_whole"
    assert last["passed"] == ["is_fresh"]
    assert "refused: is_whole" in lakehouse("tables").out
    assert not list((tmp_path / "dagster").rglob("a run that is gone*"))
    with VerdictsOfRecord(load_settings()) as record:
        assert record.of_run(refused, "silver_option_ticks") is None
        found = record.of_run(refused, "bronze_option_ticks")
        assert found is not None
        assert found.is_refused
