"""The bucket and the catalog's tables, where they are missing: run before anything that reads or writes tables."""

import sys

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.storage import bucket
from lakehouse_assets.settings import load_settings


def main() -> None:
    """Make both by the settings of the environment."""
    settings = load_settings()
    store, name = bucket(settings), str(settings.storage.warehouse).removeprefix("s3://").partition("/")[0]
    if not store.exists(name):
        store.mkdir(name)
    if settings.catalog.type == "sql":  # a REST server makes what it needs
        Lake(settings).catalog  # noqa: B018 - opening it makes its tables
    sys.stdout.write("the bucket and the catalog are there\n")


if __name__ == "__main__":
    main()
