"""The champion moves, and the ledger says so: each move once, in order, with what it rested on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.writing import BatchRefused
from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.services.promotions import MOVE_TAG, Evidence, reconcile
from lakehouse_assets.services.registry import TICK_MODEL, ModelRegistry
from lakehouse_assets_tests.services.ledgers import EVIDENCE, SNAPSHOTS, lake_in, moves_of, promote, story, versions


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """The lake beside the test's store."""
    return lake_in(tmp_path)


def test_a_promotion_moves_the_alias_and_says_all_that_it_rested_on(lake: Lake, registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    promote(lake, registry, first)
    moved = promote(lake, registry, second, run_id="run-2", why="better by 0.03")
    assert registry.champion == second
    assert moved is not None
    assert (moved.is_new, moved.move) == (True, moves_of(lake)[-1])
    move = moved.move
    assert (move.model, move.sequence, move.kind, move.moved_by) == (TICK_MODEL, 2, "promotion", "run-2")
    assert (move.from_version, move.to_version, move.why) == (int(first), int(second), "better by 0.03")
    assert (move.to_log_loss, move.from_log_loss, move.to_accuracy) == (0.61, 0.64, 0.58)
    interval = (move.log_loss_advantage, move.log_loss_advantage_low, move.log_loss_advantage_high)
    assert interval == (0.03, 0.01, 0.05)
    assert move.data_key == f"key-{second}"
    assert move.hold_out == "feature_option_labels@5,feature_option_minutes@7777777777777777777"
    assert timedelta() <= datetime.now(UTC) - move.moved_at < timedelta(minutes=1)


def test_what_the_evaluation_judged_on_is_kept_where_it_is_not_what_was_trained_on(
    lake: Lake, registry: ModelRegistry
) -> None:
    (first,) = versions(registry, 1)
    promote(lake, registry, first, evidence=replace(EVIDENCE, hold_out={"feature_option_minutes": 9}))
    assert moves_of(lake)[0].hold_out == "feature_option_minutes@9"


def test_a_score_that_is_no_number_is_null(lake: Lake, registry: ModelRegistry) -> None:
    (first,) = versions(registry, 1)
    promote(
        lake, registry, first, evidence=Evidence(float("inf"), 0.5, float("nan"), Interval(-0.0, float("nan"), 1.0))
    )
    move = moves_of(lake)[0]
    assert (move.to_log_loss, move.from_log_loss, move.log_loss_advantage_low) == (None, None, None)
    assert str(move.log_loss_advantage) == "0.0"  # a table holds no -0.0


def test_a_promotion_over_a_champion_that_is_gone_moves_nothing_and_writes_nothing(
    lake: Lake, registry: ModelRegistry
) -> None:
    first, second, third = versions(registry, 3)
    promote(lake, registry, first)
    promote(lake, registry, second)
    assert promote(lake, registry, third, instead_of=first) is None
    assert registry.champion == second
    assert story(lake) == [("promotion", None, 1), ("promotion", 1, 2)]
    assert MOVE_TAG not in registry.version(third).tags


def test_a_promotion_that_is_repeated_is_written_once(lake: Lake, registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    promote(lake, registry, first)
    once = promote(lake, registry, second, instead_of=first)
    head = lake.load("model_promotions").current_snapshot()
    twice = promote(lake, registry, second, instead_of=first)
    assert once is not None
    assert twice is not None
    assert (twice.move, twice.is_new) == (once.move, False)
    assert lake.load("model_promotions").current_snapshot() == head
    assert len(story(lake)) == 2


def test_each_model_has_a_chain_of_its_own(lake: Lake, registry: ModelRegistry) -> None:
    other = ModelRegistry(registry.store, "MnistDigits")
    (first,), (theirs, theirs_too) = versions(registry, 1), versions(other, 2)
    promote(lake, registry, first)
    promote(lake, other, theirs)
    promote(lake, other, theirs_too)
    assert story(lake) == [("promotion", None, 1)]
    assert story(lake, "MnistDigits") == [("promotion", None, 1), ("promotion", 1, 2)]


def test_a_row_that_breaks_the_contract_is_refused_before_anything_moves(lake: Lake, registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    promote(lake, registry, first)
    with pytest.raises(BatchRefused, match=r"model_promotions stays as it was: .*to_accuracy_is_above_1"):
        promote(lake, registry, second, evidence=replace(EVIDENCE, accuracy=58.0))
    assert registry.champion == first
    assert story(lake) == [("promotion", None, 1)]


def test_a_champion_from_before_the_ledger_is_its_first_row(lake: Lake, registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    registry.promote(first, instead_of=None)
    promote(lake, registry, second)
    assert story(lake) == [("reconciled", None, 1), ("promotion", 1, 2)]
    found = moves_of(lake)[0]
    assert found.why == "the alias was found at version 1: it was moved by something else than promotion and rollback"
    assert (found.moved_by, found.data_key, found.to_log_loss, found.hold_out) == ("run-1", "key-1", None, None)


def test_an_alias_that_was_moved_or_taken_away_by_hand_is_written_down(lake: Lake, registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    promote(lake, registry, first)
    client = registry.store.client
    client.set_registered_model_alias(TICK_MODEL, "champion", second)
    reconcile(lake, registry, "run-2")
    client.delete_registered_model_alias(TICK_MODEL, "champion")
    reconcile(lake, registry, "run-3")
    assert story(lake) == [("promotion", None, 1), ("reconciled", 1, 2), ("reconciled", 2, None)]
    assert moves_of(lake)[-1].why.startswith("the alias was found at no version")


def test_a_deleted_champion_leaves_its_place_empty_and_the_next_takes_it(lake: Lake, registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    promote(lake, registry, first)
    registry.store.client.delete_model_version(TICK_MODEL, first)
    promote(lake, registry, second)
    assert story(lake) == [("promotion", None, 1), ("reconciled", 1, None), ("promotion", None, 2)]


def test_reconciling_what_agrees_states_the_ledger_and_makes_no_snapshot(lake: Lake, registry: ModelRegistry) -> None:
    (first,) = versions(registry, 1)
    nothing = reconcile(lake, registry, "run-0")
    assert (nothing.staged.rows, nothing.published.snapshot_id) == (0, None)
    moved = promote(lake, registry, first)
    again = reconcile(lake, registry, "run-2")
    assert moved is not None
    assert (again.staged.rows, again.published.is_new) == (1, False)
    assert again.published.snapshot_id == moved.written.published.snapshot_id
    assert len(again.verdicts) == 3
    assert not [one for one in again.verdicts if not one.verdict.passed]


def test_a_note_of_a_move_that_never_happened_is_not_taken_for_one(lake: Lake, registry: ModelRegistry) -> None:
    """Killed before the alias moved: the note is there, its number is another move's by now."""
    first, second, third = versions(registry, 3)
    promote(lake, registry, first)
    moved = promote(lake, registry, second)
    assert moved is not None
    stale = replace(moved.move, to_version=3, why="never happened")
    registry.set_tags(third, {MOVE_TAG: stale.as_json()})
    registry.store.client.set_registered_model_alias(TICK_MODEL, "champion", third)
    reconcile(lake, registry, "run-2")
    assert story(lake)[-1] == ("reconciled", 2, 3)
    assert "never happened" not in moves_of(lake)[-1].why


def test_what_a_version_was_trained_from_is_read_off_its_tags(registry: ModelRegistry) -> None:
    first, second = versions(registry, 2)
    assert registry.snapshots(first) == SNAPSHOTS
    assert registry.numbers() == (first, second)
    registry.store.client.delete_model_version(TICK_MODEL, first)
    assert registry.numbers() == (second,)
