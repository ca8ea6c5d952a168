"""Is there about as much as on the days before?

Belongs here: the comparison with the trailing days, by metadata alone. Does not: blocking; a quiet day is no error.
"""

from datetime import date, timedelta
from statistics import median

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

TRAILING_DATES = 10
TRAILING_CALENDAR_DAYS = 30
"""Older dates say nothing of today: a history that is loaded late may be years away."""

LEAST_DATES = 2
LOWEST_RATIO = 0.2
HIGHEST_RATIO = 5.0


def volume_gate(contract: Contract) -> Gate:
    """Warns when a partition holds less than a fifth or more than five times the trailing days' median."""
    return Gate(
        name=contract.check_name("have_their_usual_volume", "has_its_usual_volume"),
        meaning=f"Rows lie between {LOWEST_RATIO} and {HIGHEST_RATIO} times the median of the last {TRAILING_DATES} "
        f"dates with rows in the {TRAILING_CALENDAR_DAYS} days before it.",
        is_blocking=False,
        judge=_judge,
    )


def _judge(case: Case) -> Verdict:
    rows = case.part.rows
    before = _trailing(case) if case.staged.contract.is_partitioned else []
    if len(before) < LEAST_DATES:
        words = (
            f"{rows:,} rows; fewer than {LEAST_DATES} dates in the {TRAILING_CALENDAR_DAYS} days before to compare with"
        )
        return Verdict(True, words, {"rows": rows})
    usual = median(before)
    ratio = rows / usual
    values = {"rows": rows, "usual_rows": usual, "ratio": ratio, "dates_compared": len(before)}
    words = f"{rows:,} rows, {ratio:.2f} times the usual {usual:,.0f}"
    return Verdict(LOWEST_RATIO <= ratio <= HIGHEST_RATIO, words, values)


def _trailing(case: Case) -> list[int]:
    """Rows of the dates before this one, those staged in the same run included, oldest first."""
    known = {**case.staged.previous_rows, **{part.key: part.rows for part in case.staged.partitions}}
    last = date.fromisoformat(case.part.key)
    first = last - timedelta(days=TRAILING_CALENDAR_DAYS)
    return [n for key, n in sorted(known.items()) if n and first <= date.fromisoformat(key) < last][-TRAILING_DATES:]
