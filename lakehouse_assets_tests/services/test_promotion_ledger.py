"""The rows of the ledger: what a move is, which versions are in force, and two who add at once."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lakehouse_assets.contracts.models import MODEL_PROMOTIONS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict
from lakehouse_assets.lake.writing import BatchRefused
from lakehouse_assets.services.promotion_ledger import Move, accept_move, in_force, read, spelled, write_down
from lakehouse_assets_tests.services.ledgers import lake_in

AT = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return lake_in(tmp_path)


def move(before: int | None, after: int | None, kind: str = "promotion", number: int = 1, model: str = "M") -> Move:
    """A move with nothing but its ends."""
    nothing = dict.fromkeys(one.name for one in fields(Move))
    said = {"model": model, "sequence": number, "moved_at": AT, "moved_by": "run-1", "kind": kind, "why": "so"}
    return Move(**nothing | said | {"from_version": before, "to_version": after})  # type: ignore[arg-type]


def test_a_move_is_a_row_of_the_contract() -> None:
    assert tuple(one.name for one in fields(Move)) == MODEL_PROMOTIONS.column_names


def test_a_move_comes_back_out_of_its_text_and_out_of_the_table(lake: Lake) -> None:
    told = replace(move(None, 1), to_log_loss=0.1 + 0.2, hold_out="t@7777777777777777777", why='said "so", é\n2')
    assert Move.from_json(told.as_json()) == told
    write_down(lake, told, "run-1")
    assert read(lake).moves == (told,)


def test_a_note_of_another_program_version_is_no_move() -> None:
    assert Move.from_json('{"model": "M", "to_version": 1}') is None


def test_a_move_that_the_ledger_holds_is_not_added_again(lake: Lake) -> None:
    first = move(None, 1)
    write_down(lake, first, "run-1")
    again = write_down(lake, replace(first, sequence=2), "run-2")
    assert not again.published.is_new
    assert read(lake).moves == (first,)


def test_a_move_accepted_before_another_was_published_is_added_after_it(lake: Lake) -> None:
    waiting = accept_move(lake, move(None, 1, model="A"))
    write_down(lake, move(None, 1, model="B"), "run-2")
    write_down(lake, move(None, 1, model="A"), "run-1", waiting)
    assert [(one.model, one.sequence) for one in read(lake).moves] == [("A", 1), ("B", 1)]


def test_a_ledger_that_was_read_before_another_move_adds_nothing(lake: Lake) -> None:
    """Without it, the row of the other would be replaced by a table that never held it."""
    old = read(lake)
    write_down(lake, move(None, 1, model="B"), "run-2")
    with pytest.raises(PublishConflict, match="another run published since its rows were read"):
        old.accept(lake, [move(None, 1, model="A")])
    assert [one.model for one in read(lake).moves] == ["B"]


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (move(7, 2), "model_promotions_follow_one_another failed: .*1 do not begin where the one before ended"),
        (move(1, 1), "a_move_changes_the_champion"),
        (move(1, None), "we_move_to_a_version"),
        (replace(move(1, 2), kind="whim"), "kind_is_not_allowed"),
        (replace(move(1, 2), log_loss_advantage_low=0.2, log_loss_advantage_high=0.1), "intervals_are_ordered"),
    ],
)
def test_a_move_that_cannot_have_happened_is_refused(lake: Lake, added: Move, words: str) -> None:
    write_down(lake, move(None, 1), "run-1")
    with pytest.raises(BatchRefused, match=words) as refused:
        write_down(lake, replace(added, moved_at=AT.replace(hour=10)), "run-1")
    assert any(not one.verdict.passed for one in refused.value.verdicts)
    assert [one.to_version for one in read(lake).moves] == [1]


def test_a_ledger_that_loses_or_changes_a_row_is_refused(lake: Lake) -> None:
    write_down(lake, move(None, 1), "run-1")
    write_down(lake, replace(move(1, 2), why="then"), "run-1")
    held = read(lake)
    for rows in (held.moves[:1], (held.moves[0], replace(held.moves[1], why="nicer"))):
        with pytest.raises(BatchRefused, match="keep_what_they_held failed: 1 of 2 rows would be lost"):
            replace(held, moves=rows).accept(lake, [])
    assert read(lake).moves == held.moves


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], ()),
        ([("promotion", 1), ("promotion", 2), ("promotion", 3)], (1, 2, 3)),
        ([("promotion", 1), ("promotion", 2), ("promotion", 3), ("rollback", 2)], (1, 2)),
        ([("promotion", 1), ("promotion", 2), ("rollback", 1), ("promotion", 2)], (1, 2)),
        ([("promotion", 1), ("promotion", 2), ("promotion", 1)], (1, 2, 1)),
        ([("promotion", 1), ("promotion", 2), ("promotion", 3), ("rollback", 1), ("rollback", 3)], (1, 3)),
        ([("promotion", 1), ("promotion", 2), ("reconciled", 1)], (1,)),
        ([("promotion", 1), ("reconciled", 4)], (1, 4)),
        ([("promotion", 1), ("promotion", 2), ("reconciled", None), ("promotion", 3)], (1, 2, 3)),
        ([("promotion", 1), ("reconciled", None), ("promotion", 1)], (1,)),
    ],
)
def test_the_way_back_leads_through_what_was_not_left_behind(
    moves: list[tuple[str, int | None]], expected: tuple[int, ...]
) -> None:
    assert in_force(move(None, to, kind) for kind, to in moves) == expected


def test_snapshots_are_spelled_in_the_order_of_their_tables() -> None:
    assert spelled({"b": 2, "a": 1}) == "a@1,b@2"
    assert spelled({}) is None


def test_the_table_can_be_asked_in_sql(lake: Lake) -> None:
    from lakehouse_assets.lake.sql import ask

    write_down(lake, move(None, 1), "run-1")
    with ask(lake, "SELECT model, to_version, why FROM model_promotions").batches() as batches:
        assert batches.read_all().to_pylist() == [{"model": "M", "to_version": 1, "why": "so"}]
    assert asdict(read(lake).moves[0])["moved_at"] == AT
