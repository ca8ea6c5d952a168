"""The learners of ticks by the name of their algorithm, so that a record can be read back.

Belongs here: the lookup. Does not: any learner. No library is imported by it.
"""

from collections.abc import Mapping
from typing import Any

from lakehouse_assets.learners.learner import Model, Recipe, UnknownRecipe
from lakehouse_assets.learners.lightgbm_trees import LightGBMModel, LightGBMRecipe
from lakehouse_assets.learners.random_forest import RandomForestModel, RandomForestRecipe
from lakehouse_assets.learners.xgboost_trees import XGBoostModel, XGBoostRecipe

RECIPES: Mapping[str, type[Recipe]] = {
    recipe.algorithm: recipe for recipe in (RandomForestRecipe, XGBoostRecipe, LightGBMRecipe)
}
MODELS: Mapping[str, type[Model]] = {
    model.algorithm: model for model in (RandomForestModel, XGBoostModel, LightGBMModel)
}


def recipe_of(algorithm: str, parameters: Mapping[str, Any]) -> Recipe:
    """The recipe that `as_parameters` described.

    Raises:
        UnknownRecipe: there is no such algorithm, or a parameter it does not know.
    """
    made: Any = _known(algorithm, RECIPES)
    try:
        recipe: Recipe = made(**parameters)
    except TypeError as error:
        raise UnknownRecipe(f"{algorithm}: the recipe is another one than recorded: {error}") from error
    return recipe


def model_of(algorithm: str, native: Any) -> Model:
    """A library's own object as a model.

    Raises:
        UnknownRecipe: there is no such algorithm.
    """
    made: Any = _known(algorithm, MODELS)
    model: Model = made(native)
    return model


def _known(algorithm: str, names: Mapping[str, Any]) -> Any:
    if algorithm not in names:
        raise UnknownRecipe(f"there is no algorithm {algorithm}: use one of {', '.join(names)}")
    return names[algorithm]
