"""What is searched, what the launchpad asks for and what `lakehouse.toml` knows are the same knobs."""

from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.defs.model_configs import CONFIGS, default_recipe
from lakehouse_assets.learners.algorithms import RECIPES
from lakehouse_assets.learners.search_spaces import SPACES
from lakehouse_assets.settings import CONFIG_VARIABLE, ModelSettings, Settings, as_toml, load_settings

every = pytest.mark.parametrize("algorithm", CONFIGS)


def settable(algorithm: str) -> dict[str, Any]:
    """What the settings have for a learner: its own table's, then those of `[model]`."""
    model = load_settings().model
    return {**model.model_dump(), **getattr(model, algorithm).model_dump()}


@every
def test_every_knob_that_is_searched_can_be_set_in_the_launchpad_and_in_the_file(algorithm: str) -> None:
    assert set(SPACES[algorithm]) <= set(CONFIGS[algorithm].model_fields)
    assert set(SPACES[algorithm]) <= set(settable(algorithm))


@every
def test_the_launchpad_offers_what_the_file_has_with_the_files_values(algorithm: str) -> None:
    config: Any = CONFIGS[algorithm]
    asked = config().model_dump()
    assert asked == {name: settable(algorithm)[name] for name in asked}
    assert set(type(getattr(ModelSettings(), algorithm)).model_fields) <= set(asked)


@every
def test_without_any_setting_it_is_the_learners_own_recipe(algorithm: str) -> None:
    made: Any = RECIPES[algorithm]
    assert default_recipe(algorithm) == made()


@every
@pytest.mark.parametrize("end", ["low", "high"])
def test_what_a_study_finds_anywhere_in_its_space_is_taken_by_the_file(
    algorithm: str, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {name: getattr(space, end) for name, space in SPACES[algorithm].items()}
    (tmp_path / "lakehouse.toml").write_text(as_toml(algorithm, found))
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "lakehouse.toml"))
    load_settings.cache_clear()
    assert {name: settable(algorithm)[name] for name in found} == found


def test_the_lines_for_the_file_name_the_table_of_each_knob() -> None:
    assert as_toml("lightgbm", {"num_leaves": 9, "learning_rate": 0.0625}) == (
        "[model]\nlearning_rate = 0.0625\n\n[model.lightgbm]\nnum_leaves = 9"
    )
    assert as_toml("random_forest", {"max_depth": 9}) == "[model.random_forest]\nmax_depth = 9"
    assert Settings().model.max_depth != 9  # which is that of the boosted trees
