"""How files of the lake are named: the content key of a commit is part of the path of its files.

Belongs here: building and reading those names. Does not: opening anything.
"""

import re
from pathlib import Path
from secrets import token_hex

KEY_DIGITS = 40
_STAGED = re.compile(rf"/data/([0-9a-f]{{{KEY_DIGITS}}})-[0-9a-f]{{8}}/")


def staging_folder(location: str, commit_key: str) -> str:
    """A new folder below a table's data folder for the files of one commit; unique to the attempt."""
    return f"{location.rstrip('/')}/data/{commit_key}-{token_hex(4)}"


def commit_key_of(path: str) -> str | None:
    """The content key in a data file's path; None where another writer wrote it."""
    found = _STAGED.search(path)
    return found.group(1) if found else None


def place_of(path: str) -> str:
    """A data file below its table, the same wherever the table lies; another writer's by its whole path."""
    found = _STAGED.search(path)
    return path[found.start() :] if found else path


def local_uri(path: str | Path) -> str:
    """A local path as Iceberg names it: nothing is percent-encoded, since no engine decodes it.

    Raises:
        ValueError: the path holds a ? or #, at which PyIceberg would cut it off.
    """
    resolved = str(Path(path).resolve())
    if "?" in resolved or "#" in resolved:
        raise ValueError(f"{resolved}: the lake's folder may not hold a ? or # in its name; change LAKEHOUSE_HOME")
    return f"file://{resolved}"


def local_path(uri: str) -> str:
    """The local path of a `file://` URI (a plain path is returned as it is).

    Raises:
        ValueError: the URI is not of the local file system.
    """
    path = uri.removeprefix("file://")
    if "://" in path:
        raise ValueError(f"{uri} is not a local file: the embedded engine reads only the local file system")
    return path
