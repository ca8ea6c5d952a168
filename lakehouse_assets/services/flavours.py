"""How a trained model is written and read again, by the library that made it.

Belongs here: MLflow's flavour of each library, with what its defaults get wrong. Does not: which run it belongs to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from types import MappingProxyType
from typing import Any, Final

EVERYWHERE: Final = ("numpy", "pandas", "mlflow-skinny")
"""What any reader of a model needs beside the model's own library."""


@dataclass(frozen=True)
class Flavour:
    """MLflow's module for a library, the distributions that a reader needs, and what is said when a model is saved."""

    module: str
    distributions: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def requirements(self) -> list[str]:
        """The installed versions, as pip writes them; given, not inferred: inferring takes a subprocess of 6-12 s."""
        return [f"{name}=={found}" for name in (*self.distributions, *EVERYWHERE) if (found := version_of(name))]

    def log(self, native: Any, **details: Any) -> Any:
        """Write a model; `details` are the arguments that all flavours share."""
        return import_module(self.module).log_model(
            native, pip_requirements=self.requirements, **self.options, **details
        )

    def load(self, uri: str, folder: str) -> Any:
        """Read a model back in its native form; files that a server has are brought into the folder first."""
        return import_module(self.module).load_model(uri, dst_path=folder)


FLAVOURS: Final[Mapping[str, Flavour]] = MappingProxyType({
    "xgboost": Flavour("mlflow.xgboost", ("xgboost",)),
    "lightgbm": Flavour("mlflow.lightgbm", ("lightgbm",)),
    # skops reads no type that it was not told to trust; a forest's trees are one. Served as probabilities.
    "scikit-learn": Flavour(
        "mlflow.sklearn",
        ("scikit-learn", "skops"),
        {"skops_trusted_types": ["sklearn.tree._tree.Tree"], "pyfunc_predict_fn": "predict_proba"},
    ),
    # An exported program: the other format is pickle, which runs whatever it holds.
    "torch": Flavour("mlflow.pytorch", ("torch",), {"serialization_format": "pt2"}),
    "tensorflow": Flavour("mlflow.tensorflow", ("tensorflow", "tensorflow-cpu")),
})  # fmt: skip
"""By the distribution that a recipe names as its library."""


def version_of(distribution: str) -> str | None:
    """The installed version; None where it is not installed."""
    try:
        return installed(distribution)
    except PackageNotFoundError:
        return None


def versions_of(distributions: Sequence[str]) -> dict[str, str]:
    """The installed versions of those that are installed."""
    return {name: found for name in distributions if (found := version_of(name))}
