"""Which days are trading days: holidays, early closes and late opens of an exchange.

Belongs here: what `exchange-calendars` knows, built only when asked for and ten years at a time, since building one
takes a second or more. Does not: a venue's hours (`sessions`).
Caveat: outside the years 1990 to 2049 a day is a trading day if it is a weekday.
"""

import datetime as dt
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, Final

KNOWN_YEARS: Final = range(1990, 2050)
"""Years for which the exchange's own holidays are used; XKRX is computed up to 2050."""

MARGIN: Final = dt.timedelta(days=40)
"""Kept around a block of years, so that the neighbours of its first and last days need no second block."""

Shift = tuple[dt.timedelta, dt.timedelta]
"""How much later than on a plain day an exchange opens and closes."""


def trading_days(calendar: str | None, year: int) -> tuple[dt.date, ...]:
    """The trading days of a year and of the 40 days on either side, in order.

    Args:
        calendar: the exchange's ISO 10383 code as exchange-calendars spells it; None where every day is one.
        year: from 1 to 9999.
    """
    return _days(calendar, year)


def shift(calendar: str | None, day: dt.date) -> Shift | None:
    """How much later the exchange opens and closes on this day; None on a plain day (earlier is negative)."""
    if calendar is None or day.year not in KNOWN_YEARS:
        return None
    return _known(calendar, day.year // 10)[1].get(day)


@lru_cache(maxsize=4096)
def _days(calendar: str | None, year: int) -> tuple[dt.date, ...]:
    first = dt.date(year, 1, 1) - MARGIN if year > 1 else dt.date.min
    last = dt.date(year, 12, 31) + MARGIN if year < dt.MAXYEAR else dt.date.max
    if calendar is not None and year in KNOWN_YEARS:
        return tuple(day for day in _known(calendar, year // 10)[0] if first <= day <= last)
    every = (dt.date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1))
    return tuple(day for day in every if calendar is None or day.weekday() < 5)


@cache
def _known(calendar: str, decade: int) -> tuple[tuple[dt.date, ...], dict[dt.date, Shift]]:
    """The trading days of ten years with their margins, and the days that are not plain."""
    from exchange_calendars import get_calendar

    start = dt.date(decade * 10, 1, 1) - MARGIN
    end = dt.date(decade * 10 + 9, 12, 31) + MARGIN
    exchange: Any = get_calendar(
        calendar,
        start=start.isoformat(),
        end=min(end, dt.date(2050, 12, 31)).isoformat(),
    )
    opens = exchange.schedule["open"].dt.tz_convert(exchange.tz)
    closes = exchange.schedule["close"].dt.tz_convert(exchange.tz)
    days = tuple(stamp.date() for stamp in exchange.sessions)
    shifts: dict[dt.date, Shift] = {}
    for day, opened, closed in zip(days, opens, closes, strict=True):
        by = (
            _later(opened.time(), _plain(exchange.open_times, day)),
            _later(closed.time(), _plain(exchange.close_times, day)),
        )
        if any(by):
            shifts[day] = by
    return days, shifts


def _plain(times: Iterable[tuple[Any, dt.time]], day: dt.date) -> dt.time:
    """The time of a plain day: `times` are (valid-from or None, time) pairs in order."""
    in_force = [time for since, time in times if since is None or since.date() <= day]
    return dt.time(in_force[-1].hour, in_force[-1].minute)


def _later(actual: dt.time, plain: dt.time) -> dt.timedelta:
    return dt.timedelta(hours=actual.hour - plain.hour, minutes=actual.minute - plain.minute)
