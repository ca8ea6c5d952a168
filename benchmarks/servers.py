"""The real servers as a measurement needs them: started with their own state, and how much memory they take.

Belongs here: what is outside of the measured process. Does not: what it does.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import MB
from deploy.native.processes import Process
from deploy.native.stack import Stack

POLL_SECONDS = 0.25
PAGE_BYTES = 4_096


@dataclass
class Peak:
    """The highest resident memory of some servers together, in MB of 1,000,000 bytes."""

    mb: float = 0.0


@contextmanager
def started(folder: Path, *names: str) -> Iterator[Stack]:
    """Servers with those they need, stopped at the end."""
    folder.parent.chmod(0o711)  # a session's own folder, through which PostgreSQL's user comes to its data
    stack = Stack(folder)
    try:
        stack.up(*names)
        yield stack
    finally:
        stack.stop()


@contextmanager
def watched(stack: Stack, names: Sequence[str]) -> Iterator[Peak]:
    """Look at the memory of servers and of all they have started while the work inside runs."""
    peak, ended = Peak(), threading.Event()
    leaders = {Process.load(stack.state / "run" / f"{name}.json") for name in names}
    sessions = {leader.pid for leader in leaders if leader is not None}

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            peak.mb = max(peak.mb, _resident_mb(sessions))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _resident_mb(sessions: set[int]) -> float:
    """Resident memory of the processes of some sessions; each server leads one of its own."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if int(fields[3]) in sessions:
            pages += int(fields[21])
    return pages * PAGE_BYTES / MB


def variables(stack: Stack) -> Mapping[str, str]:
    """The environment by which a process of this machine is on the production profile."""
    return stack.whole_environment("dagster-code")
