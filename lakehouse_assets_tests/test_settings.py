"""The settings: what they read, what they refuse, and the words they refuse it with."""

import re
from pathlib import Path

import pytest

from lakehouse_assets.settings import PROJECT, Settings, SettingsError, load_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty settings file that is in force."""
    path = tmp_path / "other.toml"
    path.write_text("")
    monkeypatch.setenv("LAKEHOUSE_CONFIG", str(path))
    monkeypatch.delenv("LAKEHOUSE_RETRIES__TRIES", raising=False)
    load_settings.cache_clear()
    return path


def refused() -> str:
    load_settings.cache_clear()
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_the_projects_own_file_is_valid_and_names_four_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEHOUSE_CONFIG", raising=False)
    load_settings.cache_clear()
    settings = load_settings()
    assert set(settings.sources) == {"simulated", "lean", "krx", "opra"}
    assert settings.bronze.partition_cols == ("source", "trading_date")


def test_the_projects_example_of_production_loads_as_it_stands(config: Path) -> None:
    text = (PROJECT / "lakehouse.toml").read_text(encoding="utf-8")
    example = re.sub(r"^# (?=\[|\w+ = )", "", text[text.index("[production.engine]") :], flags=re.MULTILINE)
    config.write_text(example, encoding="utf-8")
    load_settings.cache_clear()
    assert load_settings().catalog.uri is None
    there = load_settings("production")
    assert (there.profile, there.engine_of("gold_put_call_ratios"), there.engine_of("gold_option_chains")) == (
        "production", "trino", "spark",
    )  # fmt: skip
    assert there.catalog.uri == "postgresql+psycopg2://lakehouse@127.0.0.1:5432/lakehouse"
    assert there.storage.warehouse == "s3://lakehouse/warehouse"
    assert (there.mlflow.uri, there.spark.master, there.trino.user) == (
        "http://127.0.0.1:5000", "sc://127.0.0.1:15002", "pipeline",
    )  # fmt: skip
    assert {one for one in type(there).model_fields if f"[production.{one}]" in text} == {
        "engine", "catalog", "storage", "mlflow", "spark", "trino",
    }  # fmt: skip
    assert load_settings().profile == "embedded"


def test_an_empty_file_means_the_defaults(config: Path) -> None:
    assert load_settings().profile == "embedded"
    assert load_settings().retries.tries == 3
    assert load_settings().retries.delay_seconds == 300


def test_the_environment_wins_over_the_file_and_keeps_its_neighbours(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[model]\nmax_depth = 6\nlearning_rate = 0.2\n")
    monkeypatch.setenv("LAKEHOUSE_MODEL__MAX_DEPTH", "8")
    load_settings.cache_clear()
    assert load_settings().model.max_depth == 8
    assert load_settings().model.learning_rate == 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('profil = "embedded"', "profil: no such setting"),
        ("[model]\nmax_dept = 3", "model.max_dept: no such setting"),
        ('[model]\nmax_depth = "deep"', "model.max_depth: Input should be a valid integer"),
        ("[model]\nmax_depth = 99", "model.max_depth: Input should be less than or equal to 16, found 99"),
        ('[model]\nalgorithm = "oracle"', "Input should be 'xgboost', 'lightgbm' or 'random_forest', found 'oracle'"),
        ('profile = "production"', 'profile: "production" needs catalog.uri, storage.warehouse, mlflow.uri'),
        ('profile = "cloud"', "profile: Input should be 'embedded' or 'production', found 'cloud'"),
        ('[bronze]\npartition_cols = ["source"]', "bronze.partition_cols: Value error, must name trading_date"),
        ('[engine]\nmemory_limit = "lots"', "engine.memory_limit: String should match pattern"),
        ('[sources."Bad Name"]\nadapter = "lean"\nvenue = "OPRA"', "sources.Bad Name"),
        ("[silver\n", "other.toml"),
        ('[mnist]\norigin = "cifar"', "mnist.origin: Input should be 'mnist' or 'digits', found 'cifar'"),
        ('[mnist]\nfolder = ""', "mnist.folder: String should have at least 1 character"),
        ("[mnist]\nmlp_epochs = 0", "mnist.mlp_epochs: Input should be greater than or equal to 1, found 0"),
        ('[spark]\nmaster = "sc://h:1;token=abc"', "found 'sc://h:1;token=***'"),
        ('[mlflow]\nuri = "ftp://me:a/b\'c@h"', "found 'ftp://me:***@h'"),
        ('[mlflow]\nuri = "ftp://me:abc@h"', "found 'ftp://me:***@h'"),
        ("[model]\nfolds = 0", "model.folds: Input should be greater than or equal to 1, found 0"),
        ("[model]\nholdout_share = 1.0", "model.holdout_share: Input should be less than 1, found 1.0"),
        ("[model.tuning]\ntrials = 0", "model.tuning.trials: Input should be greater than or equal to 1, found 0"),
        ("[model.lightgbm]\nmax_depth = 4", "model.lightgbm.max_depth: no such setting"),
        ("[model.random_forest]\nsample_rows = 10", "model.random_forest.sample_rows: Input should be greater than"),
    ],
)
def test_what_is_wrong_is_named_with_its_key_and_what_was_found(config: Path, text: str, words: str) -> None:
    config.write_text(text)
    assert words in refused()


def test_a_knob_of_one_learner_is_set_by_the_environment_beside_those_of_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("[model.random_forest]\ntrees = 20\n[model.tuning]\nseconds = 5.0\n")
    monkeypatch.setenv("LAKEHOUSE_MODEL__RANDOM_FOREST__MAX_DEPTH", "3")
    monkeypatch.setenv("LAKEHOUSE_MODEL__TUNING__TRIALS", "2")
    load_settings.cache_clear()
    model = load_settings().model
    assert (model.random_forest.trees, model.random_forest.max_depth) == (20, 3)
    assert (model.tuning.trials, model.tuning.seconds) == (2, 5.0)


def test_the_images_lie_in_the_state_folder_where_no_folder_is_named(
    config: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().mnist_folder == own_home / "mnist"
    for named, found in (("images", PROJECT / "images"), ("~/images", Path.home() / "images")):
        monkeypatch.setenv("LAKEHOUSE_MNIST__FOLDER", named)
        load_settings.cache_clear()
        assert load_settings().mnist_folder == found


def test_every_section_can_be_imported_from_the_settings_alone() -> None:
    """Nobody needs to know in which module of the package a table of the file is written down."""
    import lakehouse_assets.settings as package

    used = {type(getattr(Settings(), name)).__name__ for name in Settings.model_fields}
    assert {name for name in used if name.endswith("Settings")} <= set(package.__all__)


def test_a_mistyped_variable_is_refused_and_not_ignored(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOMEE", "/elsewhere")
    words = refused()
    assert words.startswith("LAKEHOUSE_HOMEE: no such setting")
    assert "LAKEHOUSE_HOME," in words


def test_a_settings_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKEHOUSE_CONFIG", str(tmp_path / "gone.toml"))
    assert "gone.toml, which is not a file" in refused()


def test_a_relative_home_lies_in_the_project(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", "state")
    load_settings.cache_clear()
    assert load_settings().home == PROJECT / "state"
    assert load_settings().catalog_uri == f"sqlite:///{PROJECT / 'state' / 'catalog.db'}"


SERVERS = """
[catalog]
type = "sql"

