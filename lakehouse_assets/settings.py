"""The settings: typed, from `lakehouse.toml` and `LAKEHOUSE_*` variables; the only reader of either.

Belongs here: every knob with its type, its default and what is allowed. Does not: what a knob does.
A nested key is written with two underscores in the environment: `LAKEHOUSE_MODEL__MAX_DEPTH=8`.
"""

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_serializer, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PROJECT = Path(__file__).resolve().parent.parent
ENV_PREFIX = "LAKEHOUSE_"
CONFIG_VARIABLE = "LAKEHOUSE_CONFIG"
"""Names another settings file than the project's `lakehouse.toml`."""

CATALOG = "hive_prod"
NAMESPACE = "option_ticks_db"


class SettingsError(ValueError):
    """A setting is unknown or wrong; the message names the key, what was found and what is allowed."""


class Section(BaseModel):
    """A table of `lakehouse.toml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EngineSettings(Section):
    """The embedded engine: peak memory of a step is `memory_limit` plus about 0.4 GB, however large the day."""

    memory_limit: str = Field("1GB", pattern=r"^[1-9][0-9]*(MB|GB)$")
    threads: int = Field(2, ge=1, le=256)


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


class ModelSettings(Section):
    """The learner and its split: `folds` walk-forward spans, each kept `embargo_minutes` away from what trains for it.

    Depth, rate and rounds are those with the lowest log-loss over the walk-forward folds of simulated days, the last
    span left aside: deeper or longer fits the noise.
    """

    algorithm: Literal["xgboost"] = "xgboost"
    max_depth: int = Field(4, ge=1, le=16)
    learning_rate: float = Field(0.05, gt=0, le=1)
    rounds: int = Field(100, ge=1, le=10_000)
    seed: int = Field(7, ge=0)
    threads: int = Field(2, ge=1, le=256)
    folds: int = Field(3, ge=1, le=20)
    embargo_minutes: int = Field(10, ge=0)
    holdout_share: float = Field(0.25, gt=0, lt=1)
    too_good_balanced_accuracy: float = Field(0.75, gt=0.5, le=1)
    bootstrap_samples: int = Field(400, ge=50, le=10_000)


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


def _absolute(value: Any) -> Path:
    path = Path(str(value)).expanduser()
    return path if path.is_absolute() else PROJECT / path


class Settings(BaseSettings):
    """All settings; the environment wins over `lakehouse.toml`, which wins over the defaults."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    profile: Literal["embedded", "production"] = "embedded"
    home: Annotated[Path, BeforeValidator(_absolute)] = PROJECT / ".lakehouse"
    owner: str = "team:data-platform"
    engine: EngineSettings = EngineSettings()
    bronze: BronzeSettings = BronzeSettings()
    silver: SilverSettings = SilverSettings()
    labels: LabelSettings = LabelSettings()
    model: ModelSettings = ModelSettings()
    retries: RetrySettings = RetrySettings()
    sources: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], SourceSettings] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - neither dotenv nor secret files are read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_file())

    @property
    def raw(self) -> Path:
        """The landing zone."""
        return self.home / "raw"

    @property
    def warehouse(self) -> Path:
        """Where the tables' files lie."""
        return self.home / "warehouse"

    @property
    def catalog_uri(self) -> str:
        """The SQL catalog."""
        return f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def mlflow_uri(self) -> str:
        """The tracking and registry store."""
        return f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> str:
        """Where models and plots lie."""
        return (self.home / "mlartifacts").as_uri()


def config_file() -> Path:
    """The settings file in force.

    Raises:
        SettingsError: `LAKEHOUSE_CONFIG` names a file that is not there.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    path = Path(named).expanduser() if named else PROJECT / "lakehouse.toml"
    if named and not path.is_file():
        raise SettingsError(f"{CONFIG_VARIABLE} names {path}, which is not a file: correct or unset it")
    return path


@cache
def load_settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettingsError: a key is unknown or a value is wrong.
    """
    _refuse_unknown_variables()
    try:
        return _supported(Settings())
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error
    except ValueError as error:  # not TOML at all
        raise SettingsError(f"{config_file()}: {error}") from error


def _supported(settings: Settings) -> Settings:
    if settings.profile == "production":
        raise SettingsError('profile: "production" has no engines or servers yet, found it set: use "embedded"')
    return settings


def _refuse_unknown_variables() -> None:
    known = {CONFIG_VARIABLE, *(f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields)}
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and name.split("__")[0] not in known:
            raise SettingsError(f"{name}: no such setting; known are {', '.join(sorted(known))}")


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        found = "" if problem["type"] == "missing" else f", found {problem['input']!r}"
        what = "no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{key}: {what}{found}")
    return f"settings ({config_file().name} or {ENV_PREFIX}*): " + "; ".join(lines)
