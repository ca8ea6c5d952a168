"""scikit-learn's digits as images to learn from, few enough that a fit takes seconds."""

from dataclasses import replace
from typing import Any

import numpy as np

from lakehouse_assets.learners.networks.evaluation import ImagePredictions
from lakehouse_assets.learners.networks.images import Images, images_of
from lakehouse_assets.learners.networks.keras import TensorflowMnistCnn, TensorflowMnistMlp
from lakehouse_assets.learners.networks.pytorch import PytorchMnistCnn, PytorchMnistMlp
from lakehouse_assets.sources.images.digits import digits_batches

QUICK: dict[str, Any] = {
    "pytorch_mnist_mlp": PytorchMnistMlp(batch_size=32),
    "pytorch_mnist_cnn": PytorchMnistCnn(epochs=3, batch_size=32),
    "tensorflow_mnist_mlp": TensorflowMnistMlp(batch_size=32),
    "tensorflow_mnist_cnn": TensorflowMnistCnn(epochs=3, batch_size=32),
}
"""The recipes with smaller steps: the digits are 1,437 images, not 60,000."""


def digits() -> tuple[Images, Images]:
    """Training and test images."""
    batches = list(digits_batches())
    return images_of(batches, "train"), images_of(batches, "test")


def some(images: Images, count: int) -> Images:
    """The first of them."""
    return Images(images.labels[:count], images.pixels[:count])


def fresh_hash(algorithm: str, **changes: Any) -> str:
    """The hash of a short fit's predictions on noise; for a process of its own."""
    rng = np.random.default_rng(5)
    noise = Images(rng.integers(0, 10, 256).astype(np.int8), rng.integers(0, 256, (256, 28, 28)).astype(np.uint8))
    fitted = replace(QUICK[algorithm], epochs=2, **changes).fit(noise)
    return ImagePredictions(noise.labels, fitted.model.predict(noise.pixels), noise.majority).hash
