"""How good a model is on each group of rows, such as each underlying: a good mean may hide a bad one.

Belongs here: groups and their scores. Does not: the scores over all rows (evaluation), what follows (judgement).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lakehouse_assets.learners.bootstrap import Draws, Floats, Interval, Resampling, draw, interval
from lakehouse_assets.learners.evaluation import Groups, Predictions, row_losses
from lakehouse_assets.learners.splits import Mask
from lakehouse_assets.learners.spool import Outline


@dataclass(frozen=True)
class GroupScores:
    """A model's scores on the rows of one group, against the majority of the group's own training rows.

    `balanced_accuracy` is None where the group's rows are all of one class; `log_loss_gain` is the majority's
    log-loss minus the model's, in nats a row: positive is better.
    """

    rows: int
    blocks: int
    accuracy: Interval
    balanced_accuracy: Interval | None
    majority_accuracy: float
    lift_over_majority: Interval
    log_loss_gain: Interval

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "GroupScores":
        """The scores out of `dataclasses.asdict`."""
        known: dict[str, Any] = {
            name: Interval(**value) if isinstance(value, dict) else value for name, value in saved.items()
        }
        return cls(**known)


def group_majorities(rows: Outline, trained: Mask) -> dict[str, float]:
    """The share of class 1 within each group that has training rows; empty where rows have no group."""
    if rows.group is None:
        return {}
    sizes = np.bincount(rows.group[trained], minlength=len(rows.groups))
    ones = np.bincount(rows.group[trained], weights=rows.label[trained], minlength=len(rows.groups))
    return {name: float(ones[k] / sizes[k]) for k, name in enumerate(rows.groups) if sizes[k]}


def groups_of(rows: Outline, majorities: Mapping[str, float], otherwise: float) -> Groups | None:
    """The groups of some rows; `otherwise` is the majority of one that training never met."""
    if rows.group is None:
        return None
    return Groups(rows.group, rows.groups, tuple(majorities.get(name, otherwise) for name in rows.groups))


def evaluate_groups(predictions: Predictions, resampling: Resampling) -> dict[str, GroupScores]:
    """Each group's scores by its name, in the order of the names; empty where the rows have no groups."""
    groups = predictions.groups
    if groups is None:
        return {}
    found = {
        name: _scores(predictions, groups.code == number, groups.majority[number], resampling)
        for number, name in enumerate(groups.names)
    }
    return dict(sorted(found.items()))


def _scores(predictions: Predictions, mine: Any, majority: float, resampling: Resampling) -> GroupScores:
    truth, probability = predictions.label[mine], predictions.probability[mine]
    right = predictions.guess[mine] == truth
    draws = draw(predictions.instant[mine], resampling)
    rows = draws.sums(np.ones(len(truth)))
    accuracy = draws.sums(right) / rows
    usual = draws.sums(truth == int(majority >= 0.5)) / rows
    gain = row_losses(truth, np.full(len(truth), majority)) - row_losses(truth, probability)
    return GroupScores(
        rows=len(truth),
        blocks=draws.blocks,
        accuracy=interval(accuracy),
        balanced_accuracy=_balanced(draws, truth == 1, right),
        majority_accuracy=float(usual[0]),
        lift_over_majority=interval(accuracy - usual),
        log_loss_gain=interval(draws.sums(gain) / rows),
    )


def _balanced(draws: Draws, ones: Any, right: Any) -> Interval | None:
    if ones.all() or not ones.any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):  # a sample may miss one class: NaN, left out of the interval
        shares: list[Floats] = [draws.sums(side & right) / draws.sums(side) for side in (ones, ~ones)]
    return interval((shares[0] + shares[1]) / 2)
