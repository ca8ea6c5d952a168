"""Questions to this machine: its folders, its disk, its files, its ports.

Belongs here: what needs no server. Does not: which of it the settings name.
"""

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from lakehouse_assets.services.development import taken
from lakehouse_assets.services.doctor.finding import SECONDS, Ailment

LEAST_FREE_BYTES = 2 << 30
"""A day of a million ticks with all its tables takes a tenth of it, spilling as much again."""


def ask_folder(folder: Path) -> str:
    """Whether files can be written below a folder, which need not be there yet."""
    there = _nearest(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            pass
    except OSError as error:
        raise Ailment(
            f"nothing can be written in {there}: {error.strerror}",
            "give this user the right to, or name another folder: LAKEHOUSE_HOME",
        ) from error
    return "can be written" if there == folder else f"is not there yet and can be made in {there}"


def ask_disk(folder: Path) -> str:
    """Whether there is room for a day's work."""
    free = shutil.disk_usage(_nearest(folder)).free
    if free < LEAST_FREE_BYTES:
        raise Ailment(
            f"{_gigabytes(free)} free, at least {_gigabytes(LEAST_FREE_BYTES)} are needed",
            "free some, or name a folder on another disk: LAKEHOUSE_HOME",
        )
    return f"{_gigabytes(free)} free"


def ask_file(file: str, needs: str) -> str:
    """Whether an SQLite file, where it is there, is whole and holds a table."""
    path = Path(file)
    if not path.exists():
        return "is not there yet: the first run makes it"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as opened:
            (verdict,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            names = {name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise Ailment(
            f"cannot be read: {error}", "stop what writes to it and ask again, or bring it back from a copy"
        ) from error
    if verdict != "ok":
        raise Ailment(f"is damaged: {verdict}", "bring it back from a copy of the state folder")
    if needs not in names:
        raise Ailment(f"has no table {needs}", "another program made this file: name another folder, LAKEHOUSE_HOME")
    if not os.access(path, os.W_OK):
        raise Ailment("cannot be written", "give this user the right to")
    return "opens and is whole"


def ask_port(name: str, port: int, path: str) -> str:
    """Whether a port is free for a server, or that server is what listens there."""
    if not taken(port):
        return "is free"
    import requests

    try:
        is_ours = requests.get(f"http://127.0.0.1:{port}/{path}", timeout=SECONDS).ok
    except requests.RequestException:  # whatever listens there does not speak HTTP
        is_ours = False
    if is_ours:
        return f"{name} answers"
    raise Ailment(f"something else than {name} listens there", f"stop it: `make dev` needs the port for {name}")


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    return next(one for one in (folder, *folder.parents) if one.is_dir())


def _gigabytes(count: int) -> str:
    return f"{count / (1 << 30):.1f} GB"
