"""Where tests find the real market files and the project itself."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("SHARED_DATA_FOLDER", PROJECT.parent / "shared" / "data"))
CACHE = os.environ.get("STACK_CACHE", "")
"""Where the native stack keeps fetched programs; empty where nobody named a folder."""
STACK_STATE = Path(os.environ.get("STACK_STATE_FOLDER", PROJECT / ".lakehouse" / "stack-test"))
"""Where the servers of the tests keep their data, logs and secrets."""


def real_data(relative: str) -> Path:
    """A real market file or folder; the test is skipped, with the reason, where it is absent."""
    path = SHARED_DATA / relative
    if not path.exists():
        pytest.skip(f"the real market data is not here: {path}")
    return path
