"""The tables of `lakehouse.toml`: every knob with its type, its default and what is allowed.

Belongs here: the knobs. Does not: where they are read from, nor what a knob does.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer, field_validator


class Section(BaseModel):
    """A table of `lakehouse.toml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


EngineName = Literal["duckdb", "spark", "trino"]


class EngineSettings(Section):
    """Who computes the tables that are written in SQL: `name`, but for those that `assets` gives to another engine.

    Files are read and models are trained by DuckDB and Python in any case. Peak memory of a step on DuckDB is
    `memory_limit` plus about 0.4 GB, however large the day.
    """

    name: EngineName = "duckdb"
    assets: dict[str, EngineName] = {}
    memory_limit: str = Field("1GB", pattern=r"^[1-9][0-9]*(MB|GB)$")
    threads: int = Field(2, ge=1, le=256)


class CatalogSettings(Section):
    """The catalog `hive_prod`: an SQL database (`postgresql+psycopg2://user@host:port/database`) or a REST server.

    Without `uri` it is the embedded profile's SQLite file. The password comes from `LAKEHOUSE_CATALOG__PASSWORD`.
    """

    type: Literal["sql", "rest"] = "sql"
    uri: str | None = None
    password: SecretStr | None = None


class StorageSettings(Section):
    """Where the tables' files lie: `s3://bucket/folder`, or without `warehouse` in the state folder.

    The keys come from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, as every S3 client reads them.
    """

    warehouse: str | None = Field(None, pattern=r"^s3://[a-z0-9][a-z0-9.-]+(/[A-Za-z0-9._-]+)*$")
    endpoint: str | None = Field(None, pattern=r"^https?://")
    region: str = "us-east-1"


class TrackingSettings(Section):
    """The MLflow server; without `uri` the embedded profile's SQLite file."""

    uri: str | None = Field(None, pattern=r"^https?://")


class SparkSettings(Section):
    """Where Spark runs (`local[2]`, `spark://host:7077`, `sc://host:15002`, with a token `sc://host:15002/;token=...`).

    `jars` is the folder of Iceberg's jars, where Spark's own configuration (`SPARK_CONF_DIR`) does not name it.
    """

    master: str = Field("local[2]", pattern=r"^(local(\[[0-9*]+\])?|spark://[^ ]+|sc://[^ /;?]+(/(;[^ ]*)?)?)$")
    jars: str | None = None
    driver_host: str = "127.0.0.1"
    shuffle_partitions: int = Field(4, ge=1, le=100_000)
    driver_memory: str = Field("1g", pattern=r"^[1-9][0-9]*[mg]$")


class TrinoSettings(Section):
    """The Trino server; with a password it is asked over https, which its client insists on.

    `certificate` is the file of the authority that signed the server's, where the system does not know it.
    """

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65_535)
    user: str = "lakehouse"
    password: SecretStr | None = None
    certificate: str | None = None


