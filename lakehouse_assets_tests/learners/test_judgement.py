"""Who becomes the champion, and the words for it."""

import dataclasses

import numpy as np
import pytest

from lakehouse_assets.learners.bootstrap import Interval, Resampling
from lakehouse_assets.learners.evaluation import Predictions, Scores, evaluate
from lakehouse_assets.learners.groups import GroupScores
from lakehouse_assets.learners.judgement import advantage, holds_its_floor, is_calibrated, is_too_good, judge
from lakehouse_assets_tests.learners.synthetic import MINUTE, START

RESAMPLING = Resampling(samples=200, block_minutes=30, seed=1)


def predictions(strength: float, size: int = 6_000, seed: int = 3, noise: int = 4) -> Predictions:
    """Calibrated predictions of a coin whose bias is known up to `strength`; same rows for the same seed."""
    rng = np.random.default_rng(seed)
    true_share = 0.5 + 0.2 * rng.choice([-1, 1], size)
    label = (rng.random(size) < true_share).astype(np.int8)
    guess = 0.5 + strength * (true_share - 0.5) + np.random.default_rng(noise).normal(0, 1e-3, size)
    instant = START + np.arange(size, dtype=np.int64) * MINUTE // 10
    return Predictions(label, guess.astype(np.float32), instant, np.zeros(size, np.int8), 0.5)


def scores(found: Predictions) -> Scores:
    return evaluate(found, RESAMPLING)


def test_the_first_model_that_beats_the_baselines_is_promoted() -> None:
    verdict = judge(scores(predictions(1.0)), None, None, too_good=0.75)
    assert verdict.promote
    assert str(verdict).startswith("promoted: accuracy 0.7")
    assert "beats always the majority (0.497)" in str(verdict)
    assert str(verdict).endswith("there is no champion yet")


def test_the_first_champion_need_not_surely_lower_the_log_loss_but_its_successors_must() -> None:
    found = dataclasses.replace(scores(predictions(1.0)), log_loss_gain=Interval(0.02, -0.01, 0.05))
    first = judge(found, None, None, too_good=0.75)
    assert first.promote
    assert "log-loss the majority's by 0.020 [-0.010, 0.050], not surely" in str(first)
    assert not judge(found, scores(predictions(0.3)), Interval(0.1, 0.05, 0.2), too_good=0.75).promote
    worse = dataclasses.replace(found, log_loss_gain=Interval(-0.001, -0.01, 0.05))
    unsure = dataclasses.replace(found, lift_over_no_change=Interval(0.02, -0.01, 0.05))
    assert not judge(worse, None, None, too_good=0.75).promote
    assert not judge(unsure, None, None, too_good=0.75).promote


def test_a_model_that_knows_nothing_is_not_promoted_even_without_a_champion() -> None:
    verdict = judge(scores(predictions(0.0)), None, None, too_good=0.75)
    assert not verdict.promote
    assert "does not surely beat always the majority" in str(verdict)
    assert "no champion" not in str(verdict)  # only the reasons against are given


def test_a_better_model_takes_the_place_and_a_worse_one_does_not() -> None:
    strong, weak = predictions(1.0), predictions(0.3)
    over = advantage(strong, weak, RESAMPLING)
    up = judge(scores(strong), scores(weak), over, too_good=0.75)
    down = judge(scores(weak), scores(strong), advantage(weak, strong, RESAMPLING), too_good=0.75)
    assert up.promote
    assert "on the same hold-out, better by +0.0" in str(up)
    assert not down.promote
    assert "on the same hold-out, worse: -0.0" in str(down)


def test_a_difference_within_the_noise_promotes_nobody() -> None:
    one, other = predictions(1.0, noise=4), predictions(1.0, noise=5)
    verdict = judge(scores(one), scores(other), advantage(one, other, RESAMPLING), too_good=0.75)
    assert not verdict.promote
    assert "is no sure difference" in str(verdict)


def test_the_advantage_is_paired_and_far_narrower_than_the_losses_themselves() -> None:
    strong, weak = predictions(1.0), predictions(0.9)
    over, loss = advantage(strong, weak, RESAMPLING), scores(strong).log_loss
    assert over.value == pytest.approx(scores(weak).log_loss.value - loss.value)
    assert over.high - over.low < (loss.high - loss.low) / 4


