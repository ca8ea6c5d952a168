"""The scan: one verdict a file, the same verdict every time, and never a word of an unreadable file."""

import datetime as dt
import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_assets.settings import Settings, SettingsError, SourceSettings
from lakehouse_assets.sources.landing import MANIFEST_SCHEMA, manifest
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.sources.zone import (
    LATER,
    NOW,
    OPENING,
    PARQUET,
    land,
    scanned,
    settings_of,
    ticks,
    verdicts,
)


@pytest.fixture
def zone(tmp_path: Path) -> Settings:
    """Settings whose landing zone is empty."""
    chosen = settings_of(tmp_path)
    chosen.raw.mkdir()
    return chosen


def test_an_accepted_file_is_counted_by_trading_date_and_kind(zone: Settings) -> None:
    last_second = OPENING.replace(hour=6, minute=44, second=58)
    evening = dt.datetime(2026, 11, 18, 10, 0, tzinfo=dt.UTC)
    stamps = [OPENING, last_second, evening, evening]
    path = land(zone.raw, "simulated/a.parquet", ticks(
        4, timestamp=pa.array(stamps, pa.timestamp("us", "UTC")), instrument_type=["option", "underlying"] * 2
    ))  # fmt: skip
    rows = scanned(zone).to_pylist()
    assert [(row["trading_date"].day, row["option_rows"], row["underlying_rows"]) for row in rows] == [
        (18, 1, 1), (19, 1, 1)
    ]  # fmt: skip
    for row in rows:
        assert (row["path"], row["source"], row["adapter"]) == ("simulated/a.parquet", "simulated", "parquet_ticks")
        assert (row["bytes"], row["modified_ns"]) == (path.stat().st_size, path.stat().st_mtime_ns)
        assert (row["status"], row["reason"], row["first_seen"]) == ("accepted", None, NOW)
        assert len(row["sha256"]) == 64


def test_an_empty_landing_zone_has_an_empty_manifest(tmp_path: Path) -> None:
    table = scanned(settings_of(tmp_path))
    assert table.num_rows == 0
    assert table.schema == MANIFEST_SCHEMA


