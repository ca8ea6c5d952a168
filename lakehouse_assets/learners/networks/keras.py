"""The two TensorFlow networks, written in Keras: a multilayer perceptron and a convolutional one.

Belongs here: their recipes, layers and the fit. Does not: scores, nor where a model is kept.

The same images and recipe make the same weights: one seed, deterministic kernels, and the recipe's thread count
(`tensorflow_start`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lakehouse_assets.learners.networks.images import CLASSES, SIDE, Images, Pixels
from lakehouse_assets.learners.networks.network import (
    PREDICTED_AT_ONCE,
    Course,
    FittedNetwork,
    NetworkKnobs,
    OnEpoch,
    Probabilities,
    one_cycle,
    require_library,
    silent,
)
from lakehouse_assets.learners.networks.tensorflow_start import started

BATCH_NORMALISATION = {"momentum": 0.9, "epsilon": 1e-5}
"""As PyTorch has it: Keras's own momentum forgets too slowly for four epochs."""


@dataclass(frozen=True)
class TensorflowMnistMlp(NetworkKnobs):
    """Two hidden layers of 256 and 128; six epochs of a one-cycle course."""

    algorithm: ClassVar[str] = "tensorflow_mnist_mlp"
    library: ClassVar[str] = "tensorflow"

    def fit(self, images: Images, *, watched: Images | None = None, on_epoch: OnEpoch = silent) -> FittedNetwork:
        """Train; see `ImageRecipe.fit`.

        Raises:
            RuntimeError: TensorFlow has started in this process with another thread count.
        """
        require_library(self.algorithm, self.library)
        keras = started(self.algorithm, self.seed, self.threads)
        layers = keras.layers
        model = keras.Sequential(
            [
                *_scaled(keras, images),
                layers.Flatten(),
                layers.Dense(256, activation="relu"),
                layers.Dropout(self.dropout),
                layers.Dense(128, activation="relu"),
                layers.Dropout(self.dropout),
                layers.Dense(CLASSES, activation="softmax"),
            ],
            name=self.algorithm,
        )
        return _trained(model, self, images, watched, on_epoch)


@dataclass(frozen=True)
class TensorflowMnistCnn(NetworkKnobs):
    """Two convolutions of 16 and 32 channels with batch normalisation and pooling, then a layer of 64.

    Only the last hidden layer has dropout.
    """

    algorithm: ClassVar[str] = "tensorflow_mnist_cnn"
    library: ClassVar[str] = "tensorflow"
    epochs: int = 4
    learning_rate: float = 0.01

    def fit(self, images: Images, *, watched: Images | None = None, on_epoch: OnEpoch = silent) -> FittedNetwork:
        """Train; see `ImageRecipe.fit`.

        Raises:
            RuntimeError: TensorFlow has started in this process with another thread count.
        """
        require_library(self.algorithm, self.library)
        keras = started(self.algorithm, self.seed, self.threads)
        layers = keras.layers
        model = keras.Sequential(
            [
                *_scaled(keras, images),
                layers.Conv2D(16, 3, padding="same"),
                layers.BatchNormalization(**BATCH_NORMALISATION),
                layers.MaxPooling2D(2),
                layers.ReLU(),
                layers.Conv2D(32, 3, padding="same"),
                layers.BatchNormalization(**BATCH_NORMALISATION),
                layers.MaxPooling2D(2),
                layers.ReLU(),
                layers.Flatten(),
                layers.Dense(64, activation="relu"),
                layers.Dropout(self.dropout),
                layers.Dense(CLASSES, activation="softmax"),
            ],
            name=self.algorithm,
        )
        return _trained(model, self, images, watched, on_epoch)


@dataclass(frozen=True)
class TensorflowNetwork:
    """A trained Keras model without its optimizer; the process's thread count is the recipe's."""

    native: Any
    threads: int

    def predict(self, pixels: Pixels) -> Probabilities:
        """The probability of each digit; (n, 28, 28) uint8 in, (n, 10) float32 out."""
        parts = [np.empty((0, CLASSES), dtype=np.float32)]
        for begin in range(0, len(pixels), PREDICTED_AT_ONCE):
            some = pixels[begin : begin + PREDICTED_AT_ONCE].astype(np.float32)
            parts.append(np.asarray(self.native(some, training=False)))
        return np.concatenate(parts)

    def summary(self) -> str:
        """Layers and weights, for people."""
        lines: list[str] = []
        self.native.summary(print_fn=lambda line, **_: lines.append(line), line_length=100)
        return "\n".join([*lines, f"{self.threads} thread(s)", ""])


def _scaled(keras: Any, images: Images) -> list[Any]:
    """Raw pixels (n, 28, 28) in, mean 0 and deviation 1 out."""
    mean, deviation = images.brightness
    return [
        keras.Input((SIDE, SIDE), dtype="float32", name="pixels"),
        keras.layers.Reshape((SIDE, SIDE, 1)),
        keras.layers.Rescaling(1 / deviation, offset=-mean / deviation),
    ]


def _trained(
    model: Any,
    recipe: TensorflowMnistMlp | TensorflowMnistCnn,
    images: Images,
    watched: Images | None,
    on_epoch: OnEpoch,
) -> FittedNetwork:
    import tensorflow as tf

    course = Course(recipe, on_epoch)
    optimizer = tf.keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.weight_decay)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    model.fit(
        images.pixels,
        images.labels,
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        validation_data=None if watched is None else (watched.pixels, watched.labels),
        validation_batch_size=PREDICTED_AT_ONCE,
        callbacks=[_steps(recipe, course, optimizer, len(images))],
        verbose=0,
    )
    kept = tf.keras.Model(model.inputs[0], model.outputs[0], name=model.name)  # the same layers, without the optimizer
    network = TensorflowNetwork(kept, recipe.threads)
    return FittedNetwork(network, recipe, len(images), course.watch.seconds, course.history)


def _steps(recipe: TensorflowMnistMlp | TensorflowMnistCnn, course: Course, optimizer: Any, rows: int) -> Any:
    """What happens around each step and epoch: the learning rate, the budget, the figures."""
    import tensorflow as tf

    steps = -(-rows // recipe.batch_size)
    names = {"loss": "train_loss", "accuracy": "train_accuracy",
             "val_loss": "watched_loss", "val_accuracy": "watched_accuracy"}  # fmt: skip

    class Steps(tf.keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            course.refuse_overtime()
            step = len(course.figures) * steps + batch
            optimizer.learning_rate.assign(one_cycle(step, recipe.epochs * steps, recipe.learning_rate))

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
            course.epoch_ended({names[name]: float(value) for name, value in (logs or {}).items()})

    return Steps()
