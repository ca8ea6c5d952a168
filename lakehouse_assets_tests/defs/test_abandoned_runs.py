"""Whatever learns first closes what a killed run has left open in MLflow."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from lakehouse_assets.definitions import defs
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.tracking import parent_run
from lakehouse_assets_tests.services.conftest import schema
from lakehouse_assets_tests.services.worlds import identity

__all__ = ["schema"]


@pytest.mark.parametrize("asset", ["model_xgboost", "model_tuning", "model_pytorch_mnist_mlp"])
def test_what_was_left_open_is_closed_even_where_there_is_nothing_to_learn_from(
    own_home: Path, schema: Path, asset: str
) -> None:
    own_home.mkdir()
    shutil.copy(schema, own_home)
    store = MlflowResource().store
    with dg.DagsterInstance.ephemeral() as instance:
        dead = dg.DagsterRun(job_name="j", run_id="dead", status=dg.DagsterRunStatus.FAILURE)
        instance.add_run(dead)
        left = parent_run(store, identity("dead"))
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(asset)], raise_on_error=False
        )
    assert not result.success
    assert store.client.get_run(left).info.status == "KILLED"
