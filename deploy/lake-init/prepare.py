"""The bucket and the catalog's tables, where they are missing: run before anything that reads or writes tables."""

import sys
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.settings import StorageSettings, load_settings


def make_bucket(storage: StorageSettings) -> None:
    """Make the bucket unless it is there."""
    name = urlsplit(storage.warehouse).netloc
    client = boto3.client("s3", endpoint_url=storage.endpoint, region_name=storage.region)
    try:
        client.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=name)


def main() -> None:
    """Make both by the settings of the environment."""
    settings = load_settings()
    make_bucket(settings.storage)
    if settings.catalog.type == "sql":  # a REST server makes what it needs
        Lake(settings).catalog  # noqa: B018 - opening it makes its tables
    sys.stdout.write("the bucket and the catalog are there\n")


if __name__ == "__main__":
    main()
