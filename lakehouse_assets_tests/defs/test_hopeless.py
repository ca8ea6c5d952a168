"""What another try would not change is said once, in words, by each asset that learns: no traceback, no retry."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from lakehouse_assets.definitions import defs
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.learners.telltales import TellsTheLabel
from lakehouse_assets.learners.untrainable import Untrainable
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.training_rows import KnownTooLate
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.services.trained import FIRST, put_day

TELLTALE = {"telltale": "gamma"}
LATE = {"late": True}


def refusal(asset: str, **config: Any) -> tuple[str, BaseException | None]:
    """The words of the failure of an asset, which no retry repeats, and what it comes from."""
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(dg.Failure) as caught:
        defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(asset)],
            run_config={"ops": {asset: {"config": config}}} if config else {},
        )
    assert caught.value.allow_retries is False
    return str(caught.value.description), caught.value.__cause__


def planted(**fault: Any) -> None:
    """Three days of features and labels with a fault."""
    lake = Lake(load_settings())
    for number in range(3):
        put_day(lake, FIRST + dt.timedelta(days=number), seed=number, **fault)


@pytest.mark.slow
@pytest.mark.parametrize("asset", ["model_xgboost", "model_lightgbm", "model_random_forest"])
def test_a_feature_that_is_the_label_is_named_and_not_tried_again(own_home: Path, asset: str) -> None:
    planted(**TELLTALE)
    words, cause = refusal(asset)
    assert words.startswith("no model: gamma: separates all rows with is_up = 1 from all with 0")
    assert isinstance(cause, TellsTheLabel)
    assert MlflowResource().registry.numbers() == ()


@pytest.mark.slow
@pytest.mark.parametrize(("asset", "nothing"), [("model_xgboost", "no model"), ("model_tuning", "no recipe")])
def test_features_that_were_known_too_late_are_named_and_not_tried_again(
    own_home: Path, asset: str, nothing: str
) -> None:
    planted(**LATE)
    words, cause = refusal(asset)
    assert re.match(rf"{nothing}: \d+ of \d+ rows have features that were known only after t0", words)
    assert isinstance(cause, KnownTooLate)


def test_images_that_are_not_there_are_named_and_not_tried_again(own_home: Path) -> None:
    pytest.importorskip("torch")
    words, cause = refusal("model_pytorch_mnist_mlp")
    assert words == "no model: no image of split train: materialize raw_mnist_images"
    assert type(cause) is Untrainable


@pytest.mark.parametrize("asset", ["model_xgboost", "model_lightgbm", "model_random_forest"])
def test_without_features_each_learner_says_what_to_materialize(own_home: Path, asset: str) -> None:
    words, cause = refusal(asset)
    assert words.startswith("no model: feature_option_minutes is empty: materialize it")
    assert isinstance(cause, TooLittleHistory)
