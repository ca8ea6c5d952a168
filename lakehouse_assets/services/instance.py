"""Dagster's instance of the embedded profile: the one below the state folder that `dagster dev` shows.

Belongs here: where it lies and how it is opened. Does not: what runs in it.
"""

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse_assets.settings import PROJECT, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dagster import DagsterInstance

RELATIVE_FOLDER = ".lakehouse/dagster"
"""How the project's dagster.yaml names the folder, in double quotes and relative to the project."""


def instance_folder(settings: Settings) -> Path:
    """The instance's folder, with the project's dagster.yaml in it, written for this state folder."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    inside_quotes = json.dumps(str(folder))[1:-1]
    text = (PROJECT / "dagster.yaml").read_text(encoding="utf-8").replace(RELATIVE_FOLDER, inside_quotes)
    target = folder / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        draft = folder / f"dagster.yaml.{os.getpid()}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    return folder


@contextmanager
def embedded_instance(settings: Settings) -> "Iterator[DagsterInstance]":
    """Open the instance; `DAGSTER_HOME` in the environment is not asked."""
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(instance_folder(settings))) as instance:
        yield instance
