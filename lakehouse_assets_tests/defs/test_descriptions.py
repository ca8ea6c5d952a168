"""What the UI shows of an asset before and after it ran."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.definitions import defs
from lakehouse_assets.layers import BRONZE, FEATURES, GOLD, RAW, SILVER
from lakehouse_assets.learners.algorithms import RECIPES
from lakehouse_assets.learners.networks.algorithms import NETWORKS
from lakehouse_assets.partitions import range_tags
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.simulator import simulate
from lakehouse_assets_tests.paths import PROJECT

DAY = dt.date(2026, 11, 18)
TABLES = sorted(CONTRACTS)
MODELS = {
    "model_random_forest": {"sklearn", "mlflow"},
    "model_xgboost": {"xgboost", "mlflow"},
    "model_lightgbm": {"lightgbm", "mlflow"},
    "model_tensorflow_mnist_mlp": {"tensorflow", "mlflow"},
    "model_tensorflow_mnist_cnn": {"tensorflow", "mlflow"},
    "model_pytorch_mnist_mlp": {"pytorch", "mlflow"},
    "model_pytorch_mnist_cnn": {"pytorch", "mlflow"},
    "model_tuning": {"optuna", "mlflow"},
    "model_evaluation": {"mlflow"},
    "model_promotions": {"iceberg", "mlflow"},
}

ON_EVERY_TABLE = {
    "null_percentage", "duration_seconds", "publish_seconds", "dagster/row_count", "bytes", "files", "rows_per_second",
    "peak_memory_mb",
}  # fmt: skip
BY_LAYER = {
    RAW: {"rows_processed"},
    BRONZE: {"rows_ingested"},
    SILVER: {"rows_before", "rows_after", "rows_processed"},
    GOLD: {"rows_processed", "final_rows"},
    FEATURES: {"rows_processed", "final_rows"},
}
FROM_FILES = [table for table in TABLES if CONTRACTS[table].layer in BY_LAYER]
"""Those that a run makes of landed files; the ledger of promotions is written where a champion moves."""
IMAGES = "raw_mnist_images"


def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """The metadata of one small day's materializations, from raw to labels."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("LAKEHOUSE_HOME", str(home))
        load_settings.cache_clear()
        simulate(home / "raw", home / "truth", days=1, rows_per_day=2_000, seed=7, profile="realistic", last_date=DAY)
        runs = {"ml_pipeline_end_to_end": [table for table in FROM_FILES if table != IMAGES], "ml_pipeline": [IMAGES]}
        events = [
            event
            for job, tables in runs.items()
            for event in defs.resolve_job_def(job).execute_in_process(
                instance=instance, tags=range_tags(DAY, DAY), asset_selection=[dg.AssetKey(table) for table in tables]
            ).all_events
        ]  # fmt: skip
        made = [event.step_materialization_data.materialization for event in events if event.is_step_materialization]
        yield {one.asset_key.to_user_string(): {name: v.value for name, v in one.metadata.items()} for one in made}
    load_settings.cache_clear()


@pytest.mark.parametrize("name", [*FROM_FILES, *MODELS])
def test_an_asset_says_what_it_is_whose_it_is_and_where_it_is_written(name: str) -> None:
    spec = specs()[name]
    assert spec.description
    assert spec.owners == [load_settings().owner]
    assert spec.kinds >= MODELS.get(name, {"iceberg"})
    assert spec.tags["layer"] == spec.group_name == (CONTRACTS[name].layer if name in CONTRACTS else "models")
    references = spec.metadata["dagster/code_references"].code_references
    files = [Path(reference.file_path).relative_to(PROJECT).as_posix() for reference in references]
    has_text = (PROJECT / f"lakehouse_assets/transforms/{name}.sql").exists()
    assert files[1:] == ([f"lakehouse_assets/transforms/{name}.sql"] if has_text else [])
    assert re.search(rf"^def {name}\(|{name.upper()}", (PROJECT / files[0]).read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", [f"model_{algorithm}" for algorithm in (*RECIPES, *NETWORKS)])
def test_a_model_leads_to_the_line_of_its_own_function(name: str) -> None:
    (reference,) = specs()[name].metadata["dagster/code_references"].code_references
    lines = Path(reference.file_path).read_text().splitlines()[reference.line_number - 1 :]
    assert lines[1].startswith(f"def {name}("), lines[:2]  # below its decorator


@pytest.mark.parametrize("name", FROM_FILES)
def test_a_table_shows_its_columns_and_what_each_is_made_of(name: str) -> None:
    contract, metadata = CONTRACTS[name], specs()[name].metadata
    columns = metadata["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(contract.column_names)
    assert all(column.description for column in columns)
    lineage = metadata["dagster/column_lineage"].deps_by_column
    if contract.layer in (RAW, BRONZE):
        assert lineage == {}
        return
    assert set(lineage) == set(contract.column_names)
    upstream = {key.to_user_string() for key in (dep.asset_key for dep in specs()[name].deps)}
    for dep in (dep for deps in lineage.values() for dep in deps):
        table = dep.asset_key.to_user_string()
        assert table in upstream
        assert dep.column_name in CONTRACTS[table].by_name


def test_a_price_keeps_its_unit_and_a_required_column_its_constraint() -> None:
    columns = {c.name: c for c in specs()["bronze_option_ticks"].metadata["dagster/column_schema"].columns}
    assert columns["strike_price"].description.endswith("[currency]")
    assert not columns["source"].constraints.nullable
    assert columns["strike_price"].constraints.nullable
    assert columns["event_type"].constraints.other[0].startswith("one of trade, quote")


@pytest.mark.slow
@pytest.mark.parametrize("name", FROM_FILES)
def test_a_materialization_says_its_numbers_as_numbers(said: Mapping[str, Mapping[str, Any]], name: str) -> None:
    contract, metadata = CONTRACTS[name], said[name]
    expected = ON_EVERY_TABLE | BY_LAYER[contract.layer]
    if "symbol" in contract.by_name:
        expected |= {"unique_symbols"}
    numbers = {key: metadata.get(key) for key in expected}
    assert all(isinstance(v, int | float) and not isinstance(v, bool) for v in numbers.values()), numbers
    assert metadata["dagster/table_name"] == f"hive_prod.option_ticks_db.{name}"
    assert metadata["dagster/uri"].endswith(name)
    assert metadata["snapshot_id"].isdigit()
    assert metadata["is_new_snapshot"] is True
    assert metadata["bytes"] > metadata["dagster/row_count"] > 0


@pytest.mark.slow
def test_rows_walk_through_the_layers_without_being_lost(said: Mapping[str, Mapping[str, Any]]) -> None:
    assert said["bronze_option_ticks"]["rows_ingested"] == 2_000
    silver = said["silver_option_ticks"]
    assert silver["rows_before"] == 2_000
    rejected = said["silver_quarantined_ticks"]
    trusted_underlyings = said["silver_underlying_ticks"]["rows_after"]
    assert rejected["rows_before"] == silver["rows_after"] + rejected["rows_after"] + trusted_underlyings
    assert said["gold_option_minute_bars"]["rows_processed"] == silver["rows_after"]
    assert 50 < silver["unique_symbols"] <= said["bronze_option_ticks"]["unique_symbols"]
    assert said["gold_option_minute_bars"]["read/silver_option_ticks"] == silver["snapshot_id"]
