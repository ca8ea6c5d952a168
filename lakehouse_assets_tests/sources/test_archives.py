"""Compressed files that others made: bombs, entries that point outside, truncation and damage."""

import gzip
import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.archives import Limits, opened_gzip, opened_zstd, zip_entries

TEXT = b"".join(b"%d,%d\n" % (number, number * number) for number in range(2_000))
TIGHT = Limits(expanded_bytes=1 << 20, ratio=50, free_bytes=1 << 16, entries=10)


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def read_zip(path: Path, limits: Limits = TIGHT) -> dict[str, bytes]:
    return {name: stream.read() for name, stream in zip_entries(path, path.name, limits)}


def read_gzip(path: Path, limits: Limits = TIGHT) -> bytes:
    with opened_gzip(path, path.name, limits) as stream:
        return stream.read()


def read_zstd(path: Path, limits: Limits = TIGHT) -> bytes:
    with opened_zstd(path, path.name, limits) as stream:
        return stream.read()


def reason(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(FileRefused) as caught:
        read(path)
    assert path.name in str(caught.value)
    return caught.value.reason


def test_whole_archives_read_as_they_were_written(tmp_path: Path) -> None:
    entries = {"a.csv": TEXT, "folder/b.csv": b"", "c.csv": b"1\n"}
    assert read_zip(zipped(tmp_path / "a.zip", entries)) == entries
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT) + gzip.compress(b"second member\n"))
    assert read_gzip(tmp_path / "a.gz") == TEXT + b"second member\n"
    (tmp_path / "a.zst").write_bytes(pa.Codec("zstd").compress(TEXT, asbytes=True))
    assert read_zstd(tmp_path / "a.zst") == TEXT


def test_folders_in_a_zip_are_not_entries(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"folder/": b"", "folder/a.csv": b"1\n"})
    assert list(read_zip(path)) == ["folder/a.csv"]


@pytest.mark.parametrize(
    "name",
    ["../evil.csv", "a/../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "..\\evil.csv", "\\\\host\\evil.csv"],
)
def test_an_entry_that_points_outside_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    path = zipped(tmp_path / "slip.zip", {"good.csv": TEXT, name: b"1\n"})
    entries = zip_entries(path, "slip.zip")
    with pytest.raises(FileRefused, match="UNSAFE_ENTRY"):
        next(entries)


def test_links_repeated_names_and_encrypted_entries_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.csv")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("a.csv", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", "2")
    data = bytearray(zipped(tmp_path / "secret.zip", {"a.csv": TEXT}).read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    (tmp_path / "secret.zip").write_bytes(bytes(data))
    for name in ("link.zip", "twice.zip", "secret.zip"):
        assert reason(read_zip, tmp_path / name) == "UNSAFE_ENTRY", name


def test_a_bomb_is_stopped_when_it_has_expanded_too_far(tmp_path: Path) -> None:
    zeros = bytes(8 << 20)
    zipped(tmp_path / "bomb.zip", {"zeros.csv": zeros})
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(zeros))
    (tmp_path / "bomb.zst").write_bytes(pa.Codec("zstd").compress(zeros, asbytes=True))
    for read, name in ((read_zip, "bomb.zip"), (read_gzip, "bomb.gz"), (read_zstd, "bomb.zst")):
        assert reason(read, tmp_path / name) == "TOO_LARGE", name


def test_the_limit_in_bytes_holds_for_all_entries_together_and_for_what_nobody_reads(tmp_path: Path) -> None:
    noise = {f"{number}.csv": os.urandom(300_000) for number in range(4)}
    path = zipped(tmp_path / "parts.zip", noise)
    assert reason(read_zip, path) == "TOO_LARGE"
    assert reason(lambda path: list(zip_entries(path, path.name, TIGHT)), path) == "TOO_LARGE"
    assert len(read_zip(path, Limits())) == 4


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "many.zip", {f"{number}.csv": b"" for number in range(11)})
    assert reason(read_zip, path) == "TOO_LARGE"


def test_an_entry_that_lies_about_its_size_or_checksum_is_refused_even_when_skipped(tmp_path: Path) -> None:
    path = zipped(tmp_path / "lie.zip", {"a.csv": TEXT})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 16] ^= 0xFF  # the checksum in the directory
    path.write_bytes(bytes(data))
    assert reason(read_zip, path) == "UNREADABLE"
    assert reason(lambda path: list(zip_entries(path, path.name)), path) == "UNREADABLE"


@pytest.mark.parametrize("suffix", ["zip", "gz", "zst"])
def test_a_cut_archive_is_refused_wherever_it_was_cut(tmp_path: Path, suffix: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", TEXT)
    whole = {"zip": buffer.getvalue(), "gz": gzip.compress(TEXT), "zst": pa.Codec("zstd").compress(TEXT, asbytes=True)}
    read = {"zip": read_zip, "gz": read_gzip, "zst": read_zstd}[suffix]
    path = tmp_path / f"cut.{suffix}"
    for size in [*(1 << power for power in range(13)), len(whole[suffix]) - 1]:
        path.write_bytes(whole[suffix][:size])
        assert reason(read, path) == (
            "TRUNCATED" if size >= 4 or (suffix == "gz" and size >= 2) else "NOT_WHAT_IT_SAYS"
        )


def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "text.csv"
    path.write_bytes(TEXT)
    assert {reason(read, path) for read in (read_zip, read_gzip, read_zstd)} == {"NOT_WHAT_IT_SAYS"}


def test_an_unknown_compression_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "odd.zip", {"a.csv": TEXT}).read_bytes())
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        struct.pack_into("<H", data, data.index(signature) + place, 97)
    (tmp_path / "odd.zip").write_bytes(bytes(data))
    assert reason(read_zip, tmp_path / "odd.zip") == "NOT_WHAT_IT_SAYS"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(["zip", "gz"]))
def test_a_flipped_byte_is_refused_or_changes_no_content(tmp_path: Path, data: st.DataObject, suffix: str) -> None:
    whole = tmp_path / f"whole.{suffix}"
    if not whole.exists():
        if suffix == "zip":
            zipped(whole, {"a.csv": TEXT})
        else:
            whole.write_bytes(gzip.compress(TEXT, mtime=0))
    held = bytearray(whole.read_bytes())
    held[data.draw(st.integers(0, len(held) - 1))] ^= data.draw(st.integers(1, 255))
    flipped = tmp_path / f"flipped.{suffix}"
    flipped.write_bytes(bytes(held))
    try:
        content = list(read_zip(flipped).values()) if suffix == "zip" else [read_gzip(flipped)]
    except FileRefused:
        return
    assert content in ([TEXT], [])  # a directory entry that became a folder holds nothing
