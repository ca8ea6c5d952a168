"""Which files of the landing zone are landed files, and which may not be opened."""

import os
from pathlib import Path

import pytest

from lakehouse_assets.settings import SettingsError
from lakehouse_assets.sources.landing.folder import found_files, named_files


def put(raw: Path, name: str, data: bytes = b"1") -> Path:
    path = raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def refusals(raw: Path) -> dict[str, str | None]:
    return {found.name: found.refusal.reason if found.refusal else None for found in found_files(raw)}


def test_files_are_found_by_name_with_their_source_and_size(tmp_path: Path) -> None:
    put(tmp_path, "b/deep/er/1.csv", b"123")
    put(tmp_path, "a/2.csv")
    put(tmp_path, "loose.csv")
    found = found_files(tmp_path)
    assert [(one.name, one.source, one.bytes) for one in found] == [
        ("a/2.csv", "a", 1), ("b/deep/er/1.csv", "b", 3), ("loose.csv", "", 1)
    ]  # fmt: skip


def test_what_writers_leave_while_they_work_is_not_landed(tmp_path: Path) -> None:
    for name in (
        "a/.part.csv",
        "a/_SUCCESS",
        "a/_temporary/0/x.csv",
        ".hidden/x.csv",
        "a/x.tmp",
        "a/.x.csv.crc",
        "a/y.crc",
    ):
        put(tmp_path, name)
    assert found_files(tmp_path) == []


def test_no_landing_zone_holds_no_files(tmp_path: Path) -> None:
    assert found_files(tmp_path / "nowhere") == []


def test_links_that_leave_the_landing_zone_or_lead_nowhere_are_not_followed(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    put(raw, "a/real.csv")
    put(tmp_path, "secret/outside.csv")
    for name, target in {
        "outside.csv": "../../secret/outside.csv", "folder": "../../secret", "nowhere.csv": "gone.csv",
        "itself.csv": "itself.csv", "inside": "../a", "good.csv": "real.csv",
    }.items():  # fmt: skip
        (raw / "a" / name).symlink_to(target)
    assert refusals(raw) == {
        "a/folder": "UNSAFE_PATH", "a/good.csv": None, "a/inside": "UNSAFE_PATH", "a/itself.csv": "UNSAFE_PATH",
        "a/nowhere.csv": "UNSAFE_PATH", "a/outside.csv": "UNSAFE_PATH", "a/real.csv": None,
    }  # fmt: skip


def test_a_landing_zone_may_itself_be_a_link(tmp_path: Path) -> None:
    put(tmp_path, "disk/a/real.csv")
    (tmp_path / "raw").symlink_to("disk")
    assert refusals(tmp_path / "raw") == {"a/real.csv": None}


def test_pipes_and_names_that_are_not_text_are_refused_without_being_opened(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    os.mkfifo(tmp_path / "a" / "pipe")
    (tmp_path / "a" / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"1")
    (tmp_path / "a" / "two\nlines.csv").write_bytes(b"1")
    (tmp_path / "a" / "선물.csv").write_bytes(b"1")
    assert refusals(tmp_path) == {
        "a/caf\\xe9.csv": "UNSAFE_PATH", "a/pipe": "UNSAFE_PATH", "a/two\nlines.csv": "UNSAFE_PATH", "a/선물.csv": None
    }  # fmt: skip


def test_a_glob_matches_in_any_folder_of_its_source(tmp_path: Path) -> None:
    here, deep, other = (put(tmp_path, name) for name in ("a/1.zip", "a/b/c/2.zip", "a/3.csv"))
    assert named_files(tmp_path, "a", "**/*.zip") == {here, deep}
    assert other in named_files(tmp_path, "a", "**/*")
    assert named_files(tmp_path, "a", "*.zip") == {here}


@pytest.mark.parametrize("pattern", ["/etc/*", ""])
def test_a_glob_that_leaves_the_folder_is_a_wrong_setting(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(SettingsError, match=r"sources\.a\.files"):
        named_files(tmp_path, "a", pattern)