def test_other_rows_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="the same rows in the same order"):
        advantage(predictions(1.0, seed=3), predictions(1.0, seed=4), RESAMPLING)
    with pytest.raises(ValueError, match="the same rows in the same order"):
        advantage(predictions(1.0), predictions(1.0, size=5_000), RESAMPLING)


def test_a_score_that_is_too_good_is_never_promoted() -> None:
    suspicious = dataclasses.replace(scores(predictions(1.0)), balanced_accuracy=Interval(0.76, 0.7, 0.8))
    assert is_too_good(suspicious, 0.75)
    assert not is_too_good(suspicious, 0.76)
    verdict = judge(suspicious, None, None, too_good=0.75)
    assert not verdict.promote
    assert "balanced accuracy 0.760 [0.700, 0.800] is above 0.75: look for a leak" in str(verdict)


def test_few_blocks_of_time_promote_nobody() -> None:
    verdict = judge(scores(predictions(1.0, size=1_500)), None, None, too_good=0.75)
    assert not verdict.promote
    assert "the hold-out has 5 blocks of time, fewer than 8" in str(verdict)


def test_a_champion_without_a_comparison_is_a_mistake() -> None:
    found = scores(predictions(1.0))
    with pytest.raises(ValueError, match="come together"):
        judge(found, found, None, too_good=0.75)


def test_probabilities_that_are_surely_off_are_not_promoted() -> None:
    fair = scores(predictions(1.0))
    kept, words = is_calibrated(fair, 0.05)
    assert kept
    assert words.startswith("calibrated: mean probability minus share of up ")
    found = predictions(1.0)
    moved = dataclasses.replace(found, probability=found.probability + np.float32(0.12))
    kept, words = is_calibrated(scores(moved), 0.05)
    assert not kept
    assert words.endswith("surely more than 0.05")
    verdict = judge(fair, None, None, too_good=0.75, further=[is_calibrated(scores(moved), 0.05)])
    assert not verdict.promote
    assert str(verdict).startswith("not promoted: not calibrated: ")
    assert judge(fair, None, None, too_good=0.75, further=[is_calibrated(fair, 0.05)]).promote


@pytest.mark.parametrize(
    ("bias", "error", "kept"),
    [
        ((0.08, 0.04, 0.12), (0.05, 0.0, 0.1), True),  # may be off by more, may be not
        ((0.08, 0.06, 0.12), (0.05, 0.0, 0.1), False),
        ((-0.08, -0.12, -0.06), (0.05, 0.0, 0.1), False),
        ((0.0, -0.01, 0.01), (0.08, 0.06, 0.1), False),
    ],
)
def test_only_what_is_sure_counts_against_calibration(
    bias: tuple[float, float, float], error: tuple[float, float, float], kept: bool
) -> None:
    found = dataclasses.replace(scores(predictions(1.0)), bias=Interval(*bias), calibration_error=Interval(*error))
    assert is_calibrated(found, 0.05)[0] is kept


def group(lift: tuple[float, float, float], blocks: int = 20) -> GroupScores:
    none = Interval(0.0, 0.0, 0.0)
    return GroupScores(100, blocks, none, None, 0.5, Interval(*lift), none)


def test_one_group_surely_below_its_majority_is_enough_to_refuse() -> None:
    good, bad = group((0.1, 0.05, 0.15)), group((-0.05, -0.09, -0.01))
    unsure, short = group((-0.05, -0.09, 0.01)), group((-0.3, -0.4, -0.2), blocks=7)
    kept, words = holds_its_floor({"A": good, "B": bad, "C": unsure})
    assert not kept
    assert "majority's accuracy on B by -0.050 [-0.090, -0.010]" in words
    kept, words = holds_its_floor({"A": good, "C": unsure, "D": short})
    assert kept
    assert words == "none of 2 groups is surely worse than its majority (1 with fewer than 8 blocks of time not judged)"
    assert holds_its_floor({"D": short}) == (True, "no group was judged: all 1 have fewer than 8 blocks of time")
    assert holds_its_floor({}) == (True, "no group was judged: the rows have none")
    verdict = judge(scores(predictions(1.0)), None, None, too_good=0.75, further=[holds_its_floor({"B": bad})])
    assert not verdict.promote
    assert "on B by" in str(verdict)
