"""The two PyTorch networks: a multilayer perceptron and a convolutional one.

Belongs here: their recipes, layers and the training loop. Does not: scores, nor where a model is kept.

The same images and recipe make the same weights: one seed for weights and dropout, a generator of its own for the
order of the images, deterministic kernels, and the recipe's thread count, since another one adds in another order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lakehouse_assets.learners.learner import let_idle_threads_sleep
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

if TYPE_CHECKING:
    import torch


SCALE = 2
"""The place of the normalisation of raw pixels among the layers: its statistics stay as they are."""


@dataclass(frozen=True)
class PytorchMnistMlp(NetworkKnobs):
    """Two hidden layers of 256 and 128; six epochs of a one-cycle course."""

    algorithm: ClassVar[str] = "pytorch_mnist_mlp"
    library: ClassVar[str] = "torch"

    def fit(self, images: Images, *, watched: Images | None = None, on_epoch: OnEpoch = silent) -> FittedNetwork:
        """Train; see `ImageRecipe.fit`."""
        require_library(self.algorithm, self.library)
        let_idle_threads_sleep()
        from torch import nn

        with _settled(self.seed, self.threads):
            model = nn.Sequential(
                *_scaled(images),
                nn.Flatten(),
                nn.Linear(SIDE * SIDE, 256),
                nn.ReLU(),
                nn.Dropout(self.dropout),
                nn.Linear(256, 128),
                nn.ReLU(),
                nn.Dropout(self.dropout),
                nn.Linear(128, CLASSES),
                nn.Softmax(dim=1),
            )
            return _trained(model, self, images, watched, on_epoch)


@dataclass(frozen=True)
class PytorchMnistCnn(NetworkKnobs):
    """Two convolutions of 16 and 32 channels with batch normalisation and pooling, then a layer of 64.

    Only the last hidden layer has dropout. Weights lie channels last, which halves the CPU time.
    """

    algorithm: ClassVar[str] = "pytorch_mnist_cnn"
    library: ClassVar[str] = "torch"
    epochs: int = 4
    learning_rate: float = 0.01

    def fit(self, images: Images, *, watched: Images | None = None, on_epoch: OnEpoch = silent) -> FittedNetwork:
        """Train; see `ImageRecipe.fit`."""
        require_library(self.algorithm, self.library)
        let_idle_threads_sleep()
        import torch
        from torch import nn

        with _settled(self.seed, self.threads):
            model = nn.Sequential(
                *_scaled(images),
                nn.Conv2d(1, 16, kernel_size=3, padding=1),
                nn.BatchNorm2d(16),
                nn.MaxPool2d(2),
                nn.ReLU(),
                nn.Conv2d(16, 32, kernel_size=3, padding=1),
                nn.BatchNorm2d(32),
                nn.MaxPool2d(2),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(32 * (SIDE // 4) ** 2, 64),
                nn.ReLU(),
                nn.Dropout(self.dropout),
                nn.Linear(64, CLASSES),
                nn.Softmax(dim=1),
            ).to(memory_format=torch.channels_last)
            return _trained(model, self, images, watched, on_epoch)


@dataclass(frozen=True)
class PytorchNetwork:
    """A trained PyTorch network; it also takes pixels as (n, 784)."""

    native: "torch.nn.Sequential"
    threads: int

    def predict(self, pixels: Pixels) -> Probabilities:
        """The probability of each digit; (n, 28, 28) uint8 in, (n, 10) float32 out."""
        import torch

        self.native.eval()
        parts = [np.empty((0, CLASSES), dtype=np.float32)]
        with _settled(0, self.threads), torch.inference_mode():
            for begin in range(0, len(pixels), PREDICTED_AT_ONCE):
                some = torch.from_numpy(pixels[begin : begin + PREDICTED_AT_ONCE].astype(np.float32))
                parts.append(self.native(some).numpy())
        return np.concatenate(parts)

    def summary(self) -> str:
        """Layers and weights, for people."""
        learnt = sum(one.numel() for one in self.native.parameters() if one.requires_grad)
        return f"{self.native}\n{learnt:,} weights learnt; {self.threads} thread(s)\n"


def _scaled(images: Images) -> "list[torch.nn.Module]":
    """Raw pixels in, mean 0 and deviation 1 out: a normalisation that keeps the statistics of the training images."""
    import torch
    from torch import nn

    mean, deviation = images.brightness
    scale = nn.BatchNorm2d(1, eps=0.0, affine=False)
    scale.running_mean, scale.running_var = torch.tensor([mean]), torch.tensor([deviation**2])
    return [nn.Flatten(), nn.Unflatten(1, (1, SIDE, SIDE)), scale]


@contextmanager
def _settled(seed: int, threads: int) -> Iterator[None]:
    """Seed, thread count and deterministic kernels as asked, and as before again at the end."""
    import torch

    memory: Any = torch.utils.deterministic  # by default it is filled before use: a fifth of the time, for nothing
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), memory.fill_uninitialized_memory
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
        memory.fill_uninitialized_memory = before[2]


def _trained(
    model: "torch.nn.Sequential",
    recipe: PytorchMnistMlp | PytorchMnistCnn,
    images: Images,
    watched: Images | None,
    on_epoch: OnEpoch,
) -> FittedNetwork:
    import torch

    course = Course(recipe, on_epoch)
    network = PytorchNetwork(model, recipe.threads)
    order = torch.Generator().manual_seed(recipe.seed)
    learnt = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    for _ in range(recipe.epochs):
        figures = _epoch(model, recipe, images, optimizer, order, course)
        if watched is not None:
            figures |= _watched(network, watched)
        course.epoch_ended(figures)
    model.eval()
    return FittedNetwork(network, recipe, len(images), course.watch.seconds, course.history)


def _epoch(
    model: "torch.nn.Sequential",
    recipe: PytorchMnistMlp | PytorchMnistCnn,
    images: Images,
    optimizer: "torch.optim.Optimizer",
    order: "torch.Generator",
    course: Course,
) -> dict[str, float]:
    """One pass over the images in a fresh order; loss and accuracy as the steps saw them."""
    import torch

    pixels, labels = torch.from_numpy(images.pixels), torch.from_numpy(images.labels.astype(np.int64))
    to_logits = model[:-1]  # all but the softmax: the loss of logits is the exact one
    model.train()
    model[SCALE].eval()
    steps = -(-len(images) // recipe.batch_size)
    done, loss_sum, right = len(course.figures) * steps, 0.0, 0
    shuffled: Any = torch.randperm(len(images), generator=order)
    for number, chosen in enumerate(shuffled.split(recipe.batch_size)):
        course.refuse_overtime()
        for group in optimizer.param_groups:
            group["lr"] = one_cycle(done + number, recipe.epochs * steps, recipe.learning_rate)
        logits, truth = to_logits(pixels[chosen].float()), labels[chosen]
        loss: Any = torch.nn.functional.cross_entropy(logits, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.item() * len(chosen)
        right += int((logits.argmax(dim=1) == truth).sum())
    return {"train_loss": loss_sum / len(images), "train_accuracy": right / len(images)}


def _watched(network: PytorchNetwork, images: Images) -> dict[str, float]:
    found = network.predict(images.pixels)
    hit = found[np.arange(len(images)), images.labels].astype(np.float64)
    loss = float(-np.log(np.maximum(hit, np.finfo(np.float32).tiny)).mean())
    return {"watched_loss": loss, "watched_accuracy": float((found.argmax(axis=1) == images.labels).mean())}
