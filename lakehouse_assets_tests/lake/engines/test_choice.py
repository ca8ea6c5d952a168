"""Who computes a table, and what is refused while the definitions load."""

from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.lake.engines.choice import computed_by
from lakehouse_assets.settings import CatalogSettings, EngineSettings, Settings, SettingsError

ON_SERVERS = CatalogSettings(uri="postgresql+psycopg2://lake@127.0.0.1:5432/lakehouse")


def known(tmp_path: Path, catalog: CatalogSettings = ON_SERVERS, **engine: Any) -> Settings:
    return Settings(home=tmp_path, catalog=catalog, engine=EngineSettings(**engine))


def test_the_setting_of_a_table_wins_over_the_one_for_all(tmp_path: Path) -> None:
    settings = known(tmp_path, name="spark", assets={"gold_put_call_ratios": "trino", "gold_option_chains": "duckdb"})
    assert computed_by("silver_option_ticks", settings) == "spark"
    assert computed_by("gold_put_call_ratios", settings) == "trino"
    assert computed_by("gold_option_chains", settings) == "duckdb"


def test_what_is_made_of_files_is_duckdbs_whatever_is_set_for_all(tmp_path: Path) -> None:
    assert computed_by("bronze_option_ticks", known(tmp_path, name="spark")) == "duckdb"


@pytest.mark.parametrize(
    ("table", "engine", "words"),
    [
        ("gold_option_chains", {"name": "trino"}, r"gold_option_chains\.sql, line \d+: Trino calls no Python"),
        ("silver_option_ticks", {"assets": {"gold_unknown": "spark"}}, "gold_unknown: there is no such table"),
        ("bronze_option_ticks", {"assets": {"bronze_option_ticks": "trino"}}, "made of files or in Python"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_with_table_and_reason(
    tmp_path: Path, table: str, engine: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        computed_by(table, known(tmp_path, **engine))


def test_without_a_catalog_that_others_can_read_only_duckdb_computes(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a catalog in PostgreSQL"):
        computed_by("silver_option_ticks", known(tmp_path, CatalogSettings(), name="spark"))
    assert computed_by("silver_option_ticks", known(tmp_path, CatalogSettings())) == "duckdb"
