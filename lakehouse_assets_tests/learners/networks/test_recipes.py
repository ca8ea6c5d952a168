"""The four networks: they learn, repeat themselves, keep to their budget, and load without us."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.networks.images import Images
from lakehouse_assets.learners.networks.keras import TensorflowMnistMlp
from lakehouse_assets.learners.networks.network import FittedNetwork
from lakehouse_assets_tests.learners.networks.few_digits import QUICK, digits, fresh_hash, some
from lakehouse_assets_tests.paths import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ALGORITHMS = tuple(QUICK)
PYTORCH = ALGORITHMS[:2]
TENSORFLOW = ALGORITHMS[2:]


@pytest.fixture(scope="module")
def images() -> tuple[Images, Images]:
    """Training and test digits."""
    for library in ("torch", "tensorflow", "sklearn"):
        pytest.importorskip(library)
    return digits()


@pytest.fixture(scope="module")
def fitted(images: tuple[Images, Images]) -> Mapping[str, FittedNetwork]:
    """Each network, trained once with the test digits watched."""
    train, test = images
    return {name: recipe.fit(train, watched=test) for name, recipe in QUICK.items()}


def in_two_processes(algorithm: str) -> list[str]:
    """The prediction hash of each of two fresh processes, which run side by side."""
    program = (
        f"from lakehouse_assets_tests.learners.networks.few_digits import fresh_hash\nprint(fresh_hash({algorithm!r}))"
    )
    command = [sys.executable, "-c", program]
    runs = [
        subprocess.Popen(command, cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [run.communicate(timeout=200) for run in runs]
    assert [error for _, error in said] == ["", ""]  # neither library writes a word to stderr
    return [output.strip() for output, _ in said]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_it_learns_the_digits(fitted: Mapping[str, FittedNetwork], images: Any, algorithm: str) -> None:
    train, test = images
    one = fitted[algorithm]
    found = one.model.predict(test.pixels)
    assert found.dtype == np.float32
    assert found.shape == (len(test), 10)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (found.argmax(axis=1) == test.labels).mean() > 0.85
    assert one.rows == len(train)
    assert one.recipe.algorithm == algorithm
    assert one.seconds > 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_its_course_is_kept_and_told(fitted: Mapping[str, FittedNetwork], images: Any, algorithm: str) -> None:
    one, (_, test) = fitted[algorithm], images
    assert set(one.history) == {"train_loss", "train_accuracy", "watched_loss", "watched_accuracy"}
    assert all(len(values) == QUICK[algorithm].epochs for values in one.history.values())
    assert one.history["train_loss"][0] > one.history["train_loss"][-1] > 0
    found = one.model.predict(test.pixels)
    assert one.history["watched_accuracy"][-1] == pytest.approx((found.argmax(axis=1) == test.labels).mean(), abs=1e-6)
    loss = -np.log(found[np.arange(len(test)), test.labels]).mean()
    assert one.history["watched_loss"][-1] == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_watching_and_telling_change_nothing(images: Any, algorithm: str) -> None:
    train, test = some(images[0], 300), images[1]
    recipe = replace(QUICK[algorithm], epochs=2)
    told: list[int] = []
    watched = recipe.fit(train, watched=test, on_epoch=lambda number, figures: told.append(number))
    alone = recipe.fit(train)
    assert told == [1, 2]
    assert set(alone.history) == {"train_loss", "train_accuracy"}
    assert alone.model.predict(test.pixels).tobytes() == watched.model.predict(test.pixels).tobytes()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_fresh_processes_predict_the_same_bytes(algorithm: str) -> None:
    first, second = in_two_processes(algorithm)
    assert len(first) == 64
    assert first == second
    assert QUICK[algorithm].as_parameters()["threads"] == 1


@pytest.mark.parametrize("algorithm", PYTORCH)
def test_another_seed_is_another_model_and_another_thread_count_is_allowed(algorithm: str) -> None:
    """More threads may add in another order, so nothing is promised about their bytes: the count is recorded."""
    assert fresh_hash(algorithm, seed=8) != fresh_hash(algorithm)
    recipe = replace(QUICK[algorithm], threads=2)
    assert recipe.as_parameters()["threads"] == 2
    assert len(fresh_hash(algorithm, threads=2)) == 64


@pytest.mark.parametrize("algorithm", PYTORCH)
def test_pytorch_is_left_as_it_was_found(images: Any, algorithm: str) -> None:
    import torch

    torch.set_num_threads(2)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    QUICK[algorithm].fit(some(images[0], 64)).model.predict(images[1].pixels[:3])
    assert torch.rand(3).tolist() == expected.tolist()
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]


def test_tensorflow_that_has_started_with_other_threads_is_refused_in_words(
    fitted: Mapping[str, FittedNetwork], images: Any
) -> None:
    with pytest.raises(RuntimeError, match=r"wants 3 thread\(s\), and TensorFlow has already started .* with 1"):
        TensorflowMnistMlp(threads=3).fit(images[0])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_over_budget_keeps_nothing(images: Any, algorithm: str) -> None:
    told: list[int] = []
    with pytest.raises(OverBudget, match=f"{algorithm}: not done after .* nothing is kept"):
        replace(QUICK[algorithm], time_budget_seconds=1e-6).fit(
            images[0], on_epoch=lambda number, _: told.append(number)
        )
    assert told == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_predictions_do_not_depend_on_what_else_is_asked(
    fitted: Mapping[str, FittedNetwork], images: Any, algorithm: str
) -> None:
    model, pixels = fitted[algorithm].model, images[1].pixels
    assert np.abs(model.predict(pixels[:7]) - model.predict(pixels)[:7]).max() < 1e-5
    assert model.predict(pixels[:0]).shape == (0, 10)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_summary_names_layers_and_threads(fitted: Mapping[str, FittedNetwork], algorithm: str) -> None:
    text = fitted[algorithm].model.summary().lower()
    assert "dropout" in text
    assert "1 thread(s)" in text
    assert ("conv2d" in text) == algorithm.endswith("cnn")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_saved_model_takes_raw_pixels_without_this_project(
    fitted: Mapping[str, FittedNetwork], images: Any, tmp_path: Path, algorithm: str
) -> None:
    """As another process would: the library's own file, floats from 0 to 255, no import of ours."""
    pixels = images[1].pixels[:50]
    np.save(tmp_path / "pixels.npy", pixels.astype(np.float32))
    native = fitted[algorithm].model.native
    if algorithm in PYTORCH:
        import torch

        torch.save(native, tmp_path / "model.pt")
        load = (
            "import torch; model = torch.load(folder + '/model.pt', weights_only=False)\n"
            "found = model(torch.from_numpy(pixels)).detach().numpy()\n"
            "flat = model(torch.from_numpy(pixels.reshape(-1, 784))).detach().numpy()\nassert (flat == found).all()"
        )
    else:
        native.save(tmp_path / "model.keras")
        load = "import keras; found = keras.models.load_model(folder + '/model.keras').predict(pixels, verbose=0)"
    program = (
        f"import sys, numpy as np\nfolder = sys.argv[1]; pixels = np.load(folder + '/pixels.npy')\n{load}\n"
        "assert not [name for name in sys.modules if name.startswith('lakehouse')]\n"
        "np.save(folder + '/found.npy', found)"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr
    expected = fitted[algorithm].model.predict(pixels)
    assert np.abs(np.load(tmp_path / "found.npy") - expected).max() < 1e-5


@pytest.mark.parametrize("algorithm", PYTORCH)
def test_a_pytorch_network_can_be_exported_as_a_program(
    fitted: Mapping[str, FittedNetwork], images: Any, algorithm: str
) -> None:
    import torch

    pixels = torch.from_numpy(images[1].pixels[:50].astype(np.float32))
    batch = {0: torch.export.Dim("batch")}
    program: Any = torch.export.export(fitted[algorithm].model.native, (pixels[:4],), dynamic_shapes=(batch,)).module()
    expected = fitted[algorithm].model.predict(images[1].pixels[:50])
    assert np.abs(program(pixels).detach().numpy() - expected).max() < 1e-5
