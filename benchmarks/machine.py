"""The machine and the versions that figures hold for.

Belongs here: reading them off the system. Does not: judging them.
"""

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("duckdb", "pyarrow", "pyiceberg", "dagster", "numpy", "xgboost", "lightgbm", "scikit-learn")


def described(repeats: int) -> Iterator[str]:
    """The machine, the versions and the day, a line each."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.machine()}"
    yield f"Machine: {os.cpu_count()} cores of {_cpu()}, {memory:.0f} GB of memory, {system}."
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield f"Versions: Python {platform.python_version()}, {packages}."
    how = "once" if repeats == 1 else f"medians of {repeats} alternating repeats"
    yield f"Engine: {_engine()}; measured on {datetime.now(UTC):%Y-%m-%d}, {how}."


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = dict(line.split(":", 1) for line in info.read_text().splitlines() if line.count(":") == 1)
        for name, value in found.items():
            if name.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or "an unnamed CPU"


def _engine() -> str:
    from lakehouse_assets.settings import load_settings

    engine = load_settings().engine
    return f"memory limit {engine.memory_limit}, {engine.threads} threads"
