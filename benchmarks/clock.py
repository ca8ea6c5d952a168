"""The child's side of a measurement: what it was given, the clock, and its answer.

Belongs here: standard library only, since it also runs in the environment of another package.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Spent:
    """Wall and CPU seconds of a piece of work, all threads and finished child processes included."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Clock a part of the work; parts of one name add up."""
        started = time.perf_counter()
        yield
        self.parts[name] = self.parts.get(name, 0.0) + time.perf_counter() - started


def given() -> dict[str, Any]:
    """The arguments that the measuring process passed."""
    arguments: dict[str, Any] = json.loads(sys.argv[1])
    return arguments


@contextmanager
def clocked() -> Iterator[Spent]:
    """Clock the work inside."""
    spent = Spent()
    started, cpu = time.perf_counter(), _cpu_seconds()
    yield spent
    spent.seconds = time.perf_counter() - started
    spent.cpu_seconds = _cpu_seconds() - cpu


def answer(spent: Spent, **values: Any) -> None:
    """Tell the measuring process: the last line of the output."""
    said = {"seconds": spent.seconds, "cpu_seconds": spent.cpu_seconds, **spent.parts, **values}
    print(json.dumps(said), flush=True)


def _cpu_seconds() -> float:
    own, finished = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + finished.ru_utime + finished.ru_stime
