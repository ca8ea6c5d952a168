"""Questions to the object store: may we put, get and delete, and does it agree about the time.

Belongs here: one small object that comes and goes. Does not: any file of a table.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

from lakehouse_assets.lake.storage import CHECKSUMS, iceberg_options
from lakehouse_assets.services.doctor.finding import SECONDS, Ailment
from lakehouse_assets.settings import Settings

BODY = b"put by lakehouse doctor"
MOST_SKEW_SECONDS = 60.0
"""S3 refuses requests that are 15 minutes off; a minute already puts rows into another minute's bar."""

KEYS_REFUSED = {
    "403", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
    "XAdminUserNotFound",  # versitygw
}  # fmt: skip
NO_BUCKET = {"404", "NoSuchBucket"}


def ask_bucket(settings: Settings) -> str:
    """Whether an object can be put below the warehouse, read back and deleted; it is deleted in every case."""
    bucket, _, folder = (settings.storage.warehouse or "").removeprefix("s3://").partition("/")
    name = "/".join(filter(None, (folder, f".doctor-{uuid4()}")))
    client = _client(settings)
    _put(client, bucket, name)
    try:
        with _in_words("get", bucket):
            body = client.get_object(Bucket=bucket, Key=name)["Body"].read()
    except Ailment as ailment:
        _delete(client, bucket, name, after=ailment)
        raise
    _delete(client, bucket, name)
    if body != BODY:
        raise Ailment(f"{name} came back other than it was put", "look at the store and at any proxy before it")
    return "put, get and delete succeed"


def ask_clock(settings: Settings) -> str:
    """Whether this machine and the store agree about the time."""
    import requests

    endpoint = settings.storage.endpoint or f"https://s3.{settings.storage.region}.amazonaws.com"
    asked = datetime.now(UTC)
    try:
        said = requests.head(endpoint, timeout=SECONDS).headers.get("Date")
    except requests.RequestException as error:
        raise Ailment(f"does not answer: {type(error).__name__}", "see the line of the bucket") from error
    if not said:
        raise Ailment("the answer has no Date", "see that storage.endpoint is an S3 server")
    seconds = skew_seconds(said, asked, datetime.now(UTC))
    if seconds > MOST_SKEW_SECONDS:
        raise Ailment(
            f"this machine and the store differ by {seconds:.0f} s", "let both follow a time server (timedatectl)"
        )
    return f"agrees within {max(1.0, seconds):.0f} s"


def skew_seconds(said: str, asked: datetime, answered: datetime) -> float:
    """How far an HTTP date lies outside the time of its question; it has whole seconds, cut off."""
    theirs = parsedate_to_datetime(said).astimezone(UTC)
    early = (asked - theirs).total_seconds() - 1.0
    late = (theirs - answered).total_seconds()
    return max(0.0, early, late)


def _client(settings: Settings) -> Any:
    import boto3
    from botocore.config import Config

    known = iceberg_options(settings)  # refuses missing keys: boto3 would ask a cloud's metadata server for them
    return boto3.client(
        "s3",
        aws_access_key_id=known["s3.access-key-id"],
        aws_secret_access_key=known["s3.secret-access-key"],
        aws_session_token=known.get("s3.session-token"),
        region_name=settings.storage.region,
        endpoint_url=settings.storage.endpoint,
        config=Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1}, **CHECKSUMS),
    )


def _put(client: Any, bucket: str, name: str) -> None:
    try:
        with _in_words("put", bucket):
            client.put_object(Bucket=bucket, Key=name, Body=BODY)
    except Ailment:
        with suppress(Ailment):  # a store that fails while it answers may have kept the object
            _delete(client, bucket, name)
        raise


def _delete(client: Any, bucket: str, name: str, after: Ailment | None = None) -> None:
    """Delete the object; one that cannot be is named, after what had failed before."""
    try:
        with _in_words("delete", bucket):
            client.delete_object(Bucket=bucket, Key=name)
    except Ailment as ailment:
        before = f"{after}, and then " if after else ""
        raise Ailment(f"{before}{ailment}: {bucket}/{name} is left", f"{ailment.fix}; delete it then") from ailment


@contextmanager
def _in_words(step: str, bucket: str) -> Iterator[None]:
    """What a failure of a step means."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _refused(step, bucket, error.response.get("Error", {})) from error
    except BotoCoreError as error:
        raise Ailment(f"does not answer: {error}", "start the store there, or correct storage.endpoint") from error


def _refused(step: str, bucket: str, error: Any) -> Ailment:
    code, words = str(error.get("Code", "")), str(error.get("Message", ""))
    if code in NO_BUCKET:
        return Ailment(f"there is no bucket {bucket}", "make it, or correct storage.warehouse")
    if code == "RequestTimeTooSkewed":
        return Ailment(f"{step} is refused: the clocks differ", "see the line of the clock")
    if code in KEYS_REFUSED:
        return Ailment(
            f"{step} is refused ({code})",
            f"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys that may put, get and delete in {bucket}",
        )
    return Ailment(f"{step} failed: {code} {words}", "the store's own log may say more")