[model]
max_depth = 3

[production]
catalog = { uri = "postgresql+psycopg2://lake@127.0.0.1:5432/lakehouse" }
storage = { warehouse = "s3://lakehouse/warehouse" }
mlflow = { uri = "http://127.0.0.1:5000" }

[production.engine]
name = "spark"
"""


def test_what_is_said_of_production_counts_only_there(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(SERVERS)
    embedded = load_settings()
    assert (embedded.engine.name, embedded.storage.warehouse) == ("duckdb", None)
    assert embedded.catalog_uri.startswith("sqlite:///")
    load_settings.cache_clear()
    monkeypatch.setenv("LAKEHOUSE_PROFILE", "production")
    served = load_settings()
    assert (served.engine.name, served.storage.warehouse) == ("spark", "s3://lakehouse/warehouse")
    assert (served.engine.threads, served.model.max_depth) == (embedded.engine.threads, 3)
    assert served.mlflow_artifacts == ""


def test_a_password_is_in_no_words_of_the_settings(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(SERVERS)
    monkeypatch.setenv("LAKEHOUSE_PROFILE", "production")
    monkeypatch.setenv("LAKEHOUSE_CATALOG__PASSWORD", "open sesame")
    settings = load_settings()
    assert "open sesame" not in f"{settings!r} {settings} {settings.catalog_uri} {settings.model_dump()}"
    assert settings.catalog.password is not None
    assert settings.catalog.password.get_secret_value() == "open sesame"
