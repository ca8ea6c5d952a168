"""A recorded recipe is the same again, whichever learner it is of."""

import json

import pytest

from lakehouse_assets.learners.algorithms import MODELS, RECIPES, model_of, recipe_of


@pytest.mark.parametrize("algorithm", RECIPES)
def test_a_recipe_is_the_same_after_a_trip_through_json(algorithm: str) -> None:
    recipe = RECIPES[algorithm]()
    again = recipe_of(algorithm, json.loads(json.dumps({**recipe.as_parameters(), "seed": 99})))
    assert type(again) is type(recipe)
    assert again.seed == 99
    assert {**again.as_parameters(), "seed": recipe.seed} == recipe.as_parameters()


def test_every_recipe_has_its_model() -> None:
    assert set(MODELS) == set(RECIPES)
    native = object()
    for algorithm in MODELS:
        model = model_of(algorithm, native)
        assert (model.algorithm, model.native) == (algorithm, native)


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(ValueError, match="there is no algorithm perceptron: use one of"):
        recipe_of("perceptron", {})
    with pytest.raises(ValueError, match="there is no algorithm perceptron"):
        model_of("perceptron", object())
    with pytest.raises(ValueError, match=r"xgboost: the recipe is another one than recorded: .*roundz"):
        recipe_of("xgboost", {"roundz": 5})
