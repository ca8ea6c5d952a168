"""The words of the networks: what is trained, what comes out, and the limits both keep.

Belongs here: shapes and errors that PyTorch and TensorFlow share, and the learning rate's course.
Does not: either library.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from lakehouse_assets.learners.learner import AnyRecipe, OverBudget, Stopwatch
from lakehouse_assets.learners.networks.images import Images, Pixels

Probabilities: TypeAlias = npt.NDArray[np.float32]

OnEpoch: TypeAlias = Callable[[int, Mapping[str, float]], None]
"""Called after each epoch with its number, from 1, and its figures under the names of `MEASURES`."""

MEASURES = ("train_loss", "train_accuracy", "watched_loss", "watched_accuracy")
"""Loss in nats an image; of training it is the mean over the epoch's steps, while the weights still moved."""

PREDICTED_AT_ONCE = 1_000
"""Images a prediction step: fixed, since the order of additions may depend on it."""

WARM_UP_SHARE = 0.3
FIRST_PART, LAST_PART = 1 / 25, 1 / 250_000
"""Of the peak: where the learning rate starts and ends."""


class NotInstalled(RuntimeError):
    """A recipe's library is not installed; the message says how to install it."""


class Network(Protocol):
    """A trained network as its library keeps it."""

    @property
    def native(self) -> Any:
        """The library's own model: raw pixels 0 to 255, float32 (n, 28, 28), in; probabilities (n, 10) out.

        Scaling and softmax are layers of it, and every layer is the library's own, so that it loads without us.
        """
        ...

    def predict(self, pixels: Pixels) -> Probabilities:
        """The probability of each digit; (n, 28, 28) uint8 in, (n, 10) float32 out."""
        ...

    def summary(self) -> str:
        """Layers and weights, for people."""
        ...


class ImageRecipe(AnyRecipe, Protocol):
    """All that decides a network besides the images; the thread count is part of it and is recorded.

    `library` is the name that it is imported under, `seed` of the first weights, the order of the images and dropout.
    """

    def fit(self, images: Images, *, watched: Images | None = None, on_epoch: OnEpoch) -> "FittedNetwork":
        """Train.

        Args:
            images: what is learnt from.
            watched: images whose loss and accuracy are recorded after each epoch; nothing is chosen by them.
            on_epoch: told of each epoch as it ends.

        Raises:
            NotInstalled: the library is not there.
            OverBudget: it took too long.
        """
        ...


@dataclass(frozen=True)
class NetworkKnobs:
    """What every network may be told, with what is right for dense layers.

    Steps are AdamW's; `learning_rate` is the peak of a one-cycle course, `dropout` the share of a hidden layer left out
    of a step.
    """

    epochs: int = 6
    batch_size: int = 128
    learning_rate: float = 0.003
    weight_decay: float = 0.01
    dropout: float = 0.2
    seed: int = 7
    threads: int = 1
    time_budget_seconds: float = 600.0

    def as_parameters(self) -> dict[str, str | int | float | bool]:
        """Every knob, for the record."""
        return asdict(self)


@dataclass(frozen=True)
class FittedNetwork:
    """A trained network, and its course: one figure an epoch under each name of `MEASURES` that was measured."""

    model: Network
    recipe: ImageRecipe
    rows: int
    seconds: float
    history: Mapping[str, tuple[float, ...]]


class Course:
    """Keeps the figures of the epochs and the time that is left."""

    def __init__(self, recipe: ImageRecipe, on_epoch: OnEpoch) -> None:
        self.watch = Stopwatch(recipe)
        self.figures: list[Mapping[str, float]] = []
        self._on_epoch = on_epoch

    @property
    def history(self) -> dict[str, tuple[float, ...]]:
        """The epochs' figures by name."""
        return {name: tuple(one[name] for one in self.figures) for name in MEASURES if name in self.figures[0]}

    def refuse_overtime(self) -> None:
        """Stop where the budget is used up; asked before each step.

        Raises:
            OverBudget: it is.
        """
        if self.watch.is_over:
            recipe = self.watch.recipe
            raise OverBudget(
                f"{recipe.algorithm}: not done after {self.watch.seconds:.0f} s and {len(self.figures)} epochs, "
                f"{recipe.time_budget_seconds:g} s are allowed: nothing is kept; raise time_budget_seconds "
                "or lower epochs"
            )

    def epoch_ended(self, figures: Mapping[str, float]) -> None:
        """Note an epoch and tell of it."""
        self.figures.append(figures)
        self._on_epoch(len(self.figures), figures)


def silent(number: int, figures: Mapping[str, float]) -> None:
    """Tell nobody of an epoch."""


def require_library(algorithm: str, library: str) -> None:
    """Make sure that a recipe's library can be imported, without importing it.

    Raises:
        NotInstalled: it cannot.
    """
    if find_spec(library) is None:
        raise NotInstalled(
            f"{algorithm} needs {library}, which is not installed: run `make install-deep` (about 5 GB), "
            "or install the extra: pip install 'lakehouse-assets[deep]'"
        )


def one_cycle(step: int, steps: int, peak: float) -> float:
    """The learning rate of a step, 0 <= step < steps: up to the peak along half a cosine, then down to almost nothing.

    Source: Smith and Topin (2019), super-convergence; the cosine form is that of fast.ai.
    """
    top = WARM_UP_SHARE * (steps - 1)
    if step <= top:
        return _between(FIRST_PART * peak, peak, step / top if top else 1.0)
    return _between(peak, LAST_PART * peak, (step - top) / (steps - 1 - top))


def _between(begin: float, end: float, way: float) -> float:
    return end + (begin - end) * (1 + math.cos(math.pi * way)) / 2
