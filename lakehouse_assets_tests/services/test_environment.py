"""What a training depends on beside its rows and plan: taken down whole, and told apart in the right order."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets import learners
from lakehouse_assets.services import environment
from lakehouse_assets.services.environment import Environment, code, file_sha256, hardware, lock_sha256
from lakehouse_assets_tests.paths import PROJECT

LIBRARIES = ("xgboost", "lightgbm", "scikit-learn", "torch", "tensorflow")
LEARNERS = PROJECT / "lakehouse_assets" / "learners"
KNOWN = Environment(
    git_sha="1" * 40,
    lock_sha256="2" * 64,
    code={"splits.py": "a" * 64, "training.py": "b" * 64},
    libraries={"python": "3.11.2", "xgboost": "3.2.0"},
    hardware={"machine": "x86_64", "processor": "Abacus 5", "system": "Linux"},
)


def changed(**parts: Any) -> Environment:
    """The known environment with some entries of its parts replaced."""
    merged: dict[str, Any] = {
        part: {**getattr(KNOWN, part), **value} if isinstance(value, dict) else value for part, value in parts.items()
    }
    return replace(KNOWN, **merged)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_code_is_every_module_that_a_model_may_depend_on(library: str) -> None:
    known = code(library)
    paths = {path.relative_to(LEARNERS).as_posix() for path in LEARNERS.rglob("*.py") if path.name != "plots.py"}
    of_ticks = {name for name in paths if "/" not in name}
    assert set(known) == (paths if library in ("torch", "tensorflow") else of_ticks)
    assert {"splits.py", "training.py", "evaluation.py"} <= of_ticks
    assert {"networks/pytorch.py", "networks/keras.py"} <= paths - of_ticks
    assert known["splits.py"] == file_sha256(LEARNERS / "splits.py")


def test_a_byte_more_in_a_learner_is_other_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("splits.py", "a = 1\n"), ("plots.py", "b = 1\n"), ("networks/keras.py", "c = 1\n")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(learners, "__path__", [str(tmp_path)])
    digest: Callable[[str], Mapping[str, str]] = code.__wrapped__
    before = digest("torch")
    assert set(before) == {"splits.py", "networks/keras.py"}
    (tmp_path / "plots.py").write_text("b = 2\n")
    assert digest("torch") == before
    (tmp_path / "networks" / "keras.py").write_text("c = 1 \n")
    assert {name for name in before if digest("torch")[name] != before[name]} == {"networks/keras.py"}
    assert digest("xgboost") == {"splits.py": before["splits.py"]}


@pytest.mark.parametrize("library", LIBRARIES)
def test_it_names_the_learners_library_and_those_that_every_training_computes_with(library: str) -> None:
    here = Environment.here(library)
    found = {name.removesuffix("-cpu") for name in here.libraries}  # TensorFlow comes under either name
    assert {"python", "numpy", "scipy", "pyarrow", "duckdb", library} <= found
    assert set(LIBRARIES) & found == {library}
    assert all(version[0].isdigit() for version in here.libraries.values())
    assert here.lock_sha256 == lock_sha256() == file_sha256(PROJECT / "requirements" / "runtime.lock")


def test_the_hardware_names_architecture_and_processor() -> None:
    assert set(hardware()) == {"machine", "processor", "system"}
    assert all(hardware().values())


def test_outside_of_a_checkout_the_lock_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "LOCK_FILE", tmp_path / "gone.lock")
    assert lock_sha256.__wrapped__() == "unknown"  # type: ignore[attr-defined]


def test_it_is_the_same_after_a_way_through_json() -> None:
    here = Environment.here("xgboost")
    again = Environment.from_dict(json.loads(json.dumps(asdict(here))))
    assert again == here
    assert list(here.differences(again)) == []


def test_only_code_and_libraries_decide_beforehand_since_the_rest_is_no_part_of_the_plan() -> None:
    elsewhere = changed(git_sha="9" * 40, lock_sha256="9" * 64, hardware={"processor": "Other"})
    assert elsewhere.deciding() == KNOWN.deciding()
    assert changed(code={"splits.py": "c" * 64}).deciding() != KNOWN.deciding()
    assert changed(libraries={"xgboost": "3.3.0"}).deciding() != KNOWN.deciding()


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (changed(code={"splits.py": "c" * 64}), "code: splits.py was aaaaaaaaaaaa, is cccccccccccc"),
        (changed(code={"gone.py": "c" * 64}), "code: gone.py was not there, is cccccccccccc"),
        (replace(KNOWN, code={"splits.py": "a" * 64}), "code: training.py was bbbbbbbbbbbb, is not there"),
        (changed(libraries={"xgboost": "3.3.0"}), "library: xgboost was 3.2.0, is 3.3.0"),
        (changed(hardware={"processor": "Other"}), "hardware: processor was Abacus 5, is Other"),
        (changed(lock_sha256="9" * 64), "lock: the locked requirements were 222222222222, are 999999999999"),
    ],
)
def test_a_difference_is_a_sentence_that_names_what_it_was_and_is(now: Environment, words: str) -> None:
    assert list(KNOWN.differences(now)) == [words]


def test_the_commit_alone_is_no_difference_since_it_may_touch_anything() -> None:
    assert list(KNOWN.differences(changed(git_sha="9" * 40))) == []


def test_code_is_named_before_libraries_and_these_before_the_rest() -> None:
    all_of_it = changed(
        code={"splits.py": "c" * 64},
        libraries={"python": "3.12.0"},
        hardware={"system": "Darwin"},
        lock_sha256="9" * 64,
    )
    found = [words.split(":")[0] for words in KNOWN.differences(all_of_it)]
    assert found[:2] == ["code", "library"]
    assert set(found[2:]) == {"hardware", "lock"}
