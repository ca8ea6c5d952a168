"""What the clients of a bucket are told."""

import pytest

from lakehouse_assets.lake.storage import bucket, iceberg_options
from lakehouse_assets.settings import Settings, SettingsError, StorageSettings

IN_A_BUCKET = Settings(storage=StorageSettings(warehouse="s3://lakehouse/warehouse", endpoint="http://store:8333"))


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def test_keys_of_one_s_own_come_without_a_token() -> None:
    told = iceberg_options(IN_A_BUCKET)
    assert (told["s3.access-key-id"], told["s3.secret-access-key"]) == ("key", "secret")
    assert "s3.session-token" not in told
    assert bucket(IN_A_BUCKET).token is None


def test_keys_that_are_lent_for_a_while_bring_their_token_to_every_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "lent")
    assert iceberg_options(IN_A_BUCKET)["s3.session-token"] == "lent"
    assert bucket(IN_A_BUCKET).token == "lent"


def test_the_public_cloud_s_own_store_is_found_without_an_endpoint() -> None:
    cloud = Settings(storage=StorageSettings(warehouse="s3://lakehouse/warehouse"))
    assert not {"s3.endpoint", "s3.force-virtual-addressing"} & set(iceberg_options(cloud))


def test_missing_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID: not set"):
        iceberg_options(IN_A_BUCKET)
