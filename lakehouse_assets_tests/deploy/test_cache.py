"""Fetched programs are whole, are what the checksums say, and are fetched once."""

import hashlib
from pathlib import Path

import pytest

from deploy.native.cache import CACHE_VARIABLE, cached, verify
from deploy.native.errors import StackError


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "pin"
    path.write_text("1.0")
    return path


def test_a_program_is_fetched_once_for_each_pin(pin: Path) -> None:
    calls: list[Path] = []

    def fetch(folder: Path) -> None:
        calls.append(folder)
        (folder / "program").touch()

    first = cached("thing", [pin], fetch)
    assert cached("thing", [pin], fetch) == first
    assert (first / "program").is_file()
    assert len(calls) == 1
    pin.write_text("2.0")
    assert cached("thing", [pin], fetch) != first
    assert len(calls) == 2


def test_a_failed_fetch_leaves_nothing(pin: Path, tmp_path: Path) -> None:
    def fetch(folder: Path) -> None:
        (folder / "half").touch()
        raise StackError("the line broke")

    with pytest.raises(StackError, match="the line broke"):
        cached("thing", [pin], fetch)
    assert list((tmp_path / "cache").iterdir()) == []


def test_who_fetches_at_the_same_time_gets_one_folder(pin: Path) -> None:
    def fetch(folder: Path) -> None:
        if not folder.name.startswith(".thing-"):
            raise AssertionError(folder)
        (folder / "program").write_text("mine")
        theirs = [path for path in folder.parent.iterdir() if not path.name.startswith(".")]
        if not theirs:  # another process finishes while this one fetches
            other = folder.parent / f"thing-{hashlib.sha256(pin.read_bytes()).hexdigest()[:12]}"
            other.mkdir()
            (other / "program").write_text("theirs")

    assert (cached("thing", [pin], fetch) / "program").read_text() == "theirs"


@pytest.mark.parametrize("damage", ["changed", "missing", "added"])
def test_a_folder_that_differs_from_its_checksums_is_refused(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in ("a.jar", "b.jar"):
        (folder / name).write_text(name)
    checksums = tmp_path / "jars.sha256"
    checksums.write_text("".join(f"{hashlib.sha256(n.encode()).hexdigest()}  {n}\n" for n in ("a.jar", "b.jar")))
    verify(folder.iterdir(), checksums)
    if damage == "changed":
        (folder / "a.jar").write_text("another")
    elif damage == "missing":
        (folder / "a.jar").unlink()
    else:
        (folder / "c.jar").touch()
    with pytest.raises(StackError, match=r"[ac]\.jar: not what jars\.sha256 lists"):
        verify(folder.iterdir(), checksums)
