"""Questions to this machine."""

import os
import socket
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from lakehouse_assets.services.doctor import machine
from lakehouse_assets.services.doctor.machine import ask_disk, ask_file, ask_folder, ask_port
from lakehouse_assets_tests.services.doctor.conftest import ailment


def database(path: Path, table: str) -> str:
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute(f"CREATE TABLE {table} (a TEXT)")
        opened.executemany(f"INSERT INTO {table} VALUES (?)", [("x" * 2000,)] * 20)
    return str(path)


def test_a_folder_that_is_there_or_can_be_made(tmp_path: Path) -> None:
    assert ask_folder(tmp_path) == "can be written"
    assert ask_folder(tmp_path / "a" / "b") == f"is not there yet and can be made in {tmp_path}"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_nothing_can_be_written_in() -> None:
    what, fix = ailment(lambda: ask_folder(Path("/proc/nowhere")))  # nobody may, not even the superuser
    assert what.startswith("nothing can be written in /proc: ")
    assert "LAKEHOUSE_HOME" in fix


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask_disk(tmp_path / "not yet").endswith(" GB free")
    monkeypatch.setattr(machine, "LEAST_FREE_BYTES", 1 << 60)
    assert "at least 1073741824.0 GB are needed" in ailment(lambda: ask_disk(tmp_path))[0]


def test_a_file_is_whole_and_holds_its_table(tmp_path: Path) -> None:
    file = database(tmp_path / "my catalog?.db", "iceberg_tables")
    assert ask_file(file, "iceberg_tables") == "opens and is whole"
    assert ailment(lambda: ask_file(file, "experiments"))[0] == "has no table experiments"
    assert [path.name for path in tmp_path.iterdir()] == ["my catalog?.db"]


def test_a_damaged_file_is_not_taken_for_whole(tmp_path: Path) -> None:
    file = Path(database(tmp_path / "catalog.db", "iceberg_tables"))
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(os.urandom(16_384))
    what, fix = ailment(lambda: ask_file(str(file), "iceberg_tables"))
    assert what.startswith(("is damaged", "cannot be read"))
    assert "copy" in fix


def test_a_port_is_free_or_its_own_server_s(serve: Callable[..., str], closed: int) -> None:
    assert ask_port("MLflow", closed, "health") == "is free"
    answers: Mapping[str, tuple[int, str]] = {"/health": (200, "OK")}
    port = int(serve(answers).rpartition(":")[2])
    assert ask_port("MLflow", port, "health") == "MLflow answers"
    what, fix = ailment(lambda: ask_port("Dagster", port, "server_info"))
    assert what == "something else than Dagster listens there"
    assert "`make dev`" in fix


def test_what_listens_and_does_not_speak_http_is_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert ailment(lambda: ask_port("Dagster", port, "server_info"))[0].startswith("something else")
