"""What a training depends on beside its rows and its plan: code, libraries, lock, machine.

Belongs here: taking it down, and telling two of them apart. Does not: where it is kept (training_record).
"""

import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lakehouse_assets import learners
from lakehouse_assets.lake.commit import git_sha
from lakehouse_assets.services.flavours import FLAVOURS, versions_of
from lakehouse_assets.settings import PROJECT

LOCK_FILE = PROJECT / "requirements" / "runtime.lock"
NETWORK_LOCK_FILE = PROJECT / "requirements" / "test.lock"
"""What networks are installed by: the other lock has neither of their libraries."""
DRAWING = ("plots.py",)
"""Learner modules that decide neither model nor scores."""
NETWORKS = ("torch", "tensorflow")
"""Libraries whose learners lie in a folder of their own."""
NUMBERS = ("numpy", "scipy", "pyarrow", "duckdb")
"""Libraries that every training computes with, whichever learner it is of."""


@dataclass(frozen=True)
class Environment:
    """All that may change a model without its plan or rows changing.

    `code` are the digests of the learner modules, `libraries` installed versions, `hardware` what floating point
    results may depend on.
    """

    git_sha: str
    lock_sha256: str
    code: Mapping[str, str]
    libraries: Mapping[str, str]
    hardware: Mapping[str, str]

    @classmethod
    def here(cls, library: str) -> "Environment":
        """The environment of this process, for a learner of `library`."""
        return cls(
            git_sha=git_sha(),
            lock_sha256=lock_sha256(library),
            code=code(library),
            libraries={
                "python": platform.python_version(),
                **versions_of((*FLAVOURS[library].distributions, *NUMBERS)),
            },
            hardware=hardware(),
        )

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "Environment":
        """The environment out of `dataclasses.asdict`."""
        return cls(**saved)

    def deciding(self) -> dict[str, Any]:
        """What makes another model of the same rows and plan, as far as it is known beforehand: code and libraries."""
        return {"code": dict(self.code), "libraries": dict(self.libraries)}

    def differences(self, now: "Environment") -> Iterator[str]:
        """What differs now, as sentences: code first, then libraries, lock and hardware."""
        before, after = asdict(self), asdict(now)
        for part, word in (("code", "code"), ("libraries", "library"), ("hardware", "hardware")):
            for name in sorted(before[part] | after[part]):
                was, is_now = before[part].get(name, "not there"), after[part].get(name, "not there")
                if was != is_now:
                    yield f"{word}: {name} was {_short(was)}, is {_short(is_now)}"
        if self.lock_sha256 != now.lock_sha256:
            yield f"lock: the locked requirements were {_short(self.lock_sha256)}, are {_short(now.lock_sha256)}"


@cache
def code(library: str) -> Mapping[str, str]:
    """The digest of each learner module that decides a model of `library`, or its scores.

    Networks build on the learners of ticks, never these on a network: a change of a network leaves their models alone.
    """
    folder = Path(next(iter(learners.__path__)))
    found = sorted(folder.rglob("*.py") if library in NETWORKS else folder.glob("*.py"))
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in found if path.name not in DRAWING}


@cache
def lock_sha256(library: str = "") -> str:
    """The digest of the lock of this checkout by which `library` is installed; "unknown" where there is none."""
    lock = NETWORK_LOCK_FILE if library in NETWORKS else LOCK_FILE
    return file_sha256(lock) if lock.is_file() else "unknown"


@cache
def hardware() -> Mapping[str, str]:
    """Architecture and processor: vectorised sums are ordered by the width of its registers."""
    return {"machine": platform.machine(), "processor": _processor(), "system": platform.system()}


def file_sha256(path: Path) -> str:
    """The digest of a small file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _processor() -> str:
    """The processor's model as Linux names it; elsewhere what Python knows."""
    listed = Path("/proc/cpuinfo")
    if listed.is_file():
        for line in listed.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"


def _short(value: str) -> str:
    return value[:12] if len(value) in (40, 64) else value
