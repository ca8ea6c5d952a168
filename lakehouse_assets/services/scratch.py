"""Room for what is on disk only while a step works: rows, caches, bins; hundreds of megabytes, so not in /tmp.

Belongs here: making a folder, and removing those that killed processes have left. Does not: what is kept in one.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from lakehouse_assets.settings import load_settings

SWEEPING = ".lock"


@contextmanager
def scratch_folder(prefix: str) -> Iterator[str]:
    """An empty folder below `scratch` in the state folder, removed at the end; its name begins with `prefix`.

    Whoever makes one first removes those whose process is gone. A folder is locked while it is in use, and a lock ends
    with its process, however that ends.
    """
    root = load_settings().home / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        _sweep(root)
        folder = Path(mkdtemp(prefix=prefix, dir=root))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield str(folder)
    finally:
        with _alone(root):
            shutil.rmtree(folder)
            os.close(held)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Nobody else makes, sweeps or removes meanwhile: a folder without its lock would be taken for a dead one's."""
    with (root / SWEEPING).open("w") as sweeping:
        fcntl.flock(sweeping, fcntl.LOCK_EX)
        yield


def _sweep(root: Path) -> None:
    """Remove the folders that no live process holds."""
    for folder in filter(Path.is_dir, root.iterdir()):
        found = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        except BlockingIOError:  # somebody is at work there
            continue
        finally:
            os.close(found)
