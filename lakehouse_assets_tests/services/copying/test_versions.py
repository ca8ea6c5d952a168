"""Versions in another registry: the same numbers, runs, files, tags and aliases; once, and never over others' own."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import DatasetInput, LoggedModelOutput, Metric, Param
from mlflow.entities.dataset import Dataset

from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.inspection import snapshots
from lakehouse_assets.lake.table import pin, pin_at
from lakehouse_assets.lake.tags import model_tags
from lakehouse_assets.services.copying import CopyRefused, artifacts
from lakehouse_assets.services.copying.artifacts import ArtifactDamaged
from lakehouse_assets.services.copying.runs import COMPLETE, RUN_COPIED
from lakehouse_assets.services.copying.versions import VERSION_COPIED
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry
from lakehouse_assets.services.tracking import PARENT_TAG, PIPELINE_EXPERIMENT
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets_tests.services.copying.conftest import Ends
from lakehouse_assets_tests.services.trained import FIRST, put_day, store_at

SNAPSHOT = "snapshot.feature_option_labels"


def register(home: Path, text: str, **tags: str) -> str:
    """A version of one file, its run below a parent; its number."""
    store = store_at(home)
    client, experiment = store.client, store.experiment(PIPELINE_EXPERIMENT)
    parent = client.create_run(experiment, run_name="parent", start_time=1_000)
    client.set_terminated(parent.info.run_id, end_time=3_000)
    run = client.create_run(
        experiment, run_name=text, start_time=2_000, tags={PARENT_TAG: parent.info.run_id, "who": text}
    )
    run_id = run.info.run_id
    client.log_batch(run_id, params=[Param(f"p{number}", "x") for number in range(130)][:100])
    client.log_batch(run_id, metrics=[Metric("loss", 1 / (step + 1), 5_000 + step, step) for step in range(30)])
    client.log_inputs(run_id, datasets=[DatasetInput(Dataset("rows", "7", "iceberg", "{}"))])
    client.log_text(run_id, f"summary of {text}", "deep/summary.txt")
    model = client.create_logged_model(experiment, name="model", source_run_id=run_id, params={"depth": "3"})
    folder = home / "made" / text
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text(text)
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    client.set_terminated(run_id, end_time=4_000)
    if not {one.name for one in client.search_registered_models()}:
        client.create_registered_model(TICK_MODEL, description="a model")
    with store.pointed_at():
        made = client.create_model_version(
            TICK_MODEL, f"models:/{model.model_id}", run_id, tags={"data_key": text, **tags}, model_id=model.model_id
        )
    return str(made.version)


def registry(home: Path) -> ModelRegistry:
    return ModelRegistry(store_at(home))


def text_of(home: Path, number: str) -> str:
    """The file that a version is made of."""
    from mlflow.artifacts import load_text

    store = store_at(home)
    with store.pointed_at():
        model = store.client.get_logged_model(str(registry(home).version(number).source).removeprefix("models:/"))
        return load_text(f"{model.artifact_location}/MLmodel")


def runs(store: TrackingStore) -> list[Any]:
    return list(store.client.search_runs([store.experiment(PIPELINE_EXPERIMENT)]))


@pytest.fixture
def two_versions(ends: Ends) -> Ends:
    """A day of rows, versions 1 and 3, since 2 was deleted; 1 serves."""
    put_day(ends.source, FIRST, seed=1)
    for text in ("one", "two", "three"):
        register(ends.here, text)
    found = registry(ends.here)
    found.store.client.delete_model_version(TICK_MODEL, "2")
    found.point("champion", "1")
    found.point("challenger", "3")
    return ends


def test_versions_keep_their_numbers_files_tags_and_aliases(two_versions: Ends) -> None:
    assert two_versions.copy()[TICK_MODEL] == (2, 0, 0)
    ours, theirs = registry(two_versions.here), registry(two_versions.there)
    assert theirs.numbers() == ("1", "3")
    assert theirs.aliases == {"1": ("champion",), "3": ("challenger",)} == ours.aliases
    assert [text_of(two_versions.there, number) for number in ("1", "3")] == ["one", "three"]
    tags = theirs.version("3").tags
    assert tags == {"data_key": "three", VERSION_COPIED: f"{ours.version('3').run_id}/3"}
    assert theirs.store.client.get_registered_model(TICK_MODEL).description == "a model"


def test_a_run_arrives_with_everything_that_it_says(two_versions: Ends) -> None:
    two_versions.run()
    ours, theirs = registry(two_versions.here), registry(two_versions.there)
    before = ours.store.client.get_run(str(ours.version("3").run_id))
    after = theirs.store.client.get_run(str(theirs.version("3").run_id))
    assert after.info.run_id != before.info.run_id
    for name in ("run_name", "status", "start_time", "end_time"):
        assert getattr(after.info, name) == getattr(before.info, name), name
    assert after.data.params == before.data.params
    assert len(after.data.params) == 100
    assert after.data.tags["who"] == "three"
    assert after.data.tags[RUN_COPIED] == before.info.run_id
    curves = [
        [(one.value, one.timestamp, one.step) for one in known.store.client.get_metric_history(run.info.run_id, "loss")]
        for known, run in ((ours, before), (theirs, after))
    ]
    assert curves[0] == curves[1]
    assert len(curves[0]) == 30
    assert after.inputs is not None
    assert [one.dataset.name for one in after.inputs.dataset_inputs] == ["rows"]
    assert after.outputs is not None
    (output,) = after.outputs.model_outputs
    model = theirs.store.client.get_logged_model(output.model_id)
    assert (model.source_run_id, model.params, str(model.status)) == (after.info.run_id, {"depth": "3"}, "READY")
    parent = theirs.store.client.get_run(after.data.tags[PARENT_TAG])
    assert (parent.info.run_name, parent.data.tags[RUN_COPIED]) == ("parent", before.data.tags[PARENT_TAG])
    back = theirs.store.client.download_artifacts(after.info.run_id, "deep/summary.txt", str(two_versions.there))
    assert Path(back).read_text() == "summary of three"


def test_a_version_finds_the_rows_that_it_was_trained_from_though_they_were_made_again(ends: Ends) -> None:
    put_day(ends.source, FIRST, seed=1)
    known = pin(ends.source, FEATURE_OPTION_LABELS)
    put_day(ends.source, FIRST, seed=2)
    register(ends.here, "one", **{SNAPSHOT: str(known.snapshot_id)})
    assert ends.run().notes == ()
    tags = registry(ends.there).version("1").tags
    assert tags[f"copied.{SNAPSHOT}"] == str(known.snapshot_id)
    assert tags[SNAPSHOT] != str(known.snapshot_id)
    for number in (int(tags[SNAPSHOT]), known.snapshot_id or 0):  # by its own id, and by the one in the run's record
        found = pin_at(ends.target, FEATURE_OPTION_LABELS, number)
        assert (found.content_key, content_hash(found)) == (known.content_key, content_hash(known))
    shown = content_hash(pin(ends.target, FEATURE_OPTION_LABELS))
    assert shown == content_hash(pin(ends.source, FEATURE_OPTION_LABELS))
    assert shown != content_hash(known)
    assert [(one.tag, str(one.snapshot_id)) for one in model_tags(ends.target)] == [
        (f"model.{TICK_MODEL}.v1", tags[SNAPSHOT])
    ]


def test_rows_that_production_has_moved_beyond_are_not_brought_back_and_a_note_says_so(ends: Ends) -> None:
    put_day(ends.source, FIRST, seed=1)
    known = pin(ends.source, FEATURE_OPTION_LABELS)
    put_day(ends.source, FIRST, seed=2)
    ends.run()
    register(ends.here, "one", **{SNAPSHOT: str(known.snapshot_id)})
    before = snapshots(ends.target, FEATURE_OPTION_LABELS)
    (note,) = ends.run().notes
    assert note.startswith(f"feature_option_labels has lost snapshot {known.snapshot_id}, which model.{TICK_MODEL}.v1")
    assert snapshots(ends.target, FEATURE_OPTION_LABELS) == before


def test_a_second_copy_makes_no_run_and_no_version_and_brings_later_ones(two_versions: Ends) -> None:
    two_versions.run()
    theirs = registry(two_versions.there)
    made = len(runs(theirs.store))
    assert not two_versions.run().is_new
    assert (theirs.numbers(), len(runs(theirs.store))) == (("1", "3"), made)
    register(two_versions.here, "four")
    registry(two_versions.here).point("champion", "4")
    registry(two_versions.here).set_tags("1", {"judged": "here", "kept": "ours"})
    theirs.set_tags("1", {"kept": "theirs"})
    assert two_versions.copy()[TICK_MODEL] == (1, 2, 0)
    assert (theirs.numbers(), theirs.champion) == (("1", "3", "4"), "4")
    assert {name: theirs.version("1").tags[name] for name in ("judged", "kept")} == {"judged": "here", "kept": "theirs"}


def test_versions_of_productions_own_are_named_or_kept_and_copies_get_other_numbers(two_versions: Ends) -> None:
    register(two_versions.there, "theirs")
    theirs = registry(two_versions.there)
    theirs.point("champion", "1")
    with pytest.raises(CopyRefused, match=r"production has versions of its own \(1\), so 1, 3 cannot keep .*--keep"):
        two_versions.run()
    assert not two_versions.target.exists("feature_option_labels")
    copied = two_versions.run(keep=True)
    assert (
        copied.notes[:2]
        == (
            f"version 1 of {TICK_MODEL} is version 2 in production",
            f"version 3 of {TICK_MODEL} is version 3 in production",
        )[:1]
        + copied.notes[1:2]
    )
    assert [text_of(two_versions.there, number) for number in theirs.numbers()] == ["theirs", "one", "three"]
    assert theirs.aliases == {"1": ("champion",), "3": ("challenger",)}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_was_cut_short_is_made_anew(at: int, two_versions: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    from lakehouse_assets.services.copying import runs as copying_runs

    calls: list[Any] = []

    def killed(*arguments: Any) -> int:
        calls.append(arguments)
        if len(calls) == at:
            raise KeyboardInterrupt
        return artifacts.copy_artifacts(*arguments)

    monkeypatch.setattr(copying_runs, "copy_artifacts", killed)
    with pytest.raises(KeyboardInterrupt):
        two_versions.run()
    monkeypatch.undo()
    theirs = registry(two_versions.there)
    assert theirs.numbers() == ()
    two_versions.run()
    assert theirs.numbers() == ("1", "3")
    assert len(runs(theirs.store)) == 4
    assert all(COMPLETE in run.data.tags for run in runs(theirs.store))


def test_a_version_whose_number_was_too_low_when_a_kill_came_is_deleted(
    two_versions: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = store_at(two_versions.there).client

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(client), "delete_model_version", killed)
    with pytest.raises(KeyboardInterrupt):
        two_versions.run()
    monkeypatch.undo()
    theirs = registry(two_versions.there)
    assert theirs.numbers() == ("1", "2")
    assert two_versions.copy()[TICK_MODEL] == (1, 1, 0)
    assert theirs.numbers() == ("1", "3")


def test_a_file_that_arrives_otherwise_makes_no_version(two_versions: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = artifacts._digests

    def damaged(folder: Path) -> dict[str, str]:
        return whole(folder) if "sent" in str(folder) else dict.fromkeys(whole(folder), "f" * 64)

    monkeypatch.setattr(artifacts, "_digests", damaged)
    with pytest.raises(ArtifactDamaged, match=r"MLmodel: sha256 .* was sent, ffffffffffff came back"):
        two_versions.run()
    assert registry(two_versions.there).numbers() == ()
