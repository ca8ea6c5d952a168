"""The whole way from rows to a judged version, on a real store."""

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from lakehouse_assets.learners.matrix import prediction_hash
from lakehouse_assets.services import model_training
from lakehouse_assets.services.model_evaluation import tick_model
from lakehouse_assets.services.model_training import ModelOutcome, TooGoodToBeTrue, train_and_register
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking import PIPELINE_EXPERIMENT
from lakehouse_assets_tests.learners.synthetic import World, rows
from lakehouse_assets_tests.services.worlds import PLAN, RECIPE, TOO_GOOD, Reading, identity

SIGNAL = World(days=8)


def made(registry: ModelRegistry, reading: Reading, run: str = "run-1", rounds: int = 20) -> ModelOutcome:
    plan = dataclasses.replace(PLAN, recipe=dataclasses.replace(RECIPE, rounds=rounds))
    return train_and_register(reading.inputs, plan, registry, identity(run), too_good=TOO_GOOD)


def versions(registry: ModelRegistry) -> list[str]:
    return [str(found.version) for found in registry.store.client.search_model_versions("")]


@pytest.mark.slow
def test_a_model_is_registered_with_all_that_it_came_from_and_never_twice(registry: ModelRegistry) -> None:
    reading = Reading(rows(SIGNAL))
    first = made(registry, reading)
    assert 0.55 < first.scores.accuracy.value < 0.69
    assert registry.alias("xgboost") == first.version
    assert registry.champion is None
    version: Any = registry.version(first.version)
    assert version.run_id == first.run_id
    assert version.tags["prediction_hash"] == first.record.provenance.prediction_hash
    assert (version.tags["algorithm"], version.tags["library"]) == ("xgboost", "xgboost")
    assert version.tags["snapshot.feature_option_minutes"] == "7777777777777777777"
    run: Any = registry.store.client.get_run(first.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["max_depth"] == "3"
    assert run.data.metrics["fold_1_accuracy"] > 0.5
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.digest, dataset.dataset.source_type) == ("7777777777777777777", "iceberg")
    model = registry.store.client.get_logged_model(version.source.removeprefix("models:/"))
    assert (model.status, model.source_run_id, model.experiment_id) == ("READY", first.run_id, run.info.experiment_id)
    assert model.artifact_location.startswith(f"{registry.store.artifacts}/{PIPELINE_EXPERIMENT}/")
    plots = {file.path for file in registry.store.client.list_artifacts(first.run_id, "plots")}
    assert "plots/confusion_matrix.png" in plots

    again = made(registry, reading, run="run-2")
    assert (again.version, again.is_reused) == (first.version, True)
    assert again.record == first.record
    assert reading.times == 1  # the second time not a row was read
    assert versions(registry) == ["1"]


@pytest.mark.slow
def test_the_registered_model_predicts_what_was_judged(registry: ModelRegistry) -> None:
    batch = rows(SIGNAL)
    outcome = made(registry, Reading(batch))
    held_out = batch.filter(pa.array(batch["t0"].to_numpy() >= outcome.record.span.fold.test_start))
    predictions = tick_model(registry, outcome.version).predict([held_out])
    assert prediction_hash(predictions) == outcome.record.provenance.prediction_hash
    import mlflow.pyfunc

    with registry.store.pointed_at():
        served = mlflow.pyfunc.load_model(registry.version(outcome.version).source)
    frame = held_out.select(list(outcome.record.columns.features)).to_pandas().astype("float32")
    assert np.allclose(served.predict(frame), predictions, atol=1e-6)
    frame.iloc[::2, 0] = float("nan")  # a null is missing to both, whoever asks
    with_nulls = pa.RecordBatch.from_pandas(frame, preserve_index=False)
    assert np.allclose(served.predict(frame), tick_model(registry, outcome.version).predict([with_nulls]), atol=1e-6)


@pytest.mark.slow
def test_a_leaked_label_registers_nothing(registry: ModelRegistry) -> None:
    with pytest.raises(TooGoodToBeTrue, match=r"balanced accuracy .* is above 0.75: a leak until proven otherwise"):
        made(registry, Reading(rows(leak=True)))
    assert versions(registry) == []
    experiment = registry.store.experiment(PIPELINE_EXPERIMENT)
    assert {run.info.status for run in registry.store.client.search_runs([experiment])} == {"FAILED"}


@pytest.mark.slow
def test_a_killed_training_leaves_no_version_and_one_killed_after_registration_is_made_up_for(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kill is a KeyboardInterrupt at the two worst moments: before registration, and just after it."""
    reading = Reading(rows(SIGNAL))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(model_training, "save_model", killed)
        with pytest.raises(KeyboardInterrupt):
            made(registry, reading)
    assert versions(registry) == []
    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistry, "point", killed)
        with pytest.raises(KeyboardInterrupt):
            made(registry, reading)
    assert versions(registry) == ["1"]
    assert registry.alias("xgboost") is None
    healed = made(registry, reading, run="run-2")
    assert (healed.version, healed.is_reused) == ("1", True)
    assert registry.alias("xgboost") == "1"
