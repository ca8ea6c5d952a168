"""What `models.md` says of the models that the code knows as well: one text a marker.

Belongs here: recipes, libraries, checks, features, the split's settings. Does not: prose, scores, writing files.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import dagster as dg

from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.contracts.raw import IMAGE_COUNTS
from lakehouse_assets.definitions import defs
from lakehouse_assets.learners.algorithms import RECIPES
from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.judgement import FEWEST_BLOCKS
from lakehouse_assets.learners.networks.algorithms import NETWORKS
from lakehouse_assets.learners.search_spaces import SPACES, Range
from lakehouse_assets.services.autolog import SOUND
from lakehouse_assets.services.flavours import FLAVOURS
from lakehouse_assets.services.registry import DESCRIPTIONS, DIGIT_MODEL, TICK_MODEL
from lakehouse_assets.settings import LabelSettings, ModelSettings

Checks: TypeAlias = Mapping[str, Sequence[dg.AssetCheckSpec]]
Graph: TypeAlias = Mapping[str, tuple[str, Sequence[str]]]

DICTIONARY = "data_dictionary.md"
OF_THE_SPLIT = (
    "algorithm", "folds", "embargo_minutes", "holdout_share", "bootstrap_samples", "too_good_balanced_accuracy",
    "most_miscalibrated",
)  # fmt: skip


def model_facts(graph: Graph, checks: Checks) -> dict[str, str]:
    """The text of each marker of `models.md`, by its name.

    Args:
        graph: every asset with its layer and what it reads.
        checks: the checks of every asset.
    """
    facts = {"registered models": _registered(), "features": _features(), "settings": _settings(), "images": _images()}
    facts["search spaces"] = "\n".join(f"- {name}: {_space(space)}." for name, space in SPACES.items())
    for recipes, model in ((RECIPES, TICK_MODEL), (NETWORKS, DIGIT_MODEL)):
        for algorithm, recipe in recipes.items():
            made: Any = recipe
            asset = f"model_{algorithm}"
            facts[asset] = "\n".join(_model(made(), model, graph[asset][1], checks[asset]))
    return facts


def _registered() -> str:
    return "\n".join(f"- `{name}`: {said}." for name, said in DESCRIPTIONS.items())


def _features() -> str:
    tables = FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS
    features, labels = (f"[`{one.table}`]({DICTIONARY}#{one.table})" for one in tables)
    names = FEATURE_OPTION_MINUTES.features
    (label,) = (column for column in FEATURE_OPTION_LABELS.columns if column.role == "label")
    return (
        f"The {len(names)} features of {features}: {_listed(names)}.\n\n"
        f"The label `{label.name}` of {labels}: {label.meaning}."
    )


def _settings() -> str:
    model, blocks = ModelSettings(), Resampling()
    known = {f"model.{name}": getattr(model, name) for name in OF_THE_SPLIT}
    known["labels.horizon_minutes"] = LabelSettings().horizon_minutes
    return (
        f"Settings as they come: {_values(known)}. An interval is drawn from blocks of {blocks.block_minutes} minutes; "
        f"with fewer than {FEWEST_BLOCKS} of them nobody is promoted."
    )


def _images() -> str:
    return "\n".join(
        f"- `mnist.origin` `{origin}`: {counts['train']:,} images to learn from, {counts['test']:,} to be judged on."
        for origin, counts in IMAGE_COUNTS.items()
    )


def _model(recipe: Any, model: str, reads: Sequence[str], checks: Sequence[dg.AssetCheckSpec]) -> Iterator[str]:
    flavour, logged = FLAVOURS[recipe.library], "also by" if recipe.library in SOUND else "without"
    yield f"- **Registered as** `{model}`, its latest version `@{recipe.algorithm}`. **Reads** {_listed(reads)}."
    yield f"- **Library** {recipe.library}; kept by `{flavour.module}`; logged {logged} MLflow's autolog."
    yield f"- **Recipe** {_values(recipe.as_parameters())}."
    yield f"- **In the launchpad** {_listed(_knobs(f'model_{recipe.algorithm}'))}."
    yield "- **Checks** " + ", ".join(f"`{one.name}` ({'blocks' if one.blocking else 'warns'})" for one in checks) + "."


def _knobs(asset: str) -> list[str]:
    """What the launchpad asks for."""
    schema: Any = defs.resolve_assets_def(asset).op.config_schema
    return list(schema.config_type.fields)


def _space(space: Mapping[str, Range]) -> str:
    ends = {name: (one, ", on a logarithmic scale" if one.log else "") for name, one in space.items()}
    return "; ".join(f"`{name}` {one.low:g} to {one.high:g}{scale}" for name, (one, scale) in ends.items())


def _values(values: Mapping[str, Any]) -> str:
    return ", ".join(f"`{name}` {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else f"`{value}`"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
