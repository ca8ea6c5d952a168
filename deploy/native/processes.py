"""Processes that outlive the command which started them: one group a service, remembered in a file.

Belongs here: starting, finding again, ending. Does not: which services there are.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_SECONDS = 0.1
BURIAL_SECONDS = 10


@dataclass(frozen=True)
class Process:
    """A started process, the leader of its group; `started` tells it from a later one with the same number."""

    pid: int
    started: str
    stop_signal: int = signal.SIGTERM

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> "Process":
        """Start a command in a group of its own, its output appended to a file."""
        with log.open("ab") as output, _heeded_signals():
            child = subprocess.Popen(  # noqa: S603
                command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        _CHILDREN[child.pid] = child
        return cls(child.pid, _seen(child.pid)[1], stop_signal)

    @classmethod
    def load(cls, path: Path) -> "Process | None":
        """The process that a file remembers; nothing where there is no file."""
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def save(self, path: Path) -> None:
        """Remember this process."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def alive(self) -> bool:
        """Whether it runs: neither gone nor waiting to be buried, and no other that took its number."""
        child = _CHILDREN.get(self.pid)
        if child is not None and child.poll() is not None:
            return False
        state, started = _seen(self.pid)
        return started == self.started and state not in ("", "Z", "X")

    def wait(self) -> int:
        """Wait for the end of a process that this very process started; its exit code."""
        return _CHILDREN[self.pid].wait()

    def stop(self, patience: float) -> None:
        """End the process and all of its group: by its signal, and by force after so many seconds."""
        if self.alive():
            os.killpg(self.pid, self.stop_signal)
            self._await_end(patience)
        self.kill()  # what is left of the group

    def kill(self) -> None:
        """End the whole group by force, at once, and wait until its ports are free."""
        if not self._is_ours():
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
            self._await_end(BURIAL_SECONDS)
            self._await_group(BURIAL_SECONDS)
        except ProcessLookupError:
            return

    def _await_end(self, patience: float) -> None:
        """Wait until the process is gone, not only dead: PostgreSQL takes a dead one's number for a running server."""
        deadline = time.monotonic() + patience
        while self._still_there() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _await_group(self, patience: float) -> None:
        """Wait for what the process has started: a JVM with its ports takes longer to go than its leader."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            os.killpg(self.pid, 0)
            time.sleep(POLL_SECONDS)

    def _still_there(self) -> bool:
        self.alive()  # buries a child of this very process
        return _seen(self.pid)[1] == self.started

    def _is_ours(self) -> bool:
        """Whether the number is still this process's: its leader runs, or is gone and none took the number."""
        return _seen(self.pid)[1] in ("", self.started)


@contextmanager
def _heeded_signals() -> Iterator[None]:
    """No child is started deaf: what its parent ignores it would ignore too, a JVM and Python among them.

    A shell's background job ignores SIGINT, and Dagster lets SIGTERM do what SIGINT does.
    """
    ignored = [number for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM) if _is_ignored(number)]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


_CHILDREN: dict[int, "subprocess.Popen[bytes]"] = {}
"""Those that this very process started: they must be waited for, or they stay as zombies."""


def _seen(pid: int) -> tuple[str, str]:
    """State (a letter) and start of a process; nothing of one that is gone."""
    if not Path("/proc/self/stat").is_file():
        run = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
        state, _, started = run.stdout.strip().partition(" ")
        return state[:1], started.strip()
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "", ""
    fields = line.rpartition(")")[2].split()  # the name before it may hold anything
    return fields[0], fields[19]  # the clock ticks since boot: exact, unlike the date that ps works out
