"""Where files lie: the local file system of the embedded profile, or an S3 bucket.

Belongs here: how each client is told to reach the bucket, and removing files. Does not: what they are called (`paths`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.settings import Settings, SettingsError

if TYPE_CHECKING:
    from s3fs import S3FileSystem

REMOTE = "s3://"
KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SESSION_VARIABLE = "AWS_SESSION_TOKEN"
"""Stands beside keys that are lent for a while."""
WHEN_REQUIRED = ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION")
CHECKSUMS: Mapping[str, str] = {name.removeprefix("AWS_").lower(): "when_required" for name in WHEN_REQUIRED}
"""Stores other than the public cloud's own do not all know its newest checksums."""


def is_remote(uri: str) -> bool:
    """Whether a file lies in a bucket."""
    return uri.startswith(REMOTE)


def native(uri: str) -> str:
    """A file as DuckDB names it: a local path, or `s3://..` for the file system that `bucket` opens."""
    return uri if is_remote(uri) else local_path(uri)


def remove_folder(settings: Settings, uri: str) -> None:
    """Remove a folder with all that is in it; one that is not there is no error."""
    if is_remote(uri):
        found = bucket(settings)
        found.invalidate_cache()
        if found.exists(uri):
            found.rm(uri, recursive=True)
        return
    import shutil

    shutil.rmtree(local_path(uri), ignore_errors=True)


def remove_file(settings: Settings, uri: str) -> None:
    """Remove a file."""
    if is_remote(uri):
        bucket(settings).rm_file(uri)
        return
    Path(local_path(uri)).unlink()


def make_folder(uri: str) -> None:
    """Make the folder of a file that is to be written; a bucket has none."""
    if not is_remote(uri):
        Path(local_path(uri)).parent.mkdir(parents=True, exist_ok=True)


def bucket(settings: Settings) -> S3FileSystem:
    """The S3 store of the settings.

    Raises:
        SettingsError: the environment has no keys for it.
    """
    from s3fs import S3FileSystem

    key, secret = _keys()
    storage = settings.storage
    return S3FileSystem(
        key=key,
        secret=secret,
        token=os.environ.get(SESSION_VARIABLE) or None,
        endpoint_url=storage.endpoint,
        client_kwargs={"region_name": storage.region},
        config_kwargs=dict(CHECKSUMS),
    )


def checksums_when_required() -> None:
    """Tell every S3 client of this process and its children to keep to what all stores know."""
    for name in WHEN_REQUIRED:
        os.environ.setdefault(name, "when_required")


def iceberg_options(settings: Settings) -> Mapping[str, str]:
    """What PyIceberg must know to reach the files; nothing for local ones."""
    if not settings.storage.warehouse:
        return {}
    key, secret = _keys()
    options = {"s3.access-key-id": key, "s3.secret-access-key": secret, "s3.region": settings.storage.region}
    if token := os.environ.get(SESSION_VARIABLE):
        options["s3.session-token"] = token
    if settings.storage.endpoint:
        options |= {"s3.endpoint": settings.storage.endpoint, "s3.force-virtual-addressing": "false"}
    return options


def _keys() -> tuple[str, str]:
    missing = [name for name in KEY_VARIABLES if not os.environ.get(name)]
    if missing:
        raise SettingsError(f"{', '.join(missing)}: not set, and the files lie in a bucket; set them both")
    return os.environ[KEY_VARIABLES[0]], os.environ[KEY_VARIABLES[1]]
