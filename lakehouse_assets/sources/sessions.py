"""When a venue trades, and to which trading date an instant belongs.

Belongs here: sessions, trading dates and their completeness, in UTC, from the venues' hours and the exchanges'
calendars. Does not: the hours themselves (`venues`), any feed's clock (its adapter), nor what becomes of ticks out
of session (silver).

An instant belongs to the first trading date that has not ended: a date ends where the evening session of the next
one opens, or at midnight local time where there is none. So Friday's night session at KRX and all of the weekend are
Monday's, while a late report at 17:00 is still today's.
"""

import datetime as dt
from bisect import bisect_left
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.sources.calendars import shift, trading_days
from lakehouse_assets.sources.venues import Hours, UnknownVenue, Venue, known_venue, venues

__all__ = [
    "SESSION_SCHEMA",
    "NoSession",
    "Session",
    "UnknownVenue",
    "is_complete",
    "last_complete_trading_date",
    "session_bounds",
    "session_table",
    "sessions_of",
    "trading_date_of",
    "venues",
]

ONE_DAY: Final = dt.timedelta(days=1)
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

INSTANT: Final[pa.DataType] = pa.timestamp("us", tz="UTC")

SESSION_SCHEMA: Final[pa.Schema] = pa.schema(
    {"trading_date": pa.date32(), "session": pa.string(), "session_start": INSTANT, "session_end": INSTANT}
)
"""One row a session: a trading date with a night and a regular session has two. The end belongs to the session."""


class NoSession(ValueError):
    """The venue does not trade on this date."""


class Session(NamedTuple):
    """One session of a trading date; both instants are in UTC and belong to it."""

    name: str
    start: dt.datetime
    end: dt.datetime


