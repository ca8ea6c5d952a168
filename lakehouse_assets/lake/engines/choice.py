"""Which engine computes a table: what the settings say, refused while the definitions load where it cannot.

Belongs here: the choice and its limits. Does not: opening an engine.
"""

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.settings import EngineName, Settings, SettingsError
from lakehouse_assets.transforms.called import functions_named
from lakehouse_assets.transforms.text import sql_text, transform_names


def computed_by(table: str, settings: Settings) -> EngineName:
    """The engine of a table; DuckDB where the table is not written in SQL.

    Raises:
        SettingsError: the engine cannot compute the table, or cannot reach the catalog; with table, line and reason.
    """
    _refuse_unknown(settings)
    if table not in transform_names():
        if settings.engine.assets.get(table, "duckdb") != "duckdb":
            raise SettingsError(
                f"engine.assets.{table}: it is made of files or in Python, which DuckDB takes: leave it out"
            )
        return "duckdb"
    engine = settings.engine_of(table)
    if engine != "duckdb" and not settings.catalog.uri:
        raise SettingsError(
            f"engine: {table} is given to {engine}, which needs a catalog in PostgreSQL or a REST server: set "
            'catalog.uri (profile = "production"), or leave the engine at "duckdb"'
        )
    if engine == "trino" and (line := _first_call(table)):
        raise SettingsError(
            f"engine: {table}.sql, line {line}: Trino calls no Python function; set "
            f'engine.assets.{table} = "duckdb" or "spark"'
        )
    return engine


def _first_call(table: str) -> int | None:
    """The first line of a text that calls a Python function; comments do not count."""
    for number, line in enumerate(sql_text(table).splitlines(), start=1):
        if functions_named(line.partition("--")[0]):
            return number
    return None


def _refuse_unknown(settings: Settings) -> None:
    unknown = sorted(set(settings.engine.assets) - set(CONTRACTS))
    if unknown:
        raise SettingsError(
            f"engine.assets.{unknown[0]}: there is no such table; known are {', '.join(sorted(CONTRACTS))}"
        )
