"""What both libraries share: the learning rate's course, the budget, and the word on a missing library."""

from dataclasses import replace

import pytest

from lakehouse_assets.learners.learner import OverBudget
from lakehouse_assets.learners.networks import network
from lakehouse_assets.learners.networks.network import Course, NotInstalled, one_cycle, require_library
from lakehouse_assets.learners.networks.pytorch import PytorchMnistMlp


def test_the_rate_rises_to_its_peak_and_falls_to_almost_nothing() -> None:
    rates = [one_cycle(step, 101, 0.01) for step in range(101)]
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[30] == max(rates) == pytest.approx(0.01)
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] == pytest.approx(0.01 / 250_000)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_course_of_few_steps_has_a_rate_for_each(steps: int) -> None:
    assert all(0 < one_cycle(step, steps, 0.01) <= 0.01 for step in range(steps))


def test_a_library_that_is_not_there_is_named_with_the_way_to_install_it() -> None:
    with pytest.raises(NotInstalled) as caught:
        require_library("pytorch_mnist_cnn", "torch_that_nobody_has")
    words = str(caught.value)
    assert words.startswith(
        "pytorch_mnist_cnn needs torch_that_nobody_has, which is not installed: run `make install-deep`"
    )
    assert "\n" not in words


def test_a_recipe_asks_for_its_library_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find_spec", lambda name: None)
    with pytest.raises(NotInstalled, match="pytorch_mnist_mlp needs torch"):
        PytorchMnistMlp().fit(None)  # type: ignore[arg-type]


def test_the_course_keeps_figures_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, float]] = []
    course = Course(
        PytorchMnistMlp(time_budget_seconds=60), lambda number, one: told.append((number, one["train_loss"]))
    )
    course.refuse_overtime()
    course.epoch_ended({"train_loss": 0.5, "train_accuracy": 0.8})
    course.epoch_ended({"train_loss": 0.25, "train_accuracy": 0.9})
    assert course.history == {"train_loss": (0.5, 0.25), "train_accuracy": (0.8, 0.9)}
    assert told == [(1, 0.5), (2, 0.25)]
    course.watch = replace(course.watch, started=course.watch.started - 61)
    with pytest.raises(OverBudget, match="pytorch_mnist_mlp: not done after 61 s and 2 epochs, 60 s are allowed"):
        course.refuse_overtime()
