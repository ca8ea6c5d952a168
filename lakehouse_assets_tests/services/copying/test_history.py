"""What may be brought: the source's own earlier rows give way, other rows do not, and nothing shown is taken back."""

import pytest

from lakehouse_assets.services.copying.history import History, in_the_way, may_become, to_bring, to_empty

PUBLISHED = [{"mon": "m1", "tue": "t1"}, {"mon": "m2"}, {"wed": "w1"}, {"mon": "m1"}, {"mon": "m3"}]
HISTORY = History.of(PUBLISHED)
THEN = History.of(PUBLISHED[:2])


def test_a_history_is_kept_by_partition_oldest_first() -> None:
    assert HISTORY.contents == {"mon": ("m1", "m2", "m1", "m3"), "tue": ("t1",), "wed": ("w1",)}
    assert HISTORY.knows("mon", "m2")
    assert not HISTORY.knows("tue", "m2")
    assert not HISTORY.knows("thu", "x")


def test_a_content_that_came_back_is_as_old_as_its_last_return_and_an_unknown_one_is_oldest() -> None:
    assert [HISTORY.age("mon", one) for one in ("gone", "m2", "m1", "m3")] == [-1, 1, 2, 3]
    assert HISTORY.age("thu", "x") == -1


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({}, ()),
        ({"mon": "m3", "tue": "t1"}, ()),
        ({"mon": "m2"}, ()),
        ({"mon": "theirs"}, ("mon",)),
        ({"mon": "t1"}, ("mon",)),
        ({"fri": "theirs"}, ()),
        ({"tue": "theirs", "mon": "theirs"}, ("mon", "tue")),
        ({"wed": "w1"}, ()),
        ({"wed": "theirs"}, ("wed",)),
    ],
)
def test_only_rows_that_never_were_the_sources_stand_in_the_way(
    there: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert in_the_way({"mon": "m3", "tue": "t1"}, there, HISTORY) == expected


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ({}, True),
        ({"mon": "m2"}, True),
        ({"mon": "gone"}, True),
        ({"tue": "t1"}, True),
        ({"mon": "m3"}, False),
        ({"mon": "m2", "wed": "w1"}, False),
        ({"mon": "m2", "fri": "theirs"}, False),
    ],
)
def test_an_earlier_state_is_made_only_while_nothing_later_is_shown(there: dict[str, str], expected: bool) -> None:
    assert may_become({"mon": "m2", "tue": "t1"}, there, HISTORY, THEN) is expected


@pytest.mark.parametrize(
    ("there", "expected"),
    [({"tue": "t1"}, True), ({"mon": "m2"}, True), ({"mon": "m1"}, False), ({"mon": "theirs"}, False)],
)
def test_a_state_without_a_partition_is_made_over_rows_of_before_it(there: dict[str, str], expected: bool) -> None:
    assert may_become({"wed": "w1"}, there, HISTORY, THEN) is expected
    assert to_empty({"wed": "w1"}, there, HISTORY, THEN) == (tuple(there) if expected else ())


def test_now_every_content_that_the_source_ever_had_gives_way_where_it_has_none() -> None:
    there = {"mon": "m2", "tue": "t1", "wed": "theirs", "fri": "x"}
    assert to_empty({"tue": "t2"}, there, HISTORY, HISTORY) == ("mon",)


def test_what_is_there_is_not_brought_again() -> None:
    assert to_bring({"mon": "m3", "tue": "t1"}, {"mon": "m2", "tue": "t1", "fri": "x"}) == ("mon",)
    assert to_bring({"mon": "m3"}, {"mon": "m3"}) == ()
