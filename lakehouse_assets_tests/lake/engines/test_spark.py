"""What a Spark session is told, without any Spark; that it then works is seen on the real servers, in `stack/`."""

import re
from pathlib import Path

import pytest

from lakehouse_assets.lake.engines import EngineFailed
from lakehouse_assets.lake.engines.spark import AT_START, ICEBERG, NOT_SHOWN, Spark, driver_options, options
from lakehouse_assets.services import spark_connect
from lakehouse_assets.settings import CatalogSettings, Settings, SettingsError, SparkSettings, StorageSettings

URI = "postgresql+psycopg2://lake@db.example:6432/lakehouse"
SECRETS = ("swordfish", "the-key-of-nobody", "the-secret-of-nobody", "the-token-of-nobody")


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key-of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-of-nobody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "the-token-of-nobody")


def known(
    uri: str = URI, master: str = "local[2]", endpoint: str | None = "http://store:8333", jars: str | None = None
) -> Settings:
    return Settings(
        catalog=CatalogSettings.model_validate({"uri": uri, "password": "swordfish"}),
        storage=StorageSettings(warehouse="s3://lakehouse/warehouse", endpoint=endpoint, region="eu-central-1"),
        spark=SparkSettings(master=master, jars=jars),
    )


def of_the_catalog(settings: Settings) -> dict[str, str]:
    """The options of the catalog, without the part that all of their names share."""
    return {
        name.removeprefix(f"{ICEBERG}."): value
        for name, value in driver_options(settings).items()
        if name.startswith(f"{ICEBERG}.")
    }


def test_a_driver_knows_catalog_and_bucket_and_reads_no_table_as_it_was() -> None:
    assert of_the_catalog(known()) == {
        "cache-enabled": "false",
        "type": "jdbc",
        "uri": "jdbc:postgresql://db.example:6432/lakehouse",
        "jdbc.user": "lake",
        "jdbc.password": "swordfish",
        "jdbc.schema-version": "V1",
        "retryable_status_codes": "57P01,57P02,57P03",
        "warehouse": "s3://lakehouse/warehouse",
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "client.region": "eu-central-1",
        "s3.endpoint": "http://store:8333",
        "s3.path-style-access": "true",
    }


def test_no_secret_is_among_what_a_jvm_is_started_with() -> None:
    for told in (driver_options(known()), spark_connect.options(known(), "127.0.0.1", 15002, 8182)):
        at_start = {name: value for name, value in told.items() if name.startswith(AT_START)}
        assert {"spark.master", "spark.driver.memory"} <= set(at_start)
        assert not [name for name, value in at_start.items() if any(secret in value for secret in SECRETS)]


def test_the_keys_of_the_bucket_are_no_option_and_the_password_is_shown_on_no_page() -> None:
    told = driver_options(known())
    secret = {name for name, value in told.items() if any(one in value for one in SECRETS)}
    assert secret == {f"{ICEBERG}.jdbc.password"}
    for name in (*secret, "s3.access-key-id", "s3.secret-access-key", "s3.session-token", "fs.s3a.access.key"):
        assert re.search(told["spark.redaction.regex"], name), name
    assert not re.search(NOT_SHOWN, f"{ICEBERG}.uri")


def test_a_client_of_a_connect_server_needs_no_secret_and_no_catalog() -> None:
    assert options(known(master="sc://spark-connect:15002")) == {
        "spark.remote": "sc://spark-connect:15002",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "4",
    }


def test_the_public_cloud_s_own_store_has_no_endpoint_and_its_own_addresses() -> None:
    assert not {"s3.endpoint", "s3.path-style-access"} & set(of_the_catalog(known(endpoint=None)))


def test_a_bucket_without_keys_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingsError, match="AWS_SECRET_ACCESS_KEY"):
        driver_options(known())


def test_without_a_bucket_files_lie_in_the_state_folder(tmp_path: Path) -> None:
    here = Settings(home=tmp_path, catalog=CatalogSettings(uri=URI))
    told = of_the_catalog(here)
    assert told["warehouse"] == str(tmp_path / "warehouse")
    assert told["jdbc.password"] == ""
    assert "io-impl" not in told


def test_tls_that_the_catalog_s_address_asks_for_is_asked_for_by_java_too() -> None:
    told = of_the_catalog(known(f"{URI}?sslmode=verify-full&sslrootcert=/etc/ssl/our ca.pem"))
    assert told["uri"] == (
        "jdbc:postgresql://db.example:6432/lakehouse?sslmode=verify-full&sslrootcert=%2Fetc%2Fssl%2Four+ca.pem"
    )


def test_words_of_the_catalog_s_address_that_java_does_not_know_are_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"does not know connect_timeout, options; it knows sslmode"):
        driver_options(known(f"{URI}?sslmode=require&options=-csearch_path&connect_timeout=3"))


def test_a_password_within_the_address_counts_where_the_environment_has_none() -> None:
    uri = URI.replace("lake@", "lake:tuna@")
    assert of_the_catalog(known(uri))["jdbc.password"] == "swordfish"
    alone = known(uri).model_copy(update={"catalog": CatalogSettings(uri=uri)})
    assert of_the_catalog(alone)["jdbc.password"] == "tuna"


def test_only_postgresql_is_read_by_spark() -> None:
    with pytest.raises(SettingsError, match="Spark reads a catalog in PostgreSQL, found sqlite"):
        driver_options(known("sqlite:////tmp/catalog.db"))


def test_a_rest_server_is_told_its_address_alone() -> None:
    there = known().model_copy(update={"catalog": CatalogSettings(type="rest", uri="http://nessie:19120/iceberg")})
    told = of_the_catalog(there)
    assert (told["type"], told["uri"]) == ("rest", "http://nessie:19120/iceberg")
    assert not [name for name in told if name.startswith("jdbc.")]


def test_jars_are_on_the_class_path_of_both_processes_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="holds no jar"):
        driver_options(known(jars=str(tmp_path)))
    (tmp_path / "iceberg.jar").touch()
    told = driver_options(known(jars=str(tmp_path)))
    assert [told[f"spark.{process}.extraClassPath"] for process in ("driver", "executor")] == [f"{tmp_path}/*"] * 2


def test_a_server_that_is_away_is_said_without_the_token(closed: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, spark=SparkSettings(master=f"sc://127.0.0.1:{closed}/;token=swordfish"))
    with pytest.raises(EngineFailed, match=f"Spark at sc://127.0.0.1:{closed} does not start: .*refused") as raised:
        Spark(settings)
    assert "swordfish" not in str(raised.value)
