"""Room to work in: below the state folder, gone at the end, and swept of what killed processes left."""

import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lakehouse_assets.services.model_training import training_rows
from lakehouse_assets.services.scratch import scratch_folder
from lakehouse_assets_tests.learners.synthetic import World, rows
from lakehouse_assets_tests.paths import PROJECT
from lakehouse_assets_tests.services.worlds import Reading

HOLDING = """
import time
from pathlib import Path
from lakehouse_assets.services.scratch import scratch_folder
with scratch_folder("dead-") as folder:
    (Path(folder) / "cache").mkdir()
    (Path(folder) / "cache" / "rows.arrow").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(600)
"""


def folders(home: Path) -> set[str]:
    return {one.name for one in (home / "scratch").iterdir() if one.is_dir()}


def test_a_folder_is_below_the_state_folder_and_gone_at_the_end(own_home: Path) -> None:
    with scratch_folder("training-") as folder:
        assert Path(folder).parent == own_home / "scratch"
        assert Path(folder).name.startswith("training-")
        assert list(Path(folder).iterdir()) == []
        (Path(folder) / "rows.arrow").write_bytes(b"x")
    assert folders(own_home) == set()


def test_it_is_gone_too_where_the_work_fails(own_home: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_folder("training-"):
        _ = 1 // 0
    assert folders(own_home) == set()


def test_one_that_is_in_use_is_left_alone_by_others(own_home: Path) -> None:
    with scratch_folder("mine-") as mine, scratch_folder("yours-") as yours:
        assert folders(own_home) == {Path(mine).name, Path(yours).name}


def test_what_a_killed_process_left_is_swept_by_the_next_and_not_before_it_is_dead(own_home: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", HOLDING], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    left = Path(child.stdout.readline().strip())
    assert left.parent == own_home / "scratch"
    with scratch_folder("training-"):
        assert (left / "cache" / "rows.arrow").exists()
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert left.exists()
    with scratch_folder("training-"):
        assert not left.exists()


def test_many_at_once_never_take_each_others_folder(own_home: Path) -> None:
    def work(number: int) -> bool:
        with scratch_folder(f"{number}-") as folder:
            (Path(folder) / "mine").write_text(str(number))
            return (Path(folder) / "mine").read_text() == str(number)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(80)))
    assert folders(own_home) == set()


def test_the_rows_of_a_training_lie_there_and_not_in_the_systems_temporary_folder(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not-here"))
    inputs = Reading(rows(World(days=1, minutes=10, contracts=2))).inputs
    with training_rows(inputs, lambda _: None) as (kept, cache):
        assert cache.is_relative_to(own_home / "scratch")
        assert (cache.parent / "rows.arrow").exists()
        assert next(iter(kept())).num_rows
    assert folders(own_home) == set()
