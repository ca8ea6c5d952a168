"""The splits, held against brute force over every pair of intervals."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lakehouse_assets.learners.splits import (
    Fold,
    Times,
    TooLittleHistory,
    WalkForward,
    leaking_rows,
    walk_forward,
)
from lakehouse_assets_tests.leaks.sides import same_instants, touches

MINUTE = 60_000_000


@st.composite
def labelled_times(draw: st.DrawFn) -> tuple[Times, Times]:
    """Rows at few, unevenly spaced, shared instants, with labels of uneven length, in any order."""
    instants = draw(st.lists(st.integers(0, 400), min_size=2, max_size=40))
    lengths = draw(st.lists(st.integers(0, 60), min_size=len(instants), max_size=len(instants)))
    t0 = np.array(instants, dtype=np.int64)
    return t0, t0 + np.array(lengths, dtype=np.int64)


def split_or_skip(t0: Times, t1: Times, folds: int, share: float, embargo: int) -> WalkForward:
    try:
        return walk_forward(t0, t1, folds=folds, holdout_share=share, embargo_us=embargo)
    except TooLittleHistory:
        assume(False)
        raise


@given(labelled_times(), st.integers(0, 3), st.floats(0.05, 0.9), st.integers(0, 40))
def test_no_training_label_touches_a_test_interval_and_the_embargo_holds(
    times: tuple[Times, Times], folds: int, share: float, embargo: int
) -> None:
    t0, t1 = times
    split = split_or_skip(t0, t1, folds, share, embargo)
    for fold in split.every:
        train, test = fold.train_rows(t1), fold.test_rows(t0)
        assert touches(t0, t1, train, test) == []
        assert all(t1[a] + embargo < t0[test].min() for a in train)
        assert leaking_rows(fold, t0, t1).tolist() == []


@given(labelled_times(), st.integers(0, 3), st.floats(0.05, 0.9), st.integers(0, 40))
def test_the_test_spans_are_disjoint_and_no_instant_is_on_both_sides(
    times: tuple[Times, Times], folds: int, share: float, embargo: int
) -> None:
    t0, t1 = times
    split = split_or_skip(t0, t1, folds, share, embargo)
    tested = np.concatenate([fold.test_rows(t0) for fold in split.every])
    assert len(set(tested.tolist())) == len(tested)
    for fold in split.every:
        assert same_instants(t0, fold.train_rows(t1), fold.test_rows(t0)) == set()
        test = set(t0[fold.test_rows(t0)].tolist())
        assert {row for row in range(len(t0)) if t0[row] in test} == set(fold.test_rows(t0).tolist())


@given(labelled_times(), st.integers(0, 400), st.integers(0, 400), st.integers(1, 200))
def test_the_guard_finds_exactly_the_rows_that_brute_force_finds(
    times: tuple[Times, Times], train_end: int, start: int, width: int
) -> None:
    t0, t1 = times
    wrong = Fold("wrong", train_end, start, start + width)  # any thresholds, also leaking ones
    brute = sorted({int(a) for a, _ in touches(t0, t1, wrong.train_rows(t1), wrong.test_rows(t0))})
    assert leaking_rows(wrong, t0, t1).tolist() == brute


def test_a_gap_counted_in_rows_would_leak_where_the_split_does_not() -> None:
    t0 = np.repeat(np.arange(100, dtype=np.int64), 50) * MINUTE  # fifty contracts a minute
    t1 = t0 + 5 * MINUTE
    cut = 75 * 50
    by_rows = np.arange(cut - 20)  # a gap of twenty rows: not even one minute
    assert (t1[by_rows] >= t0[cut]).sum() > 0
    fold = walk_forward(t0, t1, folds=0, holdout_share=0.25, embargo_us=0).holdout
    assert t1[fold.train_rows(t1)].max() < t0[fold.test_rows(t0)].min()


def test_the_holdout_is_the_last_span_and_the_folds_grow() -> None:
    t0 = np.arange(1_000, dtype=np.int64) * MINUTE
    split = walk_forward(t0, t0 + 5 * MINUTE, folds=3, holdout_share=0.2, embargo_us=10 * MINUTE)
    assert [fold.name for fold in split.every] == ["fold_1", "fold_2", "fold_3", "holdout"]
    assert split.holdout.test_rows(t0).tolist() == list(range(800, 1_000))
    assert [len(fold.test_rows(t0)) for fold in split.folds] == [200, 200, 200]
    # A label of five minutes and an embargo of ten: the last row learnt from starts sixteen minutes before.
    assert [len(fold.train_rows(t0 + 5 * MINUTE)) for fold in split.every] == [185, 385, 585, 785]


def test_the_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    t0 = rng.integers(0, 500, 300).astype(np.int64)
    order = rng.permutation(300)
    assert walk_forward(t0, t0 + 3, folds=2, holdout_share=0.3, embargo_us=2) == walk_forward(
        t0[order], t0[order] + 3, folds=2, holdout_share=0.3, embargo_us=2
    )


def test_too_little_history_says_what_to_do() -> None:
    t0 = np.repeat(np.int64(MINUTE), 500)
    with pytest.raises(TooLittleHistory, match=r"out of 500 rows at 1 instants: materialize more trading dates"):
        walk_forward(t0, t0 + 1, folds=1, holdout_share=0.25, embargo_us=0)
    with pytest.raises(TooLittleHistory, match="no labelled rows"):
        walk_forward(t0[:0], t0[:0], folds=1, holdout_share=0.25, embargo_us=0)


def test_a_label_that_ends_before_it_starts_is_refused() -> None:
    t0 = np.arange(10, dtype=np.int64)
    t1 = t0.copy()
    t1[4] = 1
    with pytest.raises(ValueError, match=r"row 4: its label ends \(1\) before it starts \(4\)"):
        walk_forward(t0, t1, folds=1, holdout_share=0.25, embargo_us=0)


@pytest.mark.parametrize(("folds", "share", "embargo"), [(-1, 0.2, 0), (1, 0.0, 0), (1, 1.0, 0), (1, 0.2, -1)])
def test_an_impossible_split_is_refused(folds: int, share: float, embargo: int) -> None:
    t0 = np.arange(10, dtype=np.int64)
    with pytest.raises(ValueError, match="a split needs"):
        walk_forward(t0, t0, folds=folds, holdout_share=share, embargo_us=embargo)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(2,\)"):
        walk_forward(np.arange(3), np.arange(2), folds=1, holdout_share=0.2, embargo_us=0)
