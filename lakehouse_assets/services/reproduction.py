"""Train a registered version again from what it recorded, and compare what comes out.

Belongs here: the comparison and the first thing that differs. Does not: training itself, how a result is shown.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.learners.networks.algorithms import network_recipe_of
from lakehouse_assets.learners.training import train
from lakehouse_assets.services.digit_record import DigitRecord
from lakehouse_assets.services.digit_training import attempt
from lakehouse_assets.services.environment import Environment
from lakehouse_assets.services.model_training import Progress, training_rows
from lakehouse_assets.services.provenance import Provenance
from lakehouse_assets.services.registry import DIGIT_MODEL, TICK_MODEL, ModelRegistry, known_are
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.training_record import TrainingRecord
from lakehouse_assets.services.training_rows import inputs_again

MODEL_URI: Final = re.compile(r"models:/(?P<name>[A-Za-z0-9_-]+)(/(?P<version>[1-9][0-9]*)|@(?P<alias>[A-Za-z0-9_-]+))")


class UnknownModel(LookupError):
    """The URI names no registered version; the message says which there are."""


@dataclass(frozen=True)
class Reproduction:
    """What a version's hold-out predictions were, and what they are when it is trained again; hashes."""

    uri: str
    expected: str
    found: str
    differences: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every prediction came out the same, to the bit."""
        return self.expected == self.found

    def __str__(self) -> str:
        """One line: REPRODUCED, or the first thing that differs."""
        if self.is_equal:
            return f"REPRODUCED {self.uri}: the hold-out's predictions are the same to the bit ({self.found[:12]})"
        first = next(iter(self.differences), "nothing that is recorded: the learner is not deterministic")
        return f"NOT REPRODUCED {self.uri}: predictions {self.expected[:12]} became {self.found[:12]}; {first}"


def reproduce(lake: Lake, store: TrackingStore, uri: str, progress: Progress = lambda _: None) -> Reproduction:
    """Train the version again, by this code in this process, on the snapshots that it recorded.

    Raises:
        UnknownModel: there is no such version.
        SnapshotMissing: the rows that it was trained from have expired.
        FeatureGone, UnknownRecipe: a column or a parameter that it was trained with is no longer known.
        NotInstalled: its library is not installed.
        OverBudget: here it takes longer than its recipe allows.
    """
    registry, number = resolve(store, uri)
    run_id = str(registry.version(number).run_id)
    made, again = RETRAINING[registry.name](lake, store, run_id, progress)
    now = Environment.here(made.library)
    return Reproduction(
        f"models:/{registry.name}/{number}", made.prediction_hash, again, tuple(_differences(lake, made, now))
    )


def resolve(store: TrackingStore, uri: str) -> tuple[ModelRegistry, str]:
    """The registry and the number of the version that a URI names, by number or by alias.

    Raises:
        UnknownModel: it is no such URI, or there is no such model, version or alias.
    """
    named = MODEL_URI.fullmatch(uri)
    if named is None:
        raise UnknownModel(
            f"{uri}: write models:/<name>/<version> or models:/<name>@<alias>, of {', '.join(RETRAINING)}"
        )
    if named["name"] not in RETRAINING:
        raise UnknownModel(f"{uri}: no model {named['name']} can be made again; known are {', '.join(RETRAINING)}")
    registry = ModelRegistry(store, named["name"])
    known = registry.numbers()
    number = named["version"] or registry.alias(named["alias"])
    if number not in known:
        raise UnknownModel(f"{uri}: there is no such version; {known_are(known)}")
    return registry, number


def _ticks(lake: Lake, store: TrackingStore, run_id: str, progress: Progress) -> tuple[Provenance, str]:
    record = TrainingRecord.read(store, run_id)
    inputs = inputs_again(record, lake)
    # Folds and the naive split judge the recipe; the model that is kept is of the last span alone.
    last_only = replace(record.plan, folds=0, naive_split=False)
    with training_rows(inputs, progress) as (rows, cache):
        trained = train(rows, inputs.columns, last_only, cache=cache, progress=progress)
    return record.provenance, trained.prediction_hash


def _digits(lake: Lake, store: TrackingStore, run_id: str, progress: Progress) -> tuple[Provenance, str]:
    made = DigitRecord.read(store, run_id).provenance
    recipe = network_recipe_of(made.algorithm, made.plan["recipe"])
    (table,) = made.tables
    progress(f"training {made.algorithm} again on {table.name}")
    return made, attempt(table.pin(lake), recipe).predictions.hash


Retraining = Callable[[Lake, TrackingStore, str, Progress], tuple[Provenance, str]]
RETRAINING: Final[Mapping[str, Retraining]] = MappingProxyType({TICK_MODEL: _ticks, DIGIT_MODEL: _digits})


def _differences(lake: Lake, made: Provenance, now: Environment) -> list[str]:
    """What differs, code first: where it does, the rest says little."""
    found = list(made.environment.differences(now))
    if any(difference.startswith("code") for difference in found):
        found[0] += f" (trained by commit {made.environment.git_sha})"
    data = [
        f"data: {table.name} at snapshot {table.snapshot_id} shows other files than were read"
        for table in made.tables
        if table.pin(lake).content_key != table.content_key
    ]
    order = ("code", "library", "data", "hardware", "lock")
    return sorted([*found, *data], key=lambda one: order.index(one.split(":")[0]))
