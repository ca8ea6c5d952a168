"""How each library's models are written: by MLflow's own flavour, with exact requirements."""

from importlib.metadata import version
from typing import Any

import pytest

from lakehouse_assets.learners.algorithms import RECIPES
from lakehouse_assets.learners.networks.algorithms import NETWORKS
from lakehouse_assets.services.flavours import EVERYWHERE, FLAVOURS, Flavour, version_of, versions_of


def test_every_recipe_has_a_flavour_and_every_flavour_a_recipe() -> None:
    recipes: tuple[Any, ...] = (*RECIPES.values(), *NETWORKS.values())
    assert {one.library for one in recipes} == set(FLAVOURS)


@pytest.mark.parametrize("library", FLAVOURS)
def test_requirements_are_the_installed_versions_to_the_digit(library: str) -> None:
    found = dict(line.split("==") for line in FLAVOURS[library].requirements)
    assert library in {name.removesuffix("-cpu") for name in found}
    assert set(EVERYWHERE) <= set(found)
    assert found == {name: version(name) for name in found}


def test_what_is_not_installed_is_no_requirement() -> None:
    flavour = Flavour("mlflow.nothing", ("xgboost", "a-library-nobody-has"))
    assert [line.split("==")[0] for line in flavour.requirements] == ["xgboost", *EVERYWHERE]
    assert version_of("a-library-nobody-has") is None
    assert versions_of(("a-library-nobody-has", "numpy")) == {"numpy": version("numpy")}
