"""The stream of a trading date's ticks: complete, in order, with its lineage, and only from unchanged files."""

import datetime as dt
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lakehouse_assets.settings import Settings, SettingsError
from lakehouse_assets.sources.adapter import FileRefused, Kind
from lakehouse_assets.sources.canonical import OPTION_SCHEMA, SCHEMAS
from lakehouse_assets.sources.landing import fingerprint, tick_batches
from lakehouse_assets.sources.landing.reading import ROWS
from lakehouse_assets_tests.sources.zone import LATER, NOW, PARQUET, land, scanned, settings_of, ticks

DATE = dt.date(2026, 11, 18)
NEXT = dt.date(2026, 11, 19)


@pytest.fixture
def zone(tmp_path: Path) -> Settings:
    """Settings whose landing zone holds two files; the second also has ticks of the next date and of underlyings."""
    chosen = settings_of(tmp_path)
    land(chosen.raw, "simulated/b.parquet", ticks(2_500))
    dates = pa.array([DATE, NEXT, DATE, NEXT], pa.date32())
    land(chosen.raw, "simulated/a.parquet", ticks(
        4, first=9, trading_date=dates, instrument_type=["option", "option", "underlying", "underlying"]
    ))  # fmt: skip
    return chosen


def accepted(settings: Settings, date: dt.date) -> list[dict[str, Any]]:
    return [row for row in scanned(settings).to_pylist() if row["trading_date"] == date]


def table(settings: Settings, kind: Kind = "option", date: dt.date = DATE) -> pa.Table:
    return tick_batches(kind, accepted(settings, date), settings.raw, settings, date).read_all()


def test_a_date_has_the_rows_of_all_its_files_by_path_and_place(zone: Settings) -> None:
    found = table(zone)
    assert found.schema == OPTION_SCHEMA
    assert found["source_file"].to_pylist() == ["simulated/a.parquet"] + ["simulated/b.parquet"] * 2_500
    assert found["source_seq"].to_pylist() == [0, *range(2_500)]
    assert found["trading_date"].unique().to_pylist() == [DATE]


@pytest.mark.parametrize(("kind", "date", "places"), [
    ("option", NEXT, [1]), ("underlying", DATE, [2]), ("underlying", NEXT, [3])
])  # fmt: skip
def test_only_the_rows_of_the_date_and_kind_are_given(
    zone: Settings, kind: Kind, date: dt.date, places: list[int]
) -> None:
    found = table(zone, kind, date)
    assert found.schema == SCHEMAS[kind]
    assert found["source_seq"].to_pylist() == places


def test_the_lineage_names_the_file_its_bytes_and_its_first_sight(zone: Settings) -> None:
    row = table(zone).to_pylist()[0]
    sha256 = hashlib.sha256((zone.raw / "simulated/a.parquet").read_bytes()).hexdigest()
    assert (row["source"], row["source_file"]) == ("simulated", "simulated/a.parquet")
    assert (row["ingest_id"], row["ingested_at"]) == (sha256[:16], NOW)


def test_the_rows_counted_are_the_rows_given(zone: Settings) -> None:
    for kind, column in ROWS.items():
        for date in (DATE, NEXT):
            assert table(zone, kind, date).num_rows == sum(row[column] for row in accepted(zone, date))


def test_the_same_manifest_gives_the_same_rows_however_large_the_batch(zone: Settings) -> None:
    whole = table(zone)
    small = settings_of(zone.home, batch_size=1_001)
    assert table(small).equals(whole)
    reader = tick_batches("option", accepted(small, DATE), small.raw, small, DATE)
    assert max(batch.num_rows for batch in reader) <= 1_001


