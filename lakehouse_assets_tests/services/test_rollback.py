"""Back to the version before, and further back; never to one that was left behind; and no, with a reason."""

from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry
from lakehouse_assets.services.rollback import RollbackRefused, left_behind, roll_back
from lakehouse_assets_tests.services.ledgers import lake_in, moves_of, promote, story, versions


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The lake beside the test's store."""
    return lake_in(tmp_path)


@pytest.fixture
def three(lake: Lake, registry: ModelRegistry) -> ModelRegistry:
    """Versions 1, 2 and 3 were champion one after the other; 4 never was."""
    numbers = versions(registry, 4)
    for number in numbers[:3]:
        promote(lake, registry, number)
    return registry


def test_repeated_rollbacks_go_further_back_until_nothing_is_before(lake: Lake, three: ModelRegistry) -> None:
    assert [roll_back(lake, three).move.to_version for _ in range(2)] == [2, 1]
    assert three.champion == "1"
    with pytest.raises(RollbackRefused, match="nothing served before version 1 of TickPricePredictor; --to takes 2, 3"):
        roll_back(lake, three)
    assert story(lake)[3:] == [("rollback", 3, 2), ("rollback", 2, 1)]
    last = moves_of(lake)[-1]
    assert (last.moved_by, last.why) == ("cli", "version 1 is put back in the place of version 2")
    assert (last.to_log_loss, last.log_loss_advantage, last.hold_out, last.data_key) == (None, None, None, "key-1")


def test_a_rollback_after_a_promotion_goes_to_what_the_promotion_replaced(lake: Lake, three: ModelRegistry) -> None:
    roll_back(lake, three)
    promote(lake, three, "4")
    assert roll_back(lake, three).move.to_version == 2
    assert roll_back(lake, three).move.to_version == 1


def test_a_version_that_served_before_may_be_named(lake: Lake, three: ModelRegistry) -> None:
    moved = roll_back(lake, three, to="1", why="both later ones are worse since Monday")
    assert (moved.move.from_version, moved.move.to_version) == (3, 1)
    assert moved.move.why == "both later ones are worse since Monday"
    assert roll_back(lake, three, to="3").move.to_version == 3  # the rollback was the mistake
    assert roll_back(lake, three).move.to_version == 1


def test_a_champion_that_somebody_set_by_hand_is_rolled_back_too(lake: Lake, three: ModelRegistry) -> None:
    three.store.client.set_registered_model_alias(TICK_MODEL, "champion", "4")
    assert roll_back(lake, three).move.to_version == 3
    assert story(lake)[3:] == [("reconciled", 3, 4), ("rollback", 4, 3)]


def test_what_was_rolled_back_from_is_told_until_somebody_puts_it_back(lake: Lake, three: ModelRegistry) -> None:
    def left() -> list[str]:
        return [number for number in three.numbers() if left_behind(lake, three, number)]

    assert left() == []
    roll_back(lake, three, to="1", why="worse since Monday")
    assert left() == ["2", "3"]  # 2 was passed over on the way; 4 never served
    words = left_behind(lake, three, "2")
    assert words is not None
    assert words.startswith("version 2 was rolled back from on 20")
    assert words.endswith(
        "UTC by cli (worse since Monday); `lakehouse rollback TickPricePredictor --to 2` puts it back"
    )
    promote(lake, three, "4")
    assert left() == ["2", "3"]  # another promotion changes nothing about them
    roll_back(lake, three, to="3")
    assert left() == ["2"]
    roll_back(lake, three)
    assert left() == ["2", "3"]
    assert three.champion == "4"


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("3", "version 3 is the champion of TickPricePredictor already"),
        ("4", "version 4 of TickPricePredictor was never its champion, .*; --to takes 1, 2$"),
        ("99", "version 99 of TickPricePredictor was never its champion"),
    ],
)
def test_there_is_no_way_back_to_where_nobody_was(lake: Lake, three: ModelRegistry, to: str, words: str) -> None:
    with pytest.raises(RollbackRefused, match=words):
        roll_back(lake, three, to=to)
    assert three.champion == "3"
    assert len(story(lake)) == 3


def test_a_deleted_version_is_named_with_those_that_are_left(lake: Lake, three: ModelRegistry) -> None:
    three.store.client.delete_model_version(TICK_MODEL, "2")
    words = "version 2 of TickPricePredictor served before, but it was deleted; --to takes 1$"
    for to in (None, "2"):
        with pytest.raises(RollbackRefused, match=words):
            roll_back(lake, three, to=to)
    assert roll_back(lake, three, to="1").move.to_version == 1


def test_without_a_champion_there_is_only_what_is_named(lake: Lake, three: ModelRegistry) -> None:
    three.store.client.delete_model_version(TICK_MODEL, "3")
    with pytest.raises(RollbackRefused, match=r"TickPricePredictor has no champion, .*; --to takes 1, 2$"):
        roll_back(lake, three)
    moved = roll_back(lake, three, to="2")
    assert moved.move.why == "version 2 is put back in the place of no version"
    assert story(lake)[3:] == [("reconciled", 3, None), ("rollback", None, 2)]
    assert roll_back(lake, three).move.to_version == 1


def test_a_model_that_never_had_a_champion_says_so(lake: Lake, registry: ModelRegistry) -> None:
    versions(registry, 1)
    with pytest.raises(RollbackRefused, match=r"has no champion, so nothing can be put back in its place$"):
        roll_back(lake, registry)


def test_an_unknown_model_is_told_the_closest_name(lake: Lake, three: ModelRegistry) -> None:
    with pytest.raises(RollbackRefused, match=r"no registered model TickPredictor: did you mean TickPricePredictor\?"):
        roll_back(lake, ModelRegistry(three.store, "TickPredictor"))
    with pytest.raises(RollbackRefused, match="no registered model Xyz: known are TickPricePredictor"):
        roll_back(lake, ModelRegistry(three.store, "Xyz"))


def test_where_nothing_was_ever_registered_no_store_is_made(tmp_path: Path, lake: Lake) -> None:
    from lakehouse_assets_tests.services.worlds import registry_in

    with pytest.raises(RollbackRefused, match="there are none yet: run ml_pipeline"):
        roll_back(lake, registry_in(tmp_path / "fresh"))
    assert not (tmp_path / "fresh").exists()
