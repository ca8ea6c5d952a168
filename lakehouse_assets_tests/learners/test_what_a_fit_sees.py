"""By brute force, for random horizons: what is learnt from never touches what is judged, whoever trains."""

import numpy as np
import pyarrow as pa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.learners.spool import Columns
from lakehouse_assets.learners.training import TrainingPlan, train
from lakehouse_assets_tests.learners.remembering import RememberingRecipe, Seen, forget
from lakehouse_assets_tests.learners.synthetic import MINUTE, START, in_batches

COLUMNS = Columns(("row",))


@st.composite
def labelled_rows(draw: st.DrawFn) -> pa.RecordBatch:
    """Up to eight contracts at uneven instants, each row with a horizon of its own, of up to forty minutes."""
    gaps = draw(st.lists(st.integers(1, 30), min_size=20, max_size=60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    t0 = START + np.repeat(np.cumsum(gaps), rng.integers(1, 9, len(gaps))) * MINUTE
    size = len(t0)
    t1 = t0 + rng.integers(0, draw(st.integers(1, 40)) + 1, size) * MINUTE
    return pa.RecordBatch.from_pydict(
        {
            "t0": t0, "t1": t1, "label": rng.integers(0, 2, size).astype(np.int8),
            "last_direction": np.zeros(size, np.int8), "row": np.arange(size).astype(np.float32),
        }
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(labelled_rows(), st.integers(0, 3), st.floats(0.15, 0.5), st.integers(0, 15), st.integers(1, 97))
def test_no_interval_learnt_from_touches_an_interval_judged_on(
    batch: pa.RecordBatch, folds: int, share: float, embargo: int, rows_a_batch: int
) -> None:
    t0, t1 = batch["t0"].to_numpy(), batch["t1"].to_numpy()
    plan = TrainingPlan(RememberingRecipe(), folds, share, embargo, Resampling(samples=2), naive_split=False)
    for seen in fits(batch, plan, rows_a_batch):
        learnt, judged = np.array(sorted(seen.learnt)), np.array(sorted(seen.asked))
        assert len(learnt)
        assert len(judged)
        touching = (t0[learnt][:, None] <= t1[judged][None]) & (t1[learnt][:, None] >= t0[judged][None])
        assert not touching.any()
        assert t0[judged].min() - t1[learnt].max() > embargo * MINUTE
        same_instant = np.isin(t0, t0[judged])
        assert set(np.flatnonzero(same_instant)) == seen.asked  # all contracts of an instant, or none
        assert not seen.learnt & set(np.flatnonzero(same_instant))


@settings(max_examples=30, deadline=None)
@given(labelled_rows(), st.integers(1, 97))
def test_the_naive_split_leaks_learns_from_every_other_row_and_touches_no_other_fit(
    batch: pa.RecordBatch, rows_a_batch: int
) -> None:
    plan = TrainingPlan(RememberingRecipe(), 1, 0.3, 0, Resampling(samples=2))
    fold, naive, last = fits(batch, plan, rows_a_batch)
    assert naive.learnt | naive.asked == set(range(batch.num_rows))
    assert not naive.learnt & naive.asked
    assert max(naive.learnt) > min(naive.asked)  # the future is learnt from: that is what makes it naive
    assert max(last.learnt) < min(last.asked)
    assert max(fold.learnt) < min(fold.asked)


def fits(batch: pa.RecordBatch, plan: TrainingPlan, rows_a_batch: int) -> list[Seen]:
    """What each fit of a training saw, in order."""
    seen = forget()
    try:
        trained = train(in_batches(batch, rows_a_batch), COLUMNS, plan)
    except TooLittleHistory:
        assume(False)
    except ValueError as error:  # a test span of one class
        assume("both classes" not in str(error))
        raise
    assert isinstance(trained.scores, Scores)
    return seen
