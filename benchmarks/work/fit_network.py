"""Fit one network to MNIST and judge it on the test images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.clock import answer, clocked, given
from lakehouse_assets.learners.networks.evaluation import ImagePredictions
from lakehouse_assets.learners.networks.images import Images, images_of
from lakehouse_assets.learners.networks.keras import TensorflowMnistCnn, TensorflowMnistMlp
from lakehouse_assets.learners.networks.pytorch import PytorchMnistCnn, PytorchMnistMlp
from lakehouse_assets.sources.images.idx import mnist_batches, verify

RECIPES: tuple[Any, ...] = (PytorchMnistMlp, PytorchMnistCnn, TensorflowMnistMlp, TensorflowMnistCnn)


def main() -> None:
    """Work and answer; what is clocked begins with the library's import."""
    arguments = given()
    folder = Path(arguments["folder"])
    verify(folder)
    batches = list(mnist_batches(folder))
    train, test = images_of(batches, "train"), images_of(batches, "test")
    if arguments["images"]:
        train = Images(train.labels[: arguments["images"]], train.pixels[: arguments["images"]])
    (made,) = (one() for one in RECIPES if one.algorithm == arguments["algorithm"])
    with clocked() as spent:
        fitted = replace(made, seed=arguments["seed"]).fit(train)
    found = ImagePredictions(test.labels, fitted.model.predict(test.pixels), train.majority)
    accuracy = float((found.guess == test.labels).mean())
    answer(spent, accuracy=accuracy, fit_seconds=fitted.seconds, hash=found.hash)


if __name__ == "__main__":
    main()
