"""The properties that catch every leak in learning: test rows decide on no fitted model, the last span on no recipe.

Belongs here: ways to change what must not be looked at, and the properties. Does not: any leak.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.learner import Recipe
from lakehouse_assets.learners.spool import outline
from lakehouse_assets.learners.training import TrainingPlan, split_of, train
from lakehouse_assets.learners.tuning import StudyStorage, tune
from lakehouse_assets_tests.learners.synthetic import COLUMNS, FEATURES, World, in_batches, rows

WORLD = World(days=2, minutes=60, contracts=4, follow=0.8)
RESAMPLING = Resampling(samples=2)

Mask: TypeAlias = npt.NDArray[np.bool_]
Preparation = Callable[[pa.RecordBatch, Mask], pa.RecordBatch]
"""What is done to rows ahead of a training; it is told which of them will be learnt from."""


def with_column(batch: pa.RecordBatch, name: str, values: Any) -> pa.RecordBatch:
    """The rows with another column of that name; NaN stays null."""
    column = pa.array(values, from_pandas=True)
    return batch.set_column(batch.schema.get_field_index(name), name, column)


def numbers(batch: pa.RecordBatch, name: str) -> Any:
    """A column; null is NaN."""
    return batch[name].to_numpy(zero_copy_only=False)


def other_labels(batch: pa.RecordBatch, chosen: Mask) -> pa.RecordBatch:
    """The chosen rows with the opposite label."""
    label = numbers(batch, "label")
    return with_column(batch, "label", np.where(chosen, 1 - label, label).astype(np.int8))


def other_features(batch: pa.RecordBatch, chosen: Mask) -> pa.RecordBatch:
    """The chosen rows with other features, unlike any that is learnt from."""
    for name in FEATURES:
        known = numbers(batch, name)
        batch = with_column(batch, name, np.where(chosen, 3 * known + 1, known))
    return batch


CHANGES: Mapping[str, Callable[[pa.RecordBatch, Mask], pa.RecordBatch]] = {
    "other labels": other_labels,
    "other features": other_features,
}


def as_it_is(batch: pa.RecordBatch, _: Mask) -> pa.RecordBatch:
    """No preparation."""
    return batch


def assert_blind_to_the_test_rows(recipe: Recipe, prepare: Preparation = as_it_is) -> None:
    """Whatever stands in the rows that are not learnt from: the fit sees the same bytes and makes the same model.

    Raises:
        AssertionError: it does not; the message says what was changed.
    """
    batch = rows(WORLD)
    honest = fitted(batch, recipe, prepare)
    for name, change in CHANGES.items():
        planted = change(batch, ~learnt_from(batch))
        assert not planted.equals(batch)
        assert fitted(planted, recipe, prepare) == honest, f"{name} in the test rows: another model"


def fitted(batch: pa.RecordBatch, recipe: Recipe, prepare: Preparation) -> str:
    """A digest of the rows that the last fit learns from, and of what its model says of them."""
    mine = learnt_from(batch)
    prepared = prepare(batch, mine)
    plan = TrainingPlan(recipe, folds=0, resampling=RESAMPLING, naive_split=False)
    model = train(in_batches(prepared), COLUMNS, plan).fitted.model
    learnt = prepared.filter(pa.array(mine))
    guessed = model.predict([learnt])
    assert np.ptp(guessed) > 0, "nothing is learnt, so nothing is proved"
    seen = b"".join(np.asarray(numbers(learnt, name), dtype=np.float64).tobytes() for name in learnt.schema.names)
    return sha256(seen + guessed.tobytes()).hexdigest()


def learnt_from(batch: pa.RecordBatch) -> Mask:
    """The rows that the model which is kept learns from."""
    known = outline(in_batches(batch), COLUMNS)
    return split_of(known, TrainingPlan(folds=0)).holdout.trains(known.t1)


def assert_tuning_is_blind_to_the_last_span(plan: TrainingPlan, folder: Path) -> None:
    """Whatever the labels of the last span: the same trials with the same losses, and the same recipe.

    Raises:
        AssertionError: another one.
    """
    batch = rows(WORLD)
    known = outline(in_batches(batch), COLUMNS)
    last = split_of(known, plan).holdout.tests(known.t0)
    found = []
    for name, planted in {"honest": batch, "planted": other_labels(batch, last)}.items():
        storage = StudyStorage(f"sqlite:///{folder / 'studies.db'}", name)
        tuned = tune(in_batches(planted), COLUMNS, plan, storage, trials=2, seconds=1_000.0)
        found.append((tuned.recipe, [(trial.parameters, trial.fold_losses) for trial in tuned.trials]))
    assert found[0] == found[1], "other labels in the last span: another search"
