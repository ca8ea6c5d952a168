"""The environment file of the stack: every secret, random, written once and readable by its owner alone.

Belongs here: writing and reading it. Does not: who uses which secret. Needs nothing but Python itself, since it runs
on a machine that has only Docker: `python3 deploy/native/env_file.py`.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = PROJECT / ".env.example"
ENV_FILE = PROJECT / ".env"
SECRET_BYTES = 24


def ensure_env_file(target: Path = ENV_FILE) -> bool:
    """Write the file unless it is there; whether it was written.

    Each bare `NAME=` of the example gets 192 random bits; letters and digits only, so that every URL, shell and
    configuration file takes them as they are.
    """
    if target.exists():
        return False
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    filled = [line + secrets.token_hex(SECRET_BYTES) if line.endswith("=") else line for line in lines]
    target.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(filled) + "\n")
    return True


def read_env_file(path: Path = ENV_FILE) -> Mapping[str, str]:
    """The variables of the file: `NAME=value` a line, comments and empty lines aside."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    if ensure_env_file():
        sys.stdout.write(f"wrote {ENV_FILE.name} with new secrets, mode 0600: keep a copy where you keep passwords\n")
