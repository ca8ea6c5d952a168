"""What an evaluation finds of earlier ones: killed, rolled back from, other files, a record that is gone."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.services.model_evaluation import Bounds
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.rollback import roll_back
from lakehouse_assets.services.training_record import RecordUnreadable
from lakehouse_assets_tests.learners.synthetic import World, rows
from lakehouse_assets_tests.services.arena import RED, SIGNAL, Arena, killed
from lakehouse_assets_tests.services.ledgers import lake_in
from lakehouse_assets_tests.services.worlds import TOO_GOOD, Reading

pytestmark = pytest.mark.slow


@pytest.fixture
def arena(registry: ModelRegistry, tmp_path: Path) -> Arena:
    """A signal that a model can learn."""
    return Arena(registry, tmp_path, Reading(rows(SIGNAL)))


def test_a_promotion_that_was_killed_before_it_moved_anything_is_judged_anew(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = arena.train()
    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistry, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            arena.judge()
    assert arena.registry.champion is None
    assert not arena.is_judged_with(RED).is_champion  # the doubts of today count, not those of the killed run
    healed = arena.judge("run-3")
    assert healed.is_champion
    (move,) = read(lake_in(arena.folder)).of(arena.registry.name)
    assert move.to_version == 1
    assert move.to_log_loss == pytest.approx(trained.scores.log_loss.value)


def test_a_kill_between_the_tags_of_a_judgement_hinders_no_later_one(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    arena.train()
    real = ModelRegistry.set_tags

    def torn(registry: ModelRegistry, number: str, tags: Mapping[str, str]) -> None:
        real(registry, number, dict(list(tags.items())[:1]))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistry, "set_tags", torn)
        with pytest.raises(KeyboardInterrupt):
            arena.judge()
    assert "judgement" in arena.registry.version("1").tags
    assert arena.judge("run-2").is_champion


@pytest.fixture
def two(registry: ModelRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Arena:
    """Version 1 was champion; version 2 took its place at the second try, since the first was killed."""
    arena = Arena(registry, tmp_path, Reading(rows(World(days=8, follow=0.68))), Bounds(TOO_GOOD, most_off=0.5))
    arena.train(rounds=2)
    arena.judge()
    arena.train("run-2", rounds=40)
    with monkeypatch.context() as patch:
        patch.setattr(ModelRegistry, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            arena.judge("run-2")
    assert arena.judge("run-2").is_champion
    return arena


def test_what_was_rolled_back_from_stays_behind_until_it_is_put_back_by_name(two: Arena) -> None:
    lake, registry = lake_in(two.folder), two.registry
    advantage = read(lake).of(registry.name)[-1].log_loss_advantage_low
    assert advantage is not None, "the scores of a promotion that was completed later are lost"
    assert advantage > 0
    roll_back(lake, registry, why="worse since Monday")
    for run in ("run-3", "run-4"):
        evaluation = two.judge(run)
        assert not evaluation.is_champion
        assert "version 2 was rolled back from on " in str(evaluation.judgement)
        assert "(worse since Monday)" in str(evaluation.judgement)
        assert registry.champion == "1"
    roll_back(lake, registry, to="2")
    assert two.judge("run-5").is_champion
    assert two.moves() == [(None, 1), (1, 2), (2, 1), (1, 2)]


def test_a_move_back_that_nobody_wrote_down_is_not_undone_either(two: Arena) -> None:
    assert two.registry.promote("1", instead_of="2")  # as a rollback does that is killed before its row
    assert "was rolled back from" in str(two.judge("run-3").judgement)
    assert two.registry.champion == "1"
    assert two.moves() == [(None, 1), (1, 2), (2, 1)]


def test_a_kept_model_that_predicts_otherwise_than_the_judged_one_is_not_promoted(arena: Arena) -> None:
    arena.train(rounds=19)
    arena.train("run-2", rounds=20)
    one, other = (arena.files_of(number)[1] for number in "12")
    shutil.copytree(one, other, dirs_exist_ok=True)
    evaluation = arena.judge()
    assert str(evaluation.judgement) == ("not promoted: the kept model predicts otherwise than the one that was judged")
    assert arena.registry.champion is None


def test_a_record_that_is_gone_is_named_and_stops_nobody_else(arena: Arena) -> None:
    arena.train()
    arena.judge()
    arena.files_of("1")[0].unlink()
    with pytest.raises(RecordUnreadable, match="the record of version 1 of TickPricePredictor cannot be read: "):
        arena.judge("run-2")
    # Another version is judged against it all the same: its model is there.
    arena.train("run-3", rounds=21)
    evaluation = arena.judge("run-3")
    assert evaluation.contest is not None
    assert evaluation.contest.champion is not None
    (run,) = [run for run in arena.evaluation_runs() if run.data.tags["dagster.run_id"] == "run-3"]
    assert "the record of version 1 of TickPricePredictor cannot be read" in (
        Path(local_path(run.info.artifact_uri)) / "leaderboard.md"
    ).read_text(encoding="utf-8")
