"""Where a model comes from: whole after a way through JSON, and a key that changes with all that decides a model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from lakehouse_assets.services.input_tables import InputTable
from lakehouse_assets.services.provenance import Provenance, data_key
from lakehouse_assets_tests.services.test_environment import KNOWN, changed

FEATURES = InputTable(
    name="feature_option_minutes",
    catalog="hive_prod",
    identifier="option_ticks_db.feature_option_minutes",
    snapshot_id=7_777_777_777_777_777_777,
    content_key="c" * 64,
    rows=10,
    properties={"type": "sql", "uri": "sqlite:////nowhere.db"},
)
LABELS = replace(FEATURES, name="feature_option_labels", snapshot_id=5, content_key="d" * 64)
PLAN: Mapping[str, Any] = {"recipe": {"algorithm": "xgboost", "rounds": 20, "learning_rate": 0.05}, "folds": 3}
MADE = Provenance(
    algorithm="xgboost",
    library="xgboost",
    plan=PLAN,
    tables=(FEATURES, LABELS),
    environment=KNOWN,
    data_key="k" * 64,
    prediction_hash="e" * 64,
    seconds=1.5,
    peak_memory_mb=400,
)


def key(**changes: Any) -> str:
    given: dict[str, Any] = {"tables": (FEATURES, LABELS), "plan": PLAN, "environment": KNOWN, **changes}
    return data_key(**given)


def test_a_provenance_is_the_same_after_a_way_through_json() -> None:
    again = Provenance.from_dict(json.loads(json.dumps(asdict(MADE))))
    assert again == MADE
    assert again.tables[0].snapshot_id == 7_777_777_777_777_777_777
    assert isinstance(again.environment, type(KNOWN))


def test_a_version_names_each_snapshot_and_the_predictions_it_must_arrive_at() -> None:
    assert MADE.tags() == {
        "prediction_hash": "e" * 64,
        "snapshot.feature_option_minutes": "7777777777777777777",
        "snapshot.feature_option_labels": "5",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": (replace(FEATURES, content_key="x"), LABELS)},
        {"tables": (FEATURES,)},
        {"plan": {**PLAN, "folds": 2}},
        {"plan": {**PLAN, "recipe": {"algorithm": "xgboost", "rounds": 20, "learning_rate": 0.06}}},
        {"environment": changed(code={"splits.py": "c" * 64})},
        {"environment": changed(libraries={"xgboost": "3.3.0"})},
        {"query": "SELECT 1"},
        {"columns": {"features": ["a"], "label": "is_up"}},
    ],
    ids=["content", "fewer tables", "plan", "recipe", "code", "library", "query", "columns"],
)
def test_whatever_decides_a_model_makes_another_key(changes: dict[str, Any]) -> None:
    assert key(**changes) != key()


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": (LABELS, FEATURES)},
        {"tables": (replace(FEATURES, snapshot_id=1, rows=11), LABELS)},  # a snapshot more with the same rows
        {"tables": (replace(FEATURES, properties={"uri": "elsewhere"}), LABELS)},
        {"plan": dict(reversed(list(PLAN.items())))},
        {"environment": changed(git_sha="9" * 40, lock_sha256="9" * 64, hardware={"processor": "Other"})},
    ],
    ids=["order of tables", "snapshot", "place", "order of the plan", "commit, lock and hardware"],
)
def test_what_decides_nothing_leaves_the_key_as_it_is(changes: dict[str, Any]) -> None:
    assert key(**changes) == key()


def test_the_key_is_a_digest_that_any_process_arrives_at() -> None:
    assert key() == "9ad5671c7a7c1ee91e8c11e1f2d085daf6c672c9acdfc18b24dce7bafcdb931c"
