"""The bucket and the catalog's tables, where they are missing: run before anything that reads or writes tables."""

import os
import sys

import boto3
from botocore.exceptions import ClientError
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy.engine import make_url

BUCKET = "lakehouse"


def make_bucket() -> None:
    """Make the bucket unless it is there."""
    client = boto3.client("s3", endpoint_url=os.environ["LAKEHOUSE_STORAGE__ENDPOINT"])
    try:
        client.head_bucket(Bucket=BUCKET)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        client.create_bucket(Bucket=BUCKET)


def make_catalog() -> None:
    """Make the tables of the SQL catalog: PyIceberg does, Trino and Spark only read and write them."""
    uri = make_url(os.environ["LAKEHOUSE_CATALOG__URI"]).set(password=os.environ["LAKEHOUSE_CATALOG__PASSWORD"])
    catalog = SqlCatalog(
        "hive_prod",
        uri=uri.render_as_string(hide_password=False),
        warehouse=os.environ["LAKEHOUSE_STORAGE__WAREHOUSE"],
    )
    catalog.create_tables()


if __name__ == "__main__":
    make_bucket()
    if os.environ["LAKEHOUSE_CATALOG__TYPE"] == "sql":  # a REST server makes what it needs
        make_catalog()
    sys.stdout.write("the bucket and the catalog are there\n")
