"""Does the table reach up to the last trading date that could be there?

Belongs here: the distance in weekdays. Does not: blocking; an old day that is loaded late is no error.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

ALLOWED_LAG_WEEKDAYS = 3
"""One weekday for the night run, and two for a long weekend."""

SEOUL = ZoneInfo("Asia/Seoul")
SATURDAY = 5


def freshness_gate(contract: Contract) -> Gate:
    """Warns when the newest trading date lies more than three weekdays back; a table without dates never is old."""
    return Gate(
        name=contract.check_name("are_fresh", "is_fresh"),
        meaning=f"The newest trading date is at most {ALLOWED_LAG_WEEKDAYS} weekdays old.",
        is_blocking=False,
        judge=_judge,
        is_of_the_table=True,
    )


def weekdays_between(earlier: date, later: date) -> int:
    """Weekdays after `earlier` up to and including `later`; 0 where `later` is not later."""
    days = (earlier + timedelta(days=offset) for offset in range(1, (later - earlier).days + 1))
    return sum(day.weekday() < SATURDAY for day in days)


def _judge(case: Case) -> Verdict:
    if "trading_date" not in case.staged.contract.by_name:
        return Verdict(True, "the table has no trading dates, so it does not age", {})
    today = datetime.now(SEOUL).date()
    newest = _newest(case)
    if newest is None:
        return Verdict(False, "the table holds no trading date yet", {})
    lag = weekdays_between(newest, today)
    words = f"the newest trading date is {newest.isoformat()}, {lag} weekdays back"
    return Verdict(lag <= ALLOWED_LAG_WEEKDAYS, words, {"lag_weekdays": lag})


def _newest(case: Case) -> date | None:
    """The newest trading date over what is published and what is staged."""
    if not case.staged.contract.is_partitioned:
        newest: date | None
        ((newest,),) = case.court.ask(f'SELECT MAX(trading_date) FROM "{case.staged.contract.table}"')
        return newest
    known = {**case.staged.previous_rows, **{part.key: part.rows for part in case.staged.partitions}}
    dates = [date.fromisoformat(key) for key, rows in known.items() if rows]
    return max(dates, default=None)