def test_a_file_that_changed_or_went_since_the_scan_is_refused_at_once(zone: Settings) -> None:
    files = accepted(zone, DATE)
    land(zone.raw, "simulated/a.parquet", ticks(4))
    with pytest.raises(FileRefused, match=r"CHANGED: simulated/a\.parquet has other bytes"):
        tick_batches("option", files, zone.raw, zone, DATE)
    (zone.raw / "simulated/a.parquet").unlink()
    with pytest.raises(FileRefused, match=r"CHANGED: simulated/a\.parquet cannot be read"):
        tick_batches("option", files, zone.raw, zone, DATE)


def test_a_file_without_ticks_of_the_kind_is_not_even_opened(zone: Settings) -> None:
    files = accepted(zone, DATE)
    (zone.raw / "simulated/b.parquet").unlink()
    found = tick_batches("underlying", files, zone.raw, zone, DATE).read_all()
    assert found.num_rows == 1


def test_a_file_written_while_it_is_read_ends_the_stream_with_the_reason(zone: Settings) -> None:
    reader = tick_batches("option", accepted(zone, DATE), zone.raw, zone, DATE)
    reader.read_next_batch()
    os.utime(zone.raw / "simulated/b.parquet", ns=(1, 1))
    with pytest.raises(FileRefused, match="written while it was read"):
        reader.read_all()


def test_the_engine_reads_the_stream_and_says_why_it_ends(zone: Settings) -> None:
    files = accepted(zone, DATE)
    connection = duckdb.connect()
    connection.register("landed", tick_batches("option", files, zone.raw, zone, DATE))
    assert connection.execute("SELECT count(*), max(last_price) FROM landed").fetchall() == [(2_501, 2_500.0)]
    stream = tick_batches("option", files, zone.raw, zone, DATE)
    stream.read_next_batch()
    os.utime(zone.raw / "simulated/b.parquet", ns=(1, 1))
    connection.register("changed", stream)
    with pytest.raises(duckdb.Error, match="written while it was read"):
        connection.execute("SELECT count(*) FROM changed").fetchall()


def test_a_reader_that_stops_early_leaves_no_thread_behind(zone: Settings) -> None:
    reader = tick_batches("option", accepted(zone, DATE), zone.raw, zone, DATE)
    reader.read_next_batch()
    assert any(thread.name.startswith("ticks") for thread in threading.enumerate())
    reader.close()
    del reader
    assert not any(thread.name.startswith("ticks") for thread in threading.enumerate())


def test_the_fingerprint_changes_with_all_that_the_rows_depend_on_and_with_nothing_else(
    zone: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = accepted(zone, DATE)
    same = fingerprint(files, zone)
    assert fingerprint(list(reversed(files)), zone) == same
    assert fingerprint(files, settings_of(zone.home, batch_size=2_000)) == same
    won = PARQUET.model_copy(update={"currency": "USD"})
    assert fingerprint(files, settings_of(zone.home, simulated=won)) != same
    assert fingerprint(files[:1], zone) != same
    for changed in ({"sha256": "0" * 64}, {"path": "simulated/c.parquet"}, {"first_seen": LATER}):
        assert fingerprint([files[0] | changed, *files[1:]], zone) != same, changed


def test_the_fingerprint_changes_with_the_code_of_the_adapter(
    zone: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "feeds_of_a_test" / "tape.py"
    module.parent.mkdir()
    module.write_text("def read(file): ...\n")
    named = settings_of(zone.home, simulated=PARQUET.model_copy(update={"adapter": "feeds_of_a_test.tape"}))
    files = accepted(zone, DATE)
    before = fingerprint(files, named)
    module.write_text("def read(file): ...  # changed\n")
    assert fingerprint(files, named) != before


def test_a_source_that_left_the_settings_is_a_wrong_setting(zone: Settings) -> None:
    files = [row | {"source": "gone"} for row in accepted(zone, DATE)]
    with pytest.raises(SettingsError, match=r"sources\.gone"):
        fingerprint(files, zone)
    with pytest.raises(SettingsError, match=r"sources\.gone"):
        tick_batches("option", files, zone.raw, zone, DATE)
