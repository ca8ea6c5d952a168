"""Is there about as much as on the days before?

Belongs here: the comparison with the trailing days, by metadata alone. Does not: blocking; a quiet day is no error.
"""

from statistics import median

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

TRAILING_DAYS = 10
LEAST_DAYS = 2
LOWEST_RATIO = 0.2
HIGHEST_RATIO = 5.0


def volume_gate(contract: Contract) -> Gate:
    """Warns when a partition holds less than a fifth or more than five times the trailing days' median."""
    return Gate(
        name=contract.check_name("have_their_usual_volume", "has_its_usual_volume"),
        meaning=f"Rows lie between {LOWEST_RATIO} and {HIGHEST_RATIO} times the median of the last {TRAILING_DAYS} "
        "dates before it that hold rows.",
        is_blocking=False,
        judge=_judge,
    )


def _judge(case: Case) -> Verdict:
    rows = case.part.rows
    known = {**case.staged.previous_rows, **{part.key: part.rows for part in case.staged.partitions}}
    before = [count for key, count in sorted(known.items()) if key < case.part.key and count][-TRAILING_DAYS:]
    if not case.staged.contract.is_partitioned or len(before) < LEAST_DAYS:
        return Verdict(True, f"{rows:,} rows; fewer than {LEAST_DAYS} earlier dates to compare with", {"rows": rows})
    usual = median(before)
    ratio = rows / usual
    values = {"rows": rows, "usual_rows": usual, "ratio": ratio, "dates_compared": len(before)}
    words = f"{rows:,} rows, {ratio:.2f} times the usual {usual:,.0f}"
    return Verdict(LOWEST_RATIO <= ratio <= HIGHEST_RATIO, words, values)
