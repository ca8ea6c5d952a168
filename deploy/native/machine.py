"""What the machine itself must have: JDKs of the right version, PostgreSQL's server.

Belongs here: finding it, or saying what to install. Does not: what is fetched (`fetch`).
"""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from deploy.native.errors import StackError

JDK_FOLDERS = ("/usr/lib/jvm/*", "/opt/java/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home")
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
OLDEST_POSTGRES = 15


@cache
def java_home(*versions: int) -> Path:
    """The folder of the first JDK found of one of these major versions, the first version preferred.

    Raises:
        StackError: there is none.
    """
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes = [*named, *(home for pattern in JDK_FOLDERS for home in sorted(Path("/").glob(pattern[1:])))]
    found: dict[int, Path] = {}
    for home in homes:
        if (home / "bin" / "java").is_file():
            found.setdefault(_major(home), home)
    for version in versions:
        if version in found:
            return found[version]
    raise StackError(
        f"no JDK {' or '.join(str(version) for version in versions)} in JAVA_HOME or below "
        f"{', '.join(JDK_FOLDERS)}: install one"
    )


def _major(home: Path) -> int:
    said = home / "release"
    if said.is_file():
        match = re.search(r'JAVA_VERSION="(\d+)', said.read_text(encoding="utf-8"))
        if match:
            return int(match[1])
    run = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r'version "(\d+)', run.stderr)
    return int(match[1]) if match else 0


@cache
def postgres_programs() -> Path:
    """The folder with initdb, pg_ctl and postgres, the newest there is.

    Raises:
        StackError: PostgreSQL's server is not installed, or older than 15.
    """
    folders = [folder for pattern in POSTGRES_FOLDERS for folder in Path("/").glob(pattern[1:])]
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    versions = {_postgres_major(folder): folder for folder in folders if (folder / "initdb").is_file()}
    newest = max(versions, default=0)
    if newest < OLDEST_POSTGRES:
        raise StackError(
            f"no PostgreSQL server of version {OLDEST_POSTGRES} or newer: install it (Debian, Ubuntu: "
            "apt install postgresql; macOS: brew install postgresql@17)"
        )
    return versions[newest]


def _postgres_major(folder: Path) -> int:
    run = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r"(\d+)", run.stdout)
    return int(match[1]) if match else 0