class BronzeSettings(Section):
    """Ingestion: rows a record batch, and the identity partitions of the bronze tables."""

    batch_size: int = Field(100_000, ge=1_000, le=5_000_000)
    partition_cols: tuple[Literal["source", "trading_date", "underlying"], ...] = ("source", "trading_date")

    @field_validator("partition_cols")
    @classmethod
    def _needs_the_trading_date(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "trading_date" not in value or len(set(value)) != len(value):
            raise ValueError("must name trading_date, and each column once")
        return value


HardCode = Literal[
    "SCHEMA_DRIFT", "BAD_SYMBOL", "EXPIRED", "DUP_SOURCE_KEY", "NEG_PRICE", "NEG_SIZE", "CROSSED", "ZERO_TRADE",
    "CANCELLED",
]  # fmt: skip
"""Reason codes that may quarantine a tick; a row without time (PARSE_ERROR) always is."""


class SilverSettings(Section):
    """Cleaning: the thresholds of the rules, each with the unit of the quantity it bounds.

    `validation_rules` are the codes that quarantine; one left out flags the row instead.
    """

    null_threshold: float = Field(0.5, ge=0, le=1)
    validation_rules: tuple[HardCode, ...] = get_args(HardCode)
    wide_spread_multiple: float = Field(10.0, gt=1)
    max_relative_spread: float = Field(1.0, gt=0)
    mid_outlier_window: int = Field(50, ge=5, le=1_000)
    mid_outlier_deviations: float = Field(10.0, gt=0)
    mid_outlier_share: float = Field(0.5, ge=0)
    late_arrival_ms: float = Field(100.0, ge=0)
    clock_skew_ms: float = Field(1_000.0, ge=0)

    @field_serializer("validation_rules")
    def _as_text(self, value: tuple[str, ...]) -> str:
        """Joined by commas: a query binds texts and numbers only."""
        return ",".join(value)


class LabelSettings(Section):
    """The prediction target: the direction of the mid after a horizon."""

    horizon_minutes: int = Field(5, ge=1, le=240)


class ForestSettings(Section):
    """The random forest: bounded by a sample of the rows, since a forest is grown in memory."""

    trees: int = Field(100, ge=1, le=2_000)
    max_depth: int = Field(10, ge=1, le=32)
    sample_rows: int = Field(500_000, ge=1_000)
    min_samples_leaf: int = Field(50, ge=1)
    tree_share: float = Field(0.2, gt=0, le=1)


class XGBoostSettings(Section):
    """XGBoost's own: the least weight of a leaf, the shares of rows and of features a tree sees, bins kept on disk."""

    min_child_weight: float = Field(50.0, ge=0)
    subsample: float = Field(0.8, gt=0, le=1)
    colsample_bytree: float = Field(0.8, gt=0, le=1)
    external_memory: bool = False


class LightGBMSettings(Section):
    """LightGBM grows leaf by leaf; 15 leaves are about as much as a depth of 4."""

    num_leaves: int = Field(15, ge=2, le=4_096)
    min_data_in_leaf: int = Field(200, ge=1)
    bagging_fraction: float = Field(0.8, gt=0, le=1)
    feature_fraction: float = Field(0.8, gt=0, le=1)


class TuningSettings(Section):
    """A study stops at so many trials or after so many seconds, whichever comes first."""

    trials: int = Field(30, ge=1, le=10_000)
    seconds: float = Field(900.0, gt=0)


class ModelSettings(Section):
    """The learners of ticks and their split: `folds` walk-forward spans, `embargo_minutes` after what trains for each.

    `algorithm` is the learner whose model challenges for `TickPricePredictor`; all are trained. Rate and rounds are of
    the boosted trees, depth is XGBoost's: those with the lowest log-loss over the walk-forward folds of simulated days,
    the last span left aside: deeper or longer fits the noise. A fit that takes longer than the time budget is given up.
    """

    algorithm: Literal["xgboost", "lightgbm", "random_forest"] = "xgboost"
    max_depth: int = Field(4, ge=1, le=16)
    learning_rate: float = Field(0.05, gt=0, le=1)
    rounds: int = Field(100, ge=1, le=10_000)
    seed: int = Field(7, ge=0)
    threads: int = Field(2, ge=1, le=256)
    time_budget_seconds: float = Field(900.0, gt=0)
    folds: int = Field(3, ge=1, le=20)
    embargo_minutes: int = Field(10, ge=0)
    holdout_share: float = Field(0.25, gt=0, lt=1)
    too_good_balanced_accuracy: float = Field(0.75, gt=0.5, le=1)
    most_miscalibrated: float = Field(0.05, gt=0, lt=1)
    bootstrap_samples: int = Field(400, ge=50, le=10_000)
    xgboost: XGBoostSettings = XGBoostSettings()
    lightgbm: LightGBMSettings = LightGBMSettings()
    random_forest: ForestSettings = ForestSettings()
    tuning: TuningSettings = TuningSettings()


def as_toml(algorithm: str, recipe: Mapping[str, int | float]) -> str:
    """The lines of `lakehouse.toml` by which an algorithm's learner has these knobs, given by their names.

    What is not in the table of its own is shared by the boosted trees, and stands in `[model]`.
    """
    own: type[Section] = type(getattr(ModelSettings(), algorithm))
    shared = [name for name in recipe if name not in own.model_fields]
    tables = {"model": shared, f"model.{algorithm}": [name for name in recipe if name not in shared]}
    return "\n\n".join(
        "\n".join([f"[{table}]", *(f"{name} = {recipe[name]}" for name in names)])
        for table, names in tables.items()
        if names
    )


class MnistSettings(Section):
    """The images that the networks learn from, and how.

    `digits` are those that come with scikit-learn; `mnist` are the four original files, which lie in `folder`
    (`mnist` in the state folder, where none is named): train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz,
    t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz.
    One thread by default: small networks are slower with two, which wait for each other.
    """

    origin: Literal["mnist", "digits"] = "digits"
    folder: str | None = Field(None, min_length=1)
    seed: int = Field(7, ge=0)
    threads: int = Field(1, ge=1, le=256)
    time_budget_seconds: float = Field(600.0, gt=0)
    mlp_epochs: int = Field(6, ge=1, le=1_000)
    cnn_epochs: int = Field(4, ge=1, le=1_000)


class RetrySettings(Section):
    """A failed step is tried again, each time after twice the delay, give or take; a refused batch is not."""

    tries: int = Field(3, ge=0, le=10)
    delay_seconds: float = Field(300.0, ge=0, le=3600)


class SourceSettings(Section):
    """One feed: the adapter that reads it and what its files do not say themselves."""

    adapter: str
    venue: str
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    contract_multiplier: float | None = Field(None, gt=0)
    files: str = "**/*"
