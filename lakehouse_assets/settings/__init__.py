"""The settings: typed, from `lakehouse.toml` and `LAKEHOUSE_*` variables; the only reader of either.

Belongs here: where settings come from, and the paths that follow from them. Does not: the knobs (`sections`), nor what
a knob does.
A nested key is written with two underscores in the environment: `LAKEHOUSE_MODEL__MAX_DEPTH=8`.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from lakehouse_assets.settings.masking import shown
from lakehouse_assets.settings.sections import (
    BronzeSettings,
    CatalogSettings,
    EngineName,
    EngineSettings,
    LabelSettings,
    MnistSettings,
    ModelSettings,
    RetrySettings,
    SilverSettings,
    SourceSettings,
    SparkSettings,
    StorageSettings,
    TrackingSettings,
    TrinoSettings,
    as_toml,
)

__all__ = [
    "CATALOG",
    "CONFIG_VARIABLE",
    "ENV_PREFIX",
    "NAMESPACE",
    "PRODUCTION",
    "PROJECT",
    "BronzeSettings",
    "CatalogSettings",
    "EngineName",
    "EngineSettings",
    "LabelSettings",
    "MnistSettings",
    "ModelSettings",
    "Profile",
    "RetrySettings",
    "Settings",
    "SettingsError",
    "SilverSettings",
    "SourceSettings",
    "SparkSettings",
    "StorageSettings",
    "TrackingSettings",
    "TrinoSettings",
    "as_toml",
    "config_file",
    "load_settings",
]

PROJECT = Path(__file__).resolve().parents[2]
ENV_PREFIX = "LAKEHOUSE_"
CONFIG_VARIABLE = "LAKEHOUSE_CONFIG"
"""Names another settings file than the project's `lakehouse.toml`."""

Profile = Literal["embedded", "production"]
PROFILE_VARIABLE = f"{ENV_PREFIX}PROFILE"
PRODUCTION = "production"
"""The profile on servers, and the table of the settings file that holds what is other there."""

CATALOG = "hive_prod"
NAMESPACE = "option_ticks_db"


class SettingsError(ValueError):
    """A setting is unknown or wrong; the message names the key, what was found and what is allowed."""


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

    profile: Profile = "embedded"
    home: Annotated[Path, BeforeValidator(_absolute)] = PROJECT / ".lakehouse"
    owner: str = "team:data-platform"
    engine: EngineSettings = EngineSettings()
    catalog: CatalogSettings = CatalogSettings()
    storage: StorageSettings = StorageSettings()
    mlflow: TrackingSettings = TrackingSettings()
    spark: SparkSettings = SparkSettings()
    trino: TrinoSettings = TrinoSettings()
    bronze: BronzeSettings = BronzeSettings()
    silver: SilverSettings = SilverSettings()
    labels: LabelSettings = LabelSettings()
    model: ModelSettings = ModelSettings()
    mnist: MnistSettings = MnistSettings()
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
        """Arguments, then the environment, then the file with what it says of the profile."""
        file = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, _ProfileSource(settings_cls, init_settings(), file())

    @property
    def raw(self) -> Path:
        """The landing zone."""
        return self.home / "raw"

    @property
    def mnist_folder(self) -> Path:
        """Where the four MNIST files lie: not in the landing zone, whose files are all ticks."""
        return _absolute(self.mnist.folder) if self.mnist.folder else self.home / "mnist"

    @property
    def warehouse(self) -> Path:
        """Where the tables' files lie, unless `storage.warehouse` names a bucket."""
        return self.home / "warehouse"

    @property
    def catalog_uri(self) -> str:
        """The catalog, without its password."""
        return self.catalog.uri or f"sqlite:///{self.home / 'catalog.db'}"

    @property
    def mlflow_uri(self) -> str:
        """The tracking and registry store."""
        return self.mlflow.uri or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def mlflow_artifacts(self) -> str:
        """Where models and plots lie; empty where the server decides."""
        return "" if self.mlflow.uri else (self.home / "mlartifacts").as_uri()

    def engine_of(self, asset: str) -> EngineName:
        """Who computes a table that is written in SQL."""
        return self.engine.assets.get(asset, self.engine.name)


class _ProfileSource(InitSettingsSource):
    """The file, where `[production.<table>]` overrides `[<table>]` while that profile is in force."""

    def __init__(self, settings_cls: type[BaseSettings], given: dict[str, Any], file: dict[str, Any]) -> None:
        profile = given.get("profile") or os.environ.get(PROFILE_VARIABLE) or file.get("profile")
        overrides = file.pop(PRODUCTION, {})
        super().__init__(settings_cls, _overridden(file, overrides) if profile == PRODUCTION else file)


def _overridden(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """The tables of `below` with the keys of `above` in their places."""
    merged = {key: _overridden(below.get(key, {}), value) if isinstance(value, dict) else value
              for key, value in above.items()}  # fmt: skip
    return {**below, **merged}


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
def load_settings(profile: Profile | None = None) -> Settings:
    """The settings of this process, read once; those of another profile than the one in force where it is named.

    Raises:
        SettingsError: a key is unknown or a value is wrong.
    """
    _refuse_unknown_variables()
    try:
        settings = Settings(profile=profile) if profile else Settings()
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error
    except ValueError as error:  # not TOML at all
        raise SettingsError(f"{config_file()}: {error}") from error
    return _complete(settings)


def _complete(settings: Settings) -> Settings:
    """The settings, once the profile on servers names its servers."""
    if settings.profile != PRODUCTION:
        return settings
    needed = {
        "catalog.uri": settings.catalog.uri,
        "storage.warehouse": settings.storage.warehouse,
        "mlflow.uri": settings.mlflow.uri,
    }
    if missing := [name for name, value in needed.items() if not value]:
        raise SettingsError(
            f'profile: "production" needs {", ".join(missing)}: set it below [production] in {config_file().name}, or '
            f"as {ENV_PREFIX}{missing[0].upper().replace('.', '__')}"
        )
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
        found = "" if problem["type"] == "missing" else f", found {shown(problem['input'])}"
        what = "no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{key}: {what}{found}")
    return f"settings ({config_file().name} or {ENV_PREFIX}*): " + "; ".join(lines)
