"""The recipes of networks by the name of their algorithm, so that a record can be read back.

Belongs here: the lookup. Does not: any network. No library is imported by it.
"""

from collections.abc import Mapping
from typing import Any

from lakehouse_assets.learners.learner import UnknownRecipe
from lakehouse_assets.learners.networks.keras import TensorflowMnistCnn, TensorflowMnistMlp
from lakehouse_assets.learners.networks.network import ImageRecipe
from lakehouse_assets.learners.networks.pytorch import PytorchMnistCnn, PytorchMnistMlp

NETWORKS: Mapping[str, type[ImageRecipe]] = {
    recipe.algorithm: recipe for recipe in (TensorflowMnistMlp, TensorflowMnistCnn, PytorchMnistMlp, PytorchMnistCnn)
}


def network_recipe_of(algorithm: str, parameters: Mapping[str, Any]) -> ImageRecipe:
    """The recipe that `as_parameters` described.

    Raises:
        UnknownRecipe: there is no such algorithm, or a parameter it does not know.
    """
    if algorithm not in NETWORKS:
        raise UnknownRecipe(f"there is no network {algorithm}: use one of {', '.join(NETWORKS)}")
    made: Any = NETWORKS[algorithm]
    try:
        recipe: ImageRecipe = made(**parameters)
    except TypeError as error:
        raise UnknownRecipe(f"{algorithm}: the recipe is another one than recorded: {error}") from error
    return recipe
