"""Volume, freshness, conservation and landed files, each told as a tiny case."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.gates import (
    Gate,
    Verdict,
    conservation_gate,
    emptiness_gate,
    freshness_gate,
    landed_gate,
    volume_gate,
)
from lakehouse_assets.lake.gates.freshness import weekdays_between
from lakehouse_assets.lake.gates.readable import readable_gate
from lakehouse_assets.lake.judging import judge
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.staging import WHOLE, Staged, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, TUESDAY, WEDNESDAY, stage_ticks, ticks, write

FILES = Contract(
    table="toy_files",
    layer="raw",
    description="Toy manifest.",
    grain="one file and date",
    columns=(
        Column("path", "string", "Path"),
        Column("trading_date", "date", "Date"),
        Column("status", "string", "Status"),
        Column("reason", "string", "Why"),
        Column("tick_rows", "long", "Rows"),
    ),
    key=("path", "trading_date"),
    partition=(),
)
LANDED = replace(TOY, table="toy_landed", columns=(*TOY.columns, Column("source_file", "string", "File")))


def only(gate: Gate, *together: Staged) -> Verdict:
    table = together[0].contract.table
    rest = {staged.contract.table: () for staged in together[1:]}
    (judged,) = judge(together, {table: (gate,), **rest})
    return judged.verdict


@pytest.mark.parametrize(("rows", "passes"), [(4, True), (1, True), (20, True), (22, False), (0, False)])
def test_a_volume_far_from_the_days_before_warns(lake: Lake, rows: int, passes: bool) -> None:
    for day, count in ((MONDAY, 3), (TUESDAY, 5)):
        write(lake, ticks(day, count), day)
    write(lake, ticks("2026-11-20", 500), "2026-11-20")  # a later date is no measure for an earlier one
    found = only(volume_gate(TOY), stage_ticks(lake, ticks(WEDNESDAY, rows), [WEDNESDAY]))
    assert found.passed == passes
    assert (found.values["usual_rows"], found.values["ratio"]) == (4, rows / 4)
    assert not volume_gate(TOY).is_blocking


def test_a_first_date_has_no_usual_volume(lake: Lake) -> None:
    write(lake, ticks(MONDAY, 400), MONDAY)
    assert only(volume_gate(TOY), stage_ticks(lake, ticks(TUESDAY, 1), [TUESDAY])).passed


@pytest.mark.parametrize(
    ("earlier", "later", "weekdays"),
    [("2026-11-20", "2026-11-20", 0), ("2026-11-20", "2026-11-23", 1), ("2026-11-20", "2026-11-22", 0),
     ("2026-11-16", "2026-11-23", 5), ("2026-11-23", "2026-11-20", 0)],
)  # fmt: skip
def test_weekends_do_not_age_a_table(earlier: str, later: str, weekdays: int) -> None:
    assert weekdays_between(date.fromisoformat(earlier), date.fromisoformat(later)) == weekdays


@pytest.mark.parametrize(("days_back", "passes"), [(0, True), (14, False)])
def test_freshness_warns_of_an_old_newest_date(lake: Lake, days_back: int, passes: bool) -> None:
    day = (datetime.now(ZoneInfo("Asia/Seoul")).date() - timedelta(days=days_back)).isoformat()
    staged = stage_ticks(lake, ticks(day), [day])
    assert only(freshness_gate(TOY), staged).passed == passes
    assert not freshness_gate(TOY).is_blocking


def test_an_old_day_loaded_late_does_not_make_a_fresh_table_stale(lake: Lake) -> None:
    today = datetime.now(ZoneInfo("Asia/Seoul")).date().isoformat()
    write(lake, ticks(today), today)
    assert only(freshness_gate(TOY), stage_ticks(lake, ticks("2020-01-02"), ["2020-01-02"])).passed


def test_a_table_without_dates_does_not_age_and_says_so(lake: Lake) -> None:
    dateless = replace(
        TOY, table="toy_dateless", partition=(), columns=tuple(c for c in TOY.columns if c.name != "trading_date")
    )
    staged = stage_ticks(lake, ticks(MONDAY).drop_columns(["trading_date"]), [WHOLE], dateless)
    found = only(freshness_gate(dateless), staged)
    assert found.passed
    assert found.words == "the table has no trading dates, so it does not age"


@pytest.mark.parametrize(
    ("kept", "refused", "words"),
    [("id < 3", "id >= 3", "6 rows in, 6 out"), ("id < 3", "id > 3", "6 rows in, 5 out: 1 are missing"),
     ("id <= 3", "id >= 3", "6 rows in, 7 out: 1 are too many")],
)  # fmt: skip
def test_every_row_that_came_in_goes_out_once(lake: Lake, kept: str, refused: str, words: str) -> None:
    came = replace(TOY, table="toy_came")
    for day in (MONDAY, TUESDAY):
        write(lake, ticks(day, 6), day, came)
    tables = {"toy_kept": kept, "toy_refused": refused}
    inputs = {"toy_came": pin(lake, came)}
    staged = [
        stage(lake, replace(TOY, table=name), Query(f"SELECT * FROM toy_came WHERE {which}", inputs), [MONDAY])
        for name, which in tables.items()
    ]
    gate = conservation_gate(staged[0].contract, ("toy_came",), tuple(tables))
    found = only(gate, *staged)
    assert (found.passed, found.words) == ("are" not in words, words)
    assert gate.is_blocking


def manifest(lake: Lake, *rows: str) -> Staged:
    """Stage a manifest; a row is path, date or -, status, reason or -, rows."""
    values = ", ".join(
        "('{}', CAST(NULLIF('{}', '-') AS DATE), '{}', NULLIF('{}', '-'), {})".format(*row.split()) for row in rows
    )
    text = f"SELECT * FROM (VALUES {values}) AS v(path, trading_date, status, reason, tick_rows)"
    return stage(lake, FILES, Query(text, {}), [WHOLE])


@pytest.mark.parametrize(
    ("files", "wrong"),
    [(["x", "x", "y"], 0), (["x", "y", "y"], 2), (["x", "x", "z"], 2), (["x", "x"], 1), (["x", "x", "y", "y"], 1)],
)
def test_each_landed_file_is_there_once_and_whole(lake: Lake, files: list[str], wrong: int) -> None:
    publish(
        lake, manifest(lake, f"x {MONDAY} accepted - 2", f"y {MONDAY} accepted - 1", f"y {TUESDAY} accepted - 9",
                       "bad - rejected EMPTY 0"), {},
    )  # fmt: skip
    rows = "UNION ALL ".join(
        f"SELECT 'a' AS source, DATE '{MONDAY}' AS trading_date, {n} AS id, 1 AS price, 'buy' AS side, 1 AS size, "
        f"'{name}' AS source_file "
        for n, name in enumerate(files)
    )
    staged = stage(lake, LANDED, Query(rows, {"toy_files": pin(lake, FILES)}), [MONDAY])
    found = only(landed_gate(LANDED, "toy_files", "tick_rows"), staged)
    assert (found.passed, found.values["files_that_differ"]) == (wrong == 0, wrong)


def test_files_that_cannot_be_read_are_named_with_their_reasons(lake: Lake) -> None:
    good = f"x {MONDAY} accepted - 2"
    assert only(readable_gate(FILES), manifest(lake, good, "y - duplicate x 0")).passed
    found = only(readable_gate(FILES), manifest(lake, good, "y - rejected TRUNCATED 0", "z - rejected EMPTY 0"))
    assert not found.passed
    assert found.words == "2 files rejected: y: TRUNCATED; z: EMPTY"
    assert found.values == {"files_accepted": 1, "files_duplicate": 0, "files_rejected": 2}


@pytest.mark.parametrize(("empty", "passes"), [(0, True), (2, True), (3, False)])
def test_a_day_of_rows_without_any_value_warns(lake: Lake, empty: int, passes: bool) -> None:
    priced = replace(TOY, table="toy_priced", columns=(*TOY.columns, Column("last_price", "double", "Price")))
    text = (
        f"SELECT *, CASE WHEN id >= {empty} THEN 1e0 END AS last_price FROM (SELECT 'a' AS source, "
        f"DATE '{MONDAY}' AS trading_date, i AS id, 1e0 AS price, 'buy' AS side, 1 AS size FROM range(4) AS t(i))"
    )
    found = only(emptiness_gate(priced), stage(lake, priced, Query(text, {}), [MONDAY]))
    assert found.passed == passes  # half of the rows are allowed by default
    assert found.values == {"rows": 4, "rows_without_value": empty, "share": empty / 4}
