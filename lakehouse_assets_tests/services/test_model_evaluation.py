"""Challenger against champion: who serves, why, and what a repeated, raced or killed evaluation finds."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from lakehouse_assets.services.model_evaluation import Bounds, Evaluation, Evaluator, NobodyToJudge
from lakehouse_assets.services.model_training import ModelOutcome, train_and_register
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.registry import CHALLENGER, ModelRegistry
from lakehouse_assets.services.tracking import EVALUATION_EXPERIMENT
from lakehouse_assets_tests.learners.synthetic import World, rows
from lakehouse_assets_tests.services.ledgers import lake_in
from lakehouse_assets_tests.services.worlds import PLAN, RECIPE, TOO_GOOD, Reading, identity

SIGNAL = World(days=8)
BOUNDS = Bounds(too_good=TOO_GOOD, most_off=0.1)


@dataclasses.dataclass
class Arena:
    """Trains and judges on one set of rows."""

    registry: ModelRegistry
    folder: Path
    reading: Reading
    bounds: Bounds = BOUNDS
    doubts: tuple[str, ...] = ()

    def train(self, run: str = "run-1", rounds: int = 20) -> ModelOutcome:
        plan = dataclasses.replace(PLAN, recipe=dataclasses.replace(RECIPE, rounds=rounds), naive_split=False)
        return train_and_register(self.reading.inputs, plan, self.registry, identity(run), too_good=TOO_GOOD)

    def judge(self, run: str = "run-1") -> Evaluation:
        evaluator = Evaluator(
            lake_in(self.folder),
            self.registry,
            identity(run, "model_evaluation"),
            inputs_of=lambda _: self.reading.inputs,
            bounds=self.bounds,
            doubts=self.doubts,
        )
        return evaluator.settle("xgboost")

    def moves(self) -> list[tuple[int | None, int | None]]:
        return [(move.from_version, move.to_version) for move in read(lake_in(self.folder)).of(self.registry.name)]

    def evaluation_runs(self) -> list[Any]:
        store = self.registry.store
        found: list[Any] = store.client.search_runs([store.experiment(EVALUATION_EXPERIMENT)])
        return found


@pytest.fixture
def arena(registry: ModelRegistry, tmp_path: Path) -> Arena:
    return Arena(registry, tmp_path, Reading(rows(SIGNAL)))


def test_there_is_nobody_to_judge_before_the_algorithm_was_trained(arena: Arena) -> None:
    with pytest.raises(NobodyToJudge, match="by xgboost yet: materialize model_xgboost"):
        arena.judge()


@pytest.mark.slow
def test_the_first_good_model_is_promoted_and_written_down_once(arena: Arena) -> None:
    trained = arena.train()
    first = arena.judge()
    assert first.is_champion
    assert str(first.judgement).startswith("promoted: ")
    assert "calibrated: " in str(first.judgement)
    assert arena.registry.champion == arena.registry.alias(CHALLENGER) == trained.version
    assert arena.moves() == [(None, 1)]
    (move,) = read(lake_in(arena.folder)).of(arena.registry.name)
    assert move.to_log_loss == pytest.approx(trained.scores.log_loss.value)
    assert move.why == str(first.judgement)

    again = arena.judge("run-2")
    assert (again.is_champion, again.contest) == (True, None)
    assert arena.moves() == [(None, 1)]
    assert len(arena.evaluation_runs()) == 1  # the second time nothing was judged


@pytest.mark.slow
def test_a_shuffled_label_is_challenger_but_never_promoted(registry: ModelRegistry, tmp_path: Path) -> None:
    arena = Arena(registry, tmp_path, Reading(rows(SIGNAL, shuffle=True)))
    trained = arena.train()
    evaluation = arena.judge()
    assert not evaluation.is_champion
    assert "does not surely beat" in str(evaluation.judgement)
    assert registry.alias(CHALLENGER) == trained.version
    assert registry.champion is None
    assert arena.moves() == []


@pytest.mark.slow
def test_a_challenger_that_is_no_better_leaves_the_champion(arena: Arena) -> None:
    champion = arena.train()
    arena.judge()
    challenger = arena.train("run-2", rounds=21)
    evaluation = arena.judge("run-2")
    assert arena.registry.champion == champion.version != challenger.version
    assert arena.registry.alias(CHALLENGER) == challenger.version
    assert "on the same hold-out" in str(evaluation.judgement)
    assert evaluation.contest is not None
    assert "champion_log_loss" in evaluation.contest.as_metrics()
    assert arena.moves() == [(None, 1)]


@pytest.mark.slow
def test_a_better_challenger_takes_the_place_and_the_ledger_says_by_how_much(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    arena = Arena(registry, tmp_path, Reading(rows(World(days=8, follow=0.68))), Bounds(TOO_GOOD, most_off=0.5))
    arena.train(rounds=2)
    assert arena.judge().judgement.promote
    strong = arena.train("run-2", rounds=40)
    evaluation = arena.judge("run-2")
    assert evaluation.judgement.promote, str(evaluation.judgement)
    assert registry.champion == strong.version
    assert "better by +0." in str(evaluation.judgement)
    assert arena.moves() == [(None, 1), (1, 2)]
    advantage = read(lake_in(tmp_path)).of(registry.name)[-1].log_loss_advantage_low
    assert advantage is not None
    assert advantage > 0


@pytest.mark.slow
def test_gates_of_the_data_that_are_not_green_keep_a_good_model_from_its_place(arena: Arena) -> None:
    arena.train()
    evaluation = dataclasses.replace(arena, doubts=("the gates of feature_option_minutes are not green",)).judge()
    assert not evaluation.is_champion
    assert "the gates of feature_option_minutes are not green" in str(evaluation.judgement)
    assert arena.registry.champion is None


@pytest.mark.slow
def test_probabilities_that_are_surely_off_keep_a_good_model_from_its_place(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    """Two rounds say 51 % where two of three come true."""
    arena = Arena(registry, tmp_path, Reading(rows(World(days=8, follow=0.68))), Bounds(TOO_GOOD, most_off=0.05))
    arena.train(rounds=2)
    evaluation = arena.judge()
    assert "not calibrated" in str(evaluation.judgement)
    assert registry.champion is None


@pytest.mark.slow
def test_a_judgement_that_was_killed_before_the_promotion_is_completed_by_the_next_run(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena.train()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistry, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            arena.judge()
    assert arena.registry.champion is None
    healed = arena.judge("run-2")
    assert (healed.is_champion, healed.contest) == (True, None)
    assert arena.moves() == [(None, 1)]
