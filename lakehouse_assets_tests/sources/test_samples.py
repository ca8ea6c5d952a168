"""The bundled sample is what it says: whole, small, licensed, and landed without halves."""

import datetime as dt
import hashlib
from collections import Counter
from pathlib import Path

import pytest

from lakehouse_assets.sources import samples
from lakehouse_assets.sources.lean import read
from lakehouse_assets.sources.samples import LEAN_SAMPLE, SampleDamaged, land_lean_sample, lean_sample_files
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.sources.landed import LEAN, landed


def test_every_file_of_the_sample_has_its_digest_and_there_are_no_others() -> None:
    lines = (LEAN_SAMPLE / "SHA256SUMS").read_text().splitlines()
    digests = {name: digest for digest, name in (line.split() for line in lines)}
    present = {p.relative_to(LEAN_SAMPLE).as_posix() for p in LEAN_SAMPLE.rglob("*") if p.is_file()}
    assert present == {*digests, "SHA256SUMS", "ORIGIN.md"}
    for name, digest in digests.items():
        assert hashlib.sha256((LEAN_SAMPLE / name).read_bytes()).hexdigest() == digest, name


def test_the_sample_is_at_most_two_megabytes() -> None:
    assert 100_000 < sum(p.stat().st_size for p in LEAN_SAMPLE.rglob("*") if p.is_file()) <= 2_000_000


def test_the_sample_carries_its_licence_and_says_where_it_comes_from() -> None:
    licence = (LEAN_SAMPLE / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    origin = (LEAN_SAMPLE / "ORIGIN.md").read_text()
    for fact in ("github.com/xposure/Lean", "3cbcf3b0", "Apache License 2.0", "Changes:** none"):
        assert fact in origin


def test_the_sample_is_byte_for_byte_what_was_published() -> None:
    published = real_data("lean_us_options")
    for name in lean_sample_files():
        assert (LEAN_SAMPLE / "Data" / name).read_bytes() == (published / "Data" / name).read_bytes()
    assert (LEAN_SAMPLE / "LICENSE").read_bytes() == (published / "LICENSE").read_bytes()


def test_the_landed_sample_holds_options_and_shares_of_two_consecutive_days(tmp_path: Path) -> None:
    rows: Counter[tuple[str, str, dt.date]] = Counter()
    for path in land_lean_sample(tmp_path):
        for kind, batch in read(landed(path, path.relative_to(tmp_path).as_posix(), LEAN)):
            for event, date in zip(batch["event_type"].to_pylist(), batch["trading_date"].to_pylist(), strict=True):
                rows[kind, event, date] += 1
    thursday, friday = dt.date(2014, 6, 5), dt.date(2014, 6, 6)
    assert rows == {
        ("option", "quote_bar_1m", thursday): 30_468, ("option", "quote_bar_1m", friday): 26_527,
        ("option", "trade_bar_1m", thursday): 79, ("option", "trade_bar_1m", friday): 71,
        ("option", "open_interest", thursday): 184, ("option", "open_interest", friday): 184,
        ("underlying", "quote_bar_1m", thursday): 476, ("underlying", "quote_bar_1m", friday): 494,
        ("underlying", "trade_bar_1m", thursday): 373, ("underlying", "trade_bar_1m", friday): 348,
    }  # fmt: skip


def test_landing_again_copies_only_what_is_missing(tmp_path: Path) -> None:
    first = land_lean_sample(tmp_path)
    assert len(first) == len(lean_sample_files()) == 10
    times = {path: path.stat().st_mtime_ns for path in first}
    assert land_lean_sample(tmp_path) == []
    first[3].unlink()
    assert land_lean_sample(tmp_path) == [first[3]]
    assert all(path.stat().st_mtime_ns == times[path] for path in first if path != first[3])


def test_a_damaged_sample_is_not_landed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "package"
    for path in LEAN_SAMPLE.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(LEAN_SAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    damaged = copy / "Data/equity/usa/minute/twx/20140605_trade.zip"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    monkeypatch.setattr(samples, "LEAN_SAMPLE", copy)
    with pytest.raises(SampleDamaged, match=r"20140605_trade\.zip is not the file that comes with the package"):
        land_lean_sample(tmp_path / "raw")
    assert not list((tmp_path / "raw").rglob("20140605_trade*"))
    damaged.unlink()
    with pytest.raises(SampleDamaged):
        land_lean_sample(tmp_path / "raw")


def test_a_crash_while_landing_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: Path, target: Path) -> Path:
        raise OSError("the disk went away")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(OSError, match="went away"):
            land_lean_sample(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(land_lean_sample(tmp_path)) == 10
