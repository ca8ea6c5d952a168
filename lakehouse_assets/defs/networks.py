"""Models of digits: two networks in TensorFlow and two in PyTorch on the same images, versions of `DigitClassifier`.

Belongs here: the assets and what they share in Dagster. Does not: how a network learns (learners/networks).
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from lakehouse_assets.defs.model_configs import CnnConfig, MlpConfig
from lakehouse_assets.defs.tick_model import TRAINING_POOL, Train, numbers_of, written_at
from lakehouse_assets.lake.asset import IO_MANAGER, retry_policy
from lakehouse_assets.lake.io_manager import LakeResource
from lakehouse_assets.lake.table import Table
from lakehouse_assets.layers import MODELS
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.registry import DIGIT_MODEL
from lakehouse_assets.settings import load_settings

if TYPE_CHECKING:
    from lakehouse_assets.learners.networks.network import ImageRecipe
    from lakehouse_assets.services.digit_training import NetworkOutcome


def network(name: str, library: str) -> Callable[[Train], dg.AssetsDefinition]:
    """Make a function that trains from the images the asset `name`, with the check of every network."""
    return lambda train: dg.asset(
        name=name,
        ins={"raw_mnist_images": dg.AssetIn(input_manager_key=IO_MANAGER)},
        check_specs=[
            dg.AssetCheckSpec(
                majority_check(name),
                asset=name,
                description="Accuracy on the test images surely beats always saying the most frequent digit.",
            )
        ],
        group_name=MODELS,
        kinds={library, "mlflow"},
        owners=[load_settings().owner],
        tags={"layer": MODELS},
        metadata=written_at(train),
        retry_policy=retry_policy(),
        pool=TRAINING_POOL,
        output_required=False,
    )(train)


def majority_check(asset: str) -> str:
    """The name of the check that warns where a network knows no more than which digit is most frequent."""
    return f"{asset}_beats_the_majority"


@network("model_tensorflow_mnist_mlp", "tensorflow")
def model_tensorflow_mnist_mlp(
    context: dg.AssetExecutionContext,
    config: MlpConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    raw_mnist_images: Table,
) -> Iterator[Any]:
    """Two dense layers in TensorFlow: which digit is on an image."""
    from lakehouse_assets.learners.networks.keras import TensorflowMnistMlp

    yield from _trained(context, TensorflowMnistMlp(**config.model_dump()), lake, mlflow, raw_mnist_images)


@network("model_tensorflow_mnist_cnn", "tensorflow")
def model_tensorflow_mnist_cnn(
    context: dg.AssetExecutionContext,
    config: CnnConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    raw_mnist_images: Table,
) -> Iterator[Any]:
    """Two convolutions and a dense layer in TensorFlow: which digit is on an image."""
    from lakehouse_assets.learners.networks.keras import TensorflowMnistCnn

    yield from _trained(context, TensorflowMnistCnn(**config.model_dump()), lake, mlflow, raw_mnist_images)


@network("model_pytorch_mnist_mlp", "pytorch")
def model_pytorch_mnist_mlp(
    context: dg.AssetExecutionContext,
    config: MlpConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    raw_mnist_images: Table,
) -> Iterator[Any]:
    """Two dense layers in PyTorch: which digit is on an image."""
    from lakehouse_assets.learners.networks.pytorch import PytorchMnistMlp

    yield from _trained(context, PytorchMnistMlp(**config.model_dump()), lake, mlflow, raw_mnist_images)


@network("model_pytorch_mnist_cnn", "pytorch")
def model_pytorch_mnist_cnn(
    context: dg.AssetExecutionContext,
    config: CnnConfig,
    lake: LakeResource,
    mlflow: MlflowResource,
    raw_mnist_images: Table,
) -> Iterator[Any]:
    """Two convolutions and a dense layer in PyTorch: which digit is on an image."""
    from lakehouse_assets.learners.networks.pytorch import PytorchMnistCnn

    yield from _trained(context, PytorchMnistCnn(**config.model_dump()), lake, mlflow, raw_mnist_images)


def _trained(
    context: dg.AssetExecutionContext,
    recipe: "ImageRecipe",
    lake: LakeResource,
    mlflow: MlflowResource,
    images: Table,
) -> Iterator[Any]:
    """Train, register and tell; where the library is not installed, say so and make nothing."""
    from lakehouse_assets.learners.networks.network import NotInstalled
    from lakehouse_assets.learners.untrainable import Untrainable
    from lakehouse_assets.services.abandoned_runs import close_abandoned
    from lakehouse_assets.services.digit_training import train_and_register_network
    from lakehouse_assets.services.registry import ModelRegistry, keep_inputs
    from lakehouse_assets.services.training_rows import identity_of

    asset = context.asset_key.path[-1]
    registry = ModelRegistry(mlflow.store, DIGIT_MODEL)
    identity = identity_of(context.run.run_id, asset, library=recipe.library)
    close_abandoned(mlflow.store, context.instance)
    try:
        outcome = train_and_register_network(images, recipe, registry, identity, progress=context.log.info)
    except NotInstalled as missing:
        context.log.warning(str(missing))
        yield _verdict(asset, passed=False, words=str(missing))
        return
    except Untrainable as hopeless:
        raise dg.Failure(f"no model: {hopeless}", allow_retries=False) from hopeless
    for lost in keep_inputs(lake.lake, registry, outcome.version).warnings:
        context.log.warning(lost)
    yield from _told(asset, outcome)


def _told(asset: str, outcome: "NetworkOutcome") -> Iterator[Any]:
    scores, lift = outcome.record.scores, outcome.record.scores.lift_over_majority
    yield dg.MaterializeResult(
        metadata=numbers_of(outcome),
        data_version=dg.DataVersion(outcome.record.provenance.data_key),
        check_results=[
            _verdict(
                asset,
                passed=lift.low > 0,
                words=f"accuracy {scores.accuracy} on {scores.images:,} images, above the majority's by {lift}",
            )
        ],
    )


def _verdict(asset: str, *, passed: bool, words: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=majority_check(asset),
        asset_key=asset,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=words,
    )
