"""Which adapter reads a source: short names for the feeds that come with the package, dotted paths for all others.

Belongs here: finding an adapter by the name that `lakehouse.toml` gives. Does not: what an adapter does (`adapter`).
"""

import hashlib
import importlib
from pathlib import Path
from types import ModuleType
from typing import Final, cast

from lakehouse_assets.settings import SettingsError
from lakehouse_assets.sources.adapter import Adapter

ADAPTERS: Final[dict[str, str]] = {
    "parquet_ticks": "lakehouse_assets.sources.parquet_ticks",
    "lean": "lakehouse_assets.sources.lean",
    "krx_b6034": "lakehouse_assets.sources.krx_b6034",
    "databento": "lakehouse_assets.sources.databento",
}
"""The feeds that come with the package: short name -> module. Any other module is named by its dotted path."""

SHARED_CODE: Final = (
    "adapter", "archives", "calendars", "canonical", "dbn_records", "landing/pushdown", "landing/reading",
    "plain_lines", "sessions", "symbols", "venues",
)  # fmt: skip
"""The modules of this package whose code also decides which rows come of a file."""


def adapter_named(name: str) -> Adapter:
    """The function `read` of an adapter's module, imported when first asked for.

    Args:
        name: a short name of `ADAPTERS`, or the dotted path of a module on the Python path.

    Raises:
        SettingsError: there is no such adapter, or its module has no function `read`.
    """
    read = getattr(_module(name), "read", None)
    if not callable(read):
        raise SettingsError(f"adapter {name!r}: its module has no function `read`; see docs/add_a_feed.md")
    return cast(Adapter, read)


def adapter_code(name: str) -> str:
    """A sha256 over the source code that decides what this adapter yields.

    Raises:
        SettingsError: there is no such adapter.
    """
    here = Path(__file__).parent
    paths = [here / f"{module}.py" for module in SHARED_CODE]
    module_file = Path(str(_module(name).__file__))
    paths += sorted(module_file.parent.rglob("*.py")) if module_file.name == "__init__.py" else [module_file]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _module(name: str) -> ModuleType:
    path = ADAPTERS.get(name, name)
    if "." not in path or not all(part.isidentifier() for part in path.split(".")):
        raise SettingsError(
            f"adapter {name!r}: not one of {', '.join(sorted(ADAPTERS))}, nor the dotted path of a module "
            "such as my_feeds.tape; correct it in lakehouse.toml"
        )
    try:
        return importlib.import_module(path)
    except ImportError as error:
        raise SettingsError(
            f"adapter {name!r}: cannot import {path} ({error}); is it installed and on the Python path?"
        ) from error
