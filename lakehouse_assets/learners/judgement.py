"""Whether a model may be registered, and whether it becomes the champion: said in words.

Belongs here: the rules of merit. Does not: scores (evaluation), aliases and versions (services).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse_assets.learners.bootstrap import Interval, Resampling, draw, interval
from lakehouse_assets.learners.evaluation import Predictions, Scores, row_losses
from lakehouse_assets.learners.groups import GroupScores

FEWEST_BLOCKS = 8
"""With fewer blocks of time an interval says little, and nobody is promoted on it."""


@dataclass(frozen=True)
class Judgement:
    """Whether a model becomes the champion, and why or why not."""

    promote: bool
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        """One line."""
        return ("promoted: " if self.promote else "not promoted: ") + "; ".join(self.reasons)


def is_too_good(scores: Scores, threshold: float) -> bool:
    """Whether the score is a defect until proven otherwise: on a short horizon nobody is that good without a leak."""
    return scores.balanced_accuracy.value > threshold


def beaten_baselines(scores: Scores) -> tuple[bool, str]:
    """Whether accuracy beats both baselines and log-loss the majority's beyond the interval, and a sentence on it."""
    gaps = {
        f"always the majority ({scores.majority_accuracy:.3f})": scores.lift_over_majority,
        f"no change ({scores.no_change_accuracy:.3f})": scores.lift_over_no_change,
        "the majority's log-loss": scores.log_loss_gain,
    }
    lost = [f"{name} by {gap}" for name, gap in gaps.items() if gap.low <= 0]
    if lost:
        return False, f"accuracy {scores.accuracy} does not surely beat " + ", nor ".join(lost)
    won = ", ".join(f"{name} by {gap}" for name, gap in gaps.items())
    return True, f"accuracy {scores.accuracy} beats {won}"


def is_calibrated(scores: Scores, most_off: float) -> tuple[bool, str]:
    """Whether the probabilities may be taken at their word, and a sentence on it.

    They may not where their mean is surely further than `most_off` from the share of class 1, or the calibration
    error is surely above it.
    """
    bias, error = scores.bias, scores.calibration_error
    said = f"mean probability minus share of up {bias.value:+.3f} [{bias.low:+.3f}, {bias.high:+.3f}], error {error}"
    if bias.low > most_off or bias.high < -most_off or error.low > most_off:
        return False, f"not calibrated: {said}, surely more than {most_off:g}"
    return True, f"calibrated: {said}"


def holds_its_floor(groups: Mapping[str, GroupScores]) -> tuple[bool, str]:
    """Whether no group, such as an underlying, is surely served worse than by its majority, and a sentence on it.

    A group with fewer than `FEWEST_BLOCKS` blocks of time is not judged: its interval says too little. Where none is
    judged, the floor holds, since nothing speaks against it, and the sentence says so.
    """
    judged = {name: scores for name, scores in groups.items() if scores.blocks >= FEWEST_BLOCKS}
    short = [
        f"{name} by {scores.lift_over_majority}"
        for name, scores in judged.items()
        if scores.lift_over_majority.high < 0
    ]
    if short:
        return False, "surely below the majority's accuracy on " + ", ".join(short)
    unjudged = len(groups) - len(judged)
    if not judged:
        few = f"all {unjudged} have fewer than {FEWEST_BLOCKS} blocks of time" if groups else "the rows have none"
        return True, f"no group was judged: {few}"
    rest = f" ({unjudged} with fewer than {FEWEST_BLOCKS} blocks of time not judged)" if unjudged else ""
    return True, f"none of {len(judged)} groups is surely worse than its majority{rest}"


def advantage(challenger: Predictions, champion: Predictions, resampling: Resampling) -> Interval:
    """How much lower the challenger's log-loss is on the same rows, in nats a row; positive is better.

    Raises:
        ValueError: the two were not predicted on the same rows.
    """
    same = (challenger.instant.shape == champion.instant.shape) and (
        (challenger.instant == champion.instant).all() and (challenger.label == champion.label).all()
    )
    if not same:
        raise ValueError("challenger and champion must be judged on the same rows in the same order")
    draws = draw(challenger.instant, resampling)
    gain = row_losses(champion.label, champion.probability) - row_losses(challenger.label, challenger.probability)
    return interval(draws.sums(gain) / draws.sums(draws.block >= 0))


def judge(
    challenger: Scores,
    champion: Scores | None,
    over_champion: Interval | None,
    *,
    too_good: float,
    further: Sequence[tuple[bool, str]] = (),
) -> Judgement:
    """Decide on the champion's place.

    A challenger takes it if its score is credible, rests on enough blocks of time, beats the baselines, and, where
    there is a champion, its log-loss on the same hold-out is lower by more than the interval. While there is no
    champion, nobody loses a place, and the log-loss need only be lower than the majority's, not surely so.

    Args:
        challenger: the challenger's scores on the hold-out.
        champion: the champion's scores on the same rows; None where there is none.
        over_champion: `advantage` of the challenger over the champion; None where there is none.
        too_good: the balanced accuracy that nobody reaches without a leak.
        further: what further rules say, such as `is_calibrated` and `holds_its_floor`; each must hold.

    Raises:
        ValueError: a champion without an advantage over it, or the reverse.
    """
    if (champion is None) != (over_champion is None):
        raise ValueError("a champion's scores and the advantage over it come together")
    if is_too_good(challenger, too_good):
        reason = f"balanced accuracy {challenger.balanced_accuracy} is above {too_good}: look for a leak"
        return Judgement(False, (reason,))
    verdicts = [_first(challenger) if champion is None else beaten_baselines(challenger)]
    if challenger.blocks < FEWEST_BLOCKS:
        verdicts.append((False, f"the hold-out has {challenger.blocks} blocks of time, fewer than {FEWEST_BLOCKS}"))
    if champion is None or over_champion is None:
        verdicts.append((True, "there is no champion yet"))
    else:
        verdicts.append(_against(challenger, champion, over_champion))
    verdicts += further
    promote = all(passed for passed, _ in verdicts)
    return Judgement(promote, tuple(reason for passed, reason in verdicts if passed == promote))


def _first(challenger: Scores) -> tuple[bool, str]:
    beats, why = beaten_baselines(challenger)
    surely_right = challenger.lift_over_majority.low > 0 and challenger.lift_over_no_change.low > 0
    if beats or not surely_right or challenger.log_loss_gain.value <= 0:
        return beats, why
    return True, (
        f"accuracy {challenger.accuracy} surely beats always the majority ({challenger.majority_accuracy:.3f}) and no "
        f"change ({challenger.no_change_accuracy:.3f}), log-loss the majority's by {challenger.log_loss_gain}, "
        "not surely"
    )


def _against(challenger: Scores, champion: Scores, over: Interval) -> tuple[bool, str]:
    losses = f"log-loss {challenger.log_loss.value:.4f} against the champion's {champion.log_loss.value:.4f}"
    gap = f"{over.value:+.4f} [{over.low:+.4f}, {over.high:+.4f}]"
    if over.low > 0:
        return True, f"{losses} on the same hold-out, better by {gap}"
    if over.high < 0:
        return False, f"{losses} on the same hold-out, worse: {gap}"
    return False, f"{losses} on the same hold-out is no sure difference: {gap}"
