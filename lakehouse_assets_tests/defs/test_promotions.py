"""The ledger as an asset: what was left out is added, what is there is stated, what is damaged fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.contracts.models import MODEL_PROMOTIONS
from lakehouse_assets.defs.promotions import model_promotions
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.lake.tags import VersionInputs, model_tags, tag_inputs
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.lake.toys import MONDAY, ticks, write
from lakehouse_assets_tests.services.ledgers import SNAPSHOTS, moves_of, promote, registry_in, story, versions

CHECKS = {
    "model_promotions_honour_their_contract", "model_promotions_keep_what_they_held",
    "model_promotions_follow_one_another",
}  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    """A registry beside the lake of the settings."""
    return registry_in(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance of the test's own."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(registry: ModelRegistry, instance: dg.DagsterInstance) -> Any:
    """Materialize the ledger."""
    store = MlflowResource(tracking_uri=registry.store.uri, artifact_root=registry.store.artifacts)
    resources = {"lake": LakeResource(), "mlflow": store}
    return dg.materialize([model_promotions], instance=instance, resources=resources, raise_on_error=False)


def test_a_move_that_a_killed_run_left_out_is_added_and_told(
    registry: ModelRegistry, instance: dg.DagsterInstance
) -> None:
    lake = Lake(load_settings())
    first, second = versions(registry, 2)
    promote(lake, registry, first)
    registry.promote(second, instead_of=first)
    done = run(registry, instance)
    assert story(lake) == [("promotion", None, 1), ("reconciled", 1, 2)]
    assert moves_of(lake)[-1].moved_by == done.run_id
    (event,) = done.asset_materializations_for_node("model_promotions")
    said = {name: value.value for name, value in event.metadata.items()}
    head = lake.load("model_promotions").current_snapshot()
    assert head is not None
    assert (said["dagster/row_count"], said["snapshot_id"]) == (2, str(head.snapshot_id))
    assert said["is_new_snapshot"] is True
    assert said["dagster/table_name"] == "hive_prod.option_ticks_db.model_promotions"
    assert {one.check_name: one.passed for one in done.get_asset_check_evaluations()} == dict.fromkeys(CHECKS, True)
    again = run(registry, instance)
    (event,) = again.asset_materializations_for_node("model_promotions")
    assert event.metadata["is_new_snapshot"].value is False
    assert event.metadata["dagster/row_count"].value == 2


def test_a_ledger_without_moves_is_an_empty_table(registry: ModelRegistry, instance: dg.DagsterInstance) -> None:
    done = run(registry, instance)
    assert done.success
    (event,) = done.asset_materializations_for_node("model_promotions")
    assert event.metadata["dagster/row_count"].value == 0


def test_tags_follow_the_versions_and_what_is_lost_is_told(
    registry: ModelRegistry, instance: dg.DagsterInstance
) -> None:
    lake = Lake(load_settings())
    kept = write(lake, ticks(MONDAY, 1), MONDAY).snapshot_id or 0
    tag_inputs(lake, VersionInputs(registry.name, "9", {"toy_ticks": kept}))  # a version that was deleted
    (number,) = versions(registry, 1)
    registry.set_tags(number, {"snapshot.toy_ticks": str(kept)})
    done = run(registry, instance)
    assert done.success
    assert {one.tag for one in model_tags(lake)} == {f"model.{registry.name}.v{number}"}
    (event,) = done.asset_materializations_for_node("model_promotions")
    said = {name: value.value for name, value in event.metadata.items()}
    assert (said["tags_set"], said["tags_removed"], said["snapshots_lost"]) == (1, 1, len(SNAPSHOTS))
    for table, snapshot in SNAPSHOTS.items():
        assert f"{table} has lost snapshot {snapshot}" in said["lost"]


def test_a_ledger_that_somebody_else_broke_fails_with_its_verdicts(
    registry: ModelRegistry, instance: dg.DagsterInstance
) -> None:
    lake = Lake(load_settings())
    first, second, _ = versions(registry, 3)
    for number in (first, second):
        promote(lake, registry, number)
    lake.load("model_promotions").overwrite(lake.load("model_promotions").scan("sequence = 2").to_arrow())
    done = run(registry, instance)
    assert not done.success
    failed = {one.check_name for one in done.get_asset_check_evaluations() if not one.passed}
    assert failed == {"model_promotions_follow_one_another"}
    assert not done.asset_materializations_for_node("model_promotions")
    assert len(moves_of(lake)) == 1


def test_its_columns_are_shown_before_anything_ran() -> None:
    (spec,) = model_promotions.specs
    schema = spec.metadata["dagster/column_schema"]
    columns = schema.value.columns if isinstance(schema, dg.TableSchemaMetadataValue) else schema.columns
    assert tuple(column.name for column in columns) == MODEL_PROMOTIONS.column_names
