"""Challenger against champion: who serves and why, on merit alone."""

from pathlib import Path

import pytest

from lakehouse_assets.services.model_evaluation import Bounds, NobodyToJudge
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.registry import CHALLENGER, ModelRegistry
from lakehouse_assets_tests.learners.synthetic import World, rows
from lakehouse_assets_tests.services.arena import RED, SIGNAL, Arena
from lakehouse_assets_tests.services.ledgers import lake_in
from lakehouse_assets_tests.services.worlds import TOO_GOOD, Reading


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
    assert str(again.judgement).startswith("not promoted: version 1 serves already (promoted: accuracy ")
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
def test_gates_of_the_data_that_are_not_green_keep_a_good_model_from_its_place_until_they_are(arena: Arena) -> None:
    arena.train()
    evaluation = arena.is_judged_with(RED)
    assert not evaluation.is_champion
    assert RED in str(evaluation.judgement)
    assert arena.registry.champion is None
    assert arena.judge("run-3").is_champion
    assert arena.moves() == [(None, 1)]


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