def test_a_second_scan_says_the_same_and_reads_nothing_again(zone: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    land(zone.raw, "simulated/a.parquet")
    land(zone.raw, "simulated/b.parquet")
    land(zone.raw, "simulated/odd.parquet", ticks(colour=["red"] * 5))
    (zone.raw / "simulated" / "readme.txt").write_text("not a tick")
    first = scanned(zone)
    read: list[str] = []
    for name in ("contents", "sha256_of"):
        monkeypatch.setattr(manifest, name, lambda *opened: read.append(str(opened)))
    assert scanned(zone, first, LATER).equals(first)
    assert read == []


def test_every_scan_from_nothing_says_the_same(zone: Settings) -> None:
    for name in ("b", "a", "c"):
        land(zone.raw, f"simulated/{name}.parquet", ticks(first=3 if name == "c" else 0))
    assert scanned(zone).equals(scanned(zone))


def test_one_bad_file_stops_no_other(zone: Settings) -> None:
    land(zone.raw, "simulated/good.parquet")
    land(zone.raw, "simulated/odd.parquet", ticks(colour=["red"] * 5))
    (zone.raw / "simulated/empty.parquet").touch()
    (zone.raw / "simulated/text.parquet").write_text("symbol,last_price")
    land(zone.raw, "simulated/none.parquet", ticks(0))
    whole = land(zone.raw, "simulated/cut.parquet", ticks(first=9)).read_bytes()
    (zone.raw / "simulated/cut.parquet").write_bytes(whole[:-9])
    assert verdicts(scanned(zone)) == {
        "simulated/cut.parquet": ("rejected", "TRUNCATED"),
        "simulated/empty.parquet": ("rejected", "EMPTY"),
        "simulated/good.parquet": ("accepted", None),
        "simulated/none.parquet": ("rejected", "NO_TICKS"),
        "simulated/odd.parquet": ("rejected", "EXTRA_COLUMN"),
        "simulated/text.parquet": ("rejected", "NOT_WHAT_IT_SAYS"),
    }


def test_damage_behind_good_batches_takes_the_whole_file_out(zone: Settings) -> None:
    path = land(zone.raw, "simulated/a.parquet", ticks(5_000), row_group_size=1_000, write_page_checksum=True)
    held = bytearray(path.read_bytes())
    held[len(held) * 3 // 4] ^= 0xFF
    path.write_bytes(bytes(held))
    (row,) = scanned(zone).to_pylist()
    assert (row["status"], row["trading_date"], row["option_rows"]) == ("rejected", None, 0)
    assert row["reason"].startswith("UNREADABLE: simulated/a.parquet is damaged")


def test_text_that_is_not_utf_8_is_refused(zone: Settings) -> None:
    latin = pa.array([b"caf\xe9"] * 5).view(pa.string())
    land(zone.raw, "simulated/latin.parquet", ticks(symbol=latin))
    assert verdicts(scanned(zone)) == {"simulated/latin.parquet": ("rejected", "BAD_ENCODING")}


def test_what_belongs_to_no_source_is_named(zone: Settings) -> None:
    land(zone.raw, "unknown/a.parquet")
    land(zone.raw, "loose.parquet")
    land(zone.raw, "simulated/deep/a.dat")
    assert verdicts(scanned(zone)) == {
        "loose.parquet": ("rejected", "UNKNOWN_SOURCE"),
        "simulated/deep/a.dat": ("rejected", "UNEXPECTED_NAME"),
        "unknown/a.parquet": ("rejected", "UNKNOWN_SOURCE"),
    }


def test_a_file_is_looked_at_again_once_its_source_is_named(zone: Settings) -> None:
    land(zone.raw, "spark/a.parquet")
    before = scanned(zone)
    named = settings_of(zone.home, spark=PARQUET)
    assert verdicts(scanned(named, before, LATER)) == {"spark/a.parquet": ("accepted", None)}
    assert scanned(named, before, LATER)["first_seen"].to_pylist() == [NOW]


def test_a_file_is_looked_at_again_once_its_source_has_another_adapter(zone: Settings) -> None:
    land(zone.raw, "simulated/a.parquet")
    before = scanned(zone)
    other = settings_of(zone.home, simulated=PARQUET.model_copy(update={"adapter": "databento"}))
    assert verdicts(scanned(other, before)) == {"simulated/a.parquet": ("rejected", "NOT_WHAT_IT_SAYS")}


def test_the_same_bytes_are_taken_in_once_under_any_name(zone: Settings) -> None:
    two = settings_of(zone.home, simulated=PARQUET, spark=PARQUET)
    original = land(zone.raw, "spark/b.parquet")
    for copy in ("spark/c.parquet", "simulated/z.parquet"):
        (zone.raw / copy).parent.mkdir(exist_ok=True)
        shutil.copy(original, zone.raw / copy)
    table = scanned(two)
    assert verdicts(table)["simulated/z.parquet"] == ("accepted", None)
    assert {verdicts(table)[f"spark/{name}.parquet"][0] for name in "bc"} == {"duplicate"}
    assert "simulated/z.parquet" in str(table["reason"].to_pylist())


def test_a_redelivery_that_sorts_first_does_not_displace_what_was_accepted(zone: Settings) -> None:
    original = land(zone.raw, "simulated/m.parquet")
    before = scanned(zone)
    shutil.copy(original, zone.raw / "simulated/a.parquet")
    table = scanned(zone, before, LATER)
    assert {path: status for path, (status, _) in verdicts(table).items()} == {
        "simulated/a.parquet": "duplicate", "simulated/m.parquet": "accepted"
    }  # fmt: skip
    assert scanned(zone, table, LATER + dt.timedelta(days=1)).equals(table)
    earlier = scanned(zone, before, NOW - dt.timedelta(days=1))  # a clock that was set back
    assert verdicts(earlier)["simulated/m.parquet"] == ("accepted", None)


def test_a_duplicate_takes_the_place_of_an_original_that_is_gone(zone: Settings) -> None:
    original = land(zone.raw, "simulated/a.parquet")
    shutil.copy(original, zone.raw / "simulated/b.parquet")
    before = scanned(zone)
    original.unlink()
    assert verdicts(scanned(zone, before, LATER)) == {"simulated/b.parquet": ("accepted", None)}


def test_bytes_that_one_source_cannot_read_are_no_original_for_another(zone: Settings) -> None:
    broken = PARQUET.model_copy(update={"adapter": "databento"})
    two = settings_of(zone.home, a=broken, b=PARQUET)
    original = land(zone.raw, "a/x.parquet")
    (zone.raw / "b").mkdir()
    shutil.copy(original, zone.raw / "b/x.parquet")
    assert verdicts(scanned(two)) == {
        "a/x.parquet": ("rejected", "NOT_WHAT_IT_SAYS"),
        "b/x.parquet": ("accepted", None),
    }


def test_new_bytes_under_an_old_name_are_seen_for_the_first_time(zone: Settings) -> None:
    land(zone.raw, "simulated/a.parquet")
    before = scanned(zone)
    path = land(zone.raw, "simulated/a.parquet", ticks(7))
    (row,) = scanned(zone, before, LATER).to_pylist()
    assert (row["option_rows"], row["first_seen"]) == (7, LATER)
    os.utime(path)
    (touched,) = scanned(zone, pa.Table.from_pylist([row], MANIFEST_SCHEMA), LATER + dt.timedelta(days=1)).to_pylist()
    assert touched["first_seen"] == LATER


def test_a_file_that_vanished_has_no_row(zone: Settings) -> None:
    land(zone.raw, "simulated/a.parquet")
    before = scanned(zone)
    (zone.raw / "simulated/a.parquet").unlink()
    assert scanned(zone, before, LATER).num_rows == 0


def test_a_link_that_points_outside_is_not_read(zone: Settings, tmp_path: Path) -> None:
    outside = land(tmp_path, "secret/a.parquet")
    (zone.raw / "simulated").mkdir()
    (zone.raw / "simulated/a.parquet").symlink_to(outside)
    (row,) = scanned(zone).to_pylist()
    assert (row["status"], row["reason"].split(":")[0]) == ("rejected", "UNSAFE_PATH")
    assert row["sha256"] == manifest.NO_BYTES


def test_a_file_that_grows_while_it_is_read_waits_for_the_next_scan(
    zone: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = land(zone.raw, "simulated/a.parquet")
    true_contents: Any = vars(manifest)["contents"]

    def written_meanwhile(*arguments: object) -> object:
        counts = true_contents(*arguments)
        os.utime(path, ns=(1, 1))
        return counts

    monkeypatch.setattr(manifest, "contents", written_meanwhile)
    before = scanned(zone)
    assert verdicts(before) == {"simulated/a.parquet": ("rejected", "CHANGED")}
    monkeypatch.undo()
    assert verdicts(scanned(zone, before, LATER)) == {"simulated/a.parquet": ("accepted", None)}


def test_an_adapter_that_is_not_there_is_a_wrong_setting_and_not_a_bad_file(zone: Settings) -> None:
    land(zone.raw, "simulated/a.parquet")
    with pytest.raises(SettingsError, match="parket"):
        scanned(settings_of(zone.home, simulated=PARQUET.model_copy(update={"adapter": "parket"})))


BROKEN = """
from lakehouse_assets.sources.canonical import complete
import pyarrow as pa

def read(file):
    if "crash" in file.name:
        raise ZeroDivisionError("on purpose")
    if "stop" in file.name:
        raise KeyboardInterrupt
    kind, batch = complete("option", {"source_seq": pa.array([0]), "event_type": pa.array(["trade"]),
        "trading_date": pa.array([25_000_000 if "far" in file.name else 20_000], pa.date32())}, file)
    yield kind, batch.drop_columns(["condition"]) if "narrow" in file.name else batch
"""


def test_whatever_an_adapter_does_wrong_is_one_rejected_file(
    zone: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_feed.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    feed = SourceSettings(adapter="broken_feed", venue="KRX", currency=None, files="**/*", contract_multiplier=None)
    (zone.raw / "broken").mkdir()
    for name in ("crash", "narrow", "far", "good"):
        (zone.raw / "broken" / name).write_text(name)
    packaged = settings_of(tmp_path, broken=feed.model_copy(update={"adapter": "feeds.broken_feed"}))
    (tmp_path / "feeds").mkdir()
    shutil.move(tmp_path / "broken_feed.py", tmp_path / "feeds")
    table = scanned(packaged)
    assert verdicts(table) == {
        "broken/crash": ("rejected", "UNREADABLE"), "broken/far": ("rejected", "UNREADABLE"),
        "broken/good": ("accepted", None), "broken/narrow": ("rejected", "UNREADABLE"),
    }  # fmt: skip
    assert "ZeroDivisionError: on purpose" in str(table["reason"].to_pylist())
    (zone.raw / "broken" / "stop").write_text("stop")
    with pytest.raises(KeyboardInterrupt):
        scanned(packaged)


def test_a_real_day_of_several_feeds_lands_side_by_side(zone: Settings) -> None:
    opra = SourceSettings(
        adapter="databento", venue="OPRA", currency="USD", files="**/*.dbn.zst", contract_multiplier=None
    )
    krx = SourceSettings(adapter="krx_b6034", venue="KRX", currency="KRW", files="**/*", contract_multiplier=None)
    both = settings_of(zone.home, opra=opra, krx=krx)
    shutil.copytree(real_data("opra_dbn"), zone.raw / "opra")
    (zone.raw / "krx").mkdir()
    whole = gzip.compress(real_data("kospi200/test-small.unsorted").read_bytes()[:200_000])
    (zone.raw / "krx/cut.gz").write_bytes(whole[:-100])
    found = verdicts(scanned(both))
    assert sum(status == "accepted" for status, _ in found.values()) == 7
    assert found["opra/LICENSE"] == ("rejected", "UNEXPECTED_NAME")
    assert found["opra/test_data.definition.dbn.zst"] == ("rejected", "NO_TICKS")
    assert found["krx/cut.gz"] == ("rejected", "TRUNCATED")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from([0, 1, 2, 3])), min_size=1, max_size=8))
def test_whatever_lands_and_goes_each_content_is_taken_in_once(zone: Settings, steps: list[tuple[str, int]]) -> None:
    shutil.rmtree(zone.raw, ignore_errors=True)
    known = None
    for number, (name, content) in enumerate(steps):
        path = zone.raw / f"simulated/{name}.parquet"
        if content:
            land(zone.raw, f"simulated/{name}.parquet", ticks(content))
        else:
            path.unlink(missing_ok=True)
        known = scanned(zone, known, NOW + dt.timedelta(minutes=number))
        rows = known.to_pylist()
        accepted = [row["sha256"] for row in rows if row["status"] == "accepted"]
        assert len(accepted) == len(set(accepted))
        assert set(accepted) == {row["sha256"] for row in rows}
        assert {row["path"] for row in rows} == {f"simulated/{one.name}" for one in zone.raw.rglob("*.parquet")}