@lru_cache(maxsize=4096)
def _ends(name: str, year: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Where the trading dates around a year end (µs since 1970, exclusive), and the dates (days since 1970)."""
    venue = known_venue(name)
    days = trading_days(venue.calendar, year)
    ends = np.array([_microseconds(_end(venue, day)) for day in days], dtype=np.int64)
    return ends, np.array([(day - EPOCH.date()).days for day in days], dtype=np.int32)


def _end(venue: Venue, day: dt.date) -> dt.datetime:
    evening = venue.in_force(True, day)
    return venue.utc(day, evening.opens) if evening else venue.utc(day + ONE_DAY, dt.time())


def _microseconds(instant: dt.datetime) -> int:
    return (instant - EPOCH) // dt.timedelta(microseconds=1)


def trading_date_of(venue: str, timestamps: "pa.Array[Any] | pa.ChunkedArray[Any]") -> "pa.Array[Any]":
    """The trading date to which each instant belongs.

    Args:
        venue: a venue of `venues()`.
        timestamps: timestamps with a zone (or without one, taken as UTC); years 2 to 9998; nulls stay null.

    Returns:
        date32, as long as the input.

    Raises:
        UnknownVenue: no sessions are known for the venue.
        ValueError: a timestamp lies outside those years.
    """
    known_venue(venue)
    whole = timestamps.combine_chunks() if isinstance(timestamps, pa.ChunkedArray) else timestamps
    instants = whole.cast(INSTANT).cast(pa.int64())
    valid = np.asarray(instants.is_valid())
    values = np.asarray(instants.fill_null(0), dtype=np.int64)
    dates = _dates_of(venue, values, valid)
    return pa.array(dates, pa.int32(), mask=None if valid.all() else ~valid).cast(pa.date32())


def _dates_of(venue: str, values: npt.NDArray[np.int64], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    present = values if valid.all() else values[valid]
    if not len(present):
        return np.zeros(len(values), dtype=np.int32)
    if _year(present.min()) < dt.MINYEAR + 1 or _year(present.max()) > dt.MAXYEAR - 1:
        raise ValueError(
            "a timestamp lies outside the years 2 to 9998, so it has no trading date: is its unit not microseconds?"
        )
    if _year(present.min()) == _year(present.max()):  # the usual case: one lookup, no mask
        return _lookup(venue, _year(present.min()), values)
    dates = np.zeros(len(values), dtype=np.int32)
    years = values.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    for year in np.unique(years[valid]):
        rows = (years == year) & valid
        dates[rows] = _lookup(venue, int(year), values[rows])
    return dates


def _year(microseconds: np.int64) -> int:
    return int(np.datetime64(int(microseconds), "us").astype("datetime64[Y]").astype(np.int64)) + 1970


def _lookup(venue: str, year: int, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    ends, dates = _ends(venue, year)
    found: npt.NDArray[np.int32] = dates[np.minimum(np.searchsorted(ends, values, side="right"), len(dates) - 1)]
    return found


def sessions_of(venue: str, trading_date: dt.date) -> tuple[Session, ...]:
    """The sessions of a trading date in order, e.g. night and regular; none where the venue does not trade.

    Raises:
        UnknownVenue: no sessions are known for the venue.
    """
    known = known_venue(venue)
    days = trading_days(known.calendar, trading_date.year)
    place = bisect_left(days, trading_date)
    if place == len(days) or days[place] != trading_date:
        return ()
    sessions = []
    evening = days[place - 1]
    for hours, opens_on in (
        (known.in_force(True, evening), evening),
        (known.in_force(False, trading_date), trading_date),
    ):
        if hours is not None:
            sessions.append(_session(known, hours, opens_on))
    return tuple(sessions)


def _session(venue: Venue, hours: Hours, opens_on: dt.date) -> Session:
    closes_on = opens_on if hours.closes > hours.opens else opens_on + ONE_DAY
    opens, closes = venue.exceptions.get((hours.session, opens_on), (hours.opens, hours.closes))
    start, end = venue.utc(opens_on, opens), venue.utc(closes_on, closes)
    moved = None if hours.is_evening_before else shift(venue.calendar, opens_on)
    return Session(hours.session, start + moved[0], end + moved[1]) if moved else Session(hours.session, start, end)


def session_bounds(venue: str, trading_date: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """When a trading date's first session opens and its last one closes, in UTC.

    Raises:
        UnknownVenue: no sessions are known for the venue.
        NoSession: the venue does not trade on this date.
    """
    sessions = sessions_of(venue, trading_date)
    if not sessions:
        raise NoSession(f"{venue} does not trade on {trading_date} ({trading_date:%A}): ask for a trading date")
    return sessions[0].start, sessions[-1].end


def session_table(venue: str, first: dt.date, last: dt.date) -> pa.Table:
    """The sessions of all trading dates from `first` to `last`, both included; columns of `SESSION_SCHEMA`.

    Raises:
        UnknownVenue: no sessions are known for the venue.
    """
    known_venue(venue)
    dates = (first + ONE_DAY * offset for offset in range((last - first).days + 1))
    rows = [(date, *session) for date in dates for session in sessions_of(venue, date)]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SESSION_SCHEMA)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, SESSION_SCHEMA, strict=True)],
        schema=SESSION_SCHEMA,
    )


def is_complete(venue: str, trading_date: dt.date, now: dt.datetime) -> bool:
    """Whether the last session of a trading date has closed; False where the venue does not trade on it.

    Raises:
        UnknownVenue: no sessions are known for the venue.
        ValueError: `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError(f"now = {now} has no time zone: pass an aware datetime, e.g. datetime.now(UTC)")
    sessions = sessions_of(venue, trading_date)
    return bool(sessions) and sessions[-1].end <= now


def last_complete_trading_date(venue: str, now: dt.datetime) -> dt.date:
    """The latest trading date whose last session has closed.

    Raises:
        UnknownVenue: no sessions are known for the venue.
        ValueError: `now` has no time zone.
    """
    date = (now + ONE_DAY).date() if now.tzinfo is None else (now.astimezone(dt.UTC) + ONE_DAY).date()
    while not is_complete(venue, date, now):
        date -= ONE_DAY
    return date
