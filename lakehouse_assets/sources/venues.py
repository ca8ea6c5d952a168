"""The hours of the venues: local times by session and valid-from date, read from `venues.toml`.

Belongs here: the shape of that table and its look-up. Does not: holidays (`calendars`), instants (`sessions`).
"""

import datetime as dt
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

TABLE: Final = Path(__file__).with_name("venues.toml")


class UnknownVenue(ValueError):
    """No sessions are known for a venue."""


@dataclass(frozen=True)
class Hours:
    """One row of the table: a session's local hours from a date on; overnight if it closes no later than it opens."""

    session: str
    is_evening_before: bool
    valid_from: dt.date
    opens: dt.time
    closes: dt.time


@dataclass(frozen=True)
class Venue:
    """A venue's clock, calendar and hours (oldest first); `exceptions` are hours of single days."""

    name: str
    zone: ZoneInfo
    calendar: str | None
    hours: tuple[Hours, ...]
    exceptions: dict[tuple[str, dt.date], tuple[dt.time, dt.time]]

    def utc(self, day: dt.date, time: dt.time) -> dt.datetime:
        """A local time as an instant."""
        return dt.datetime.combine(day, time, self.zone).astimezone(dt.UTC)

    def in_force(self, is_evening_before: bool, day: dt.date) -> Hours | None:
        """The hours of the session that opens on this local day, if there is such a session."""
        rows = [h for h in self.hours if h.is_evening_before == is_evening_before and h.valid_from <= day]
        return rows[-1] if rows else None


@cache
def _venues() -> dict[str, Venue]:
    table: dict[str, Any] = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: _venue(name, rows) for name, rows in table.items()}


def _venue(name: str, rows: dict[str, Any]) -> Venue:
    hours = [
        Hours(
            row["session"],
            row["starts"] == "evening_before",
            row["valid_from"],
            row["opens"],
            row["closes"],
        )
        for row in rows["hours"]
    ]
    exceptions = {
        (row["session"], day): (row["opens"], row["closes"])
        for row in rows.get("exceptions", ())
        for day in row["dates"]
    }
    ordered = tuple(sorted(hours, key=lambda row: row.valid_from))
    return Venue(name, ZoneInfo(rows["time_zone"]), rows.get("calendar"), ordered, exceptions)


def venues() -> tuple[str, ...]:
    """The venues with known sessions."""
    return tuple(sorted(_venues()))


def known_venue(name: str) -> Venue:
    """The venue of this name.

    Raises:
        UnknownVenue: no sessions are known for it.
    """
    venue = _venues().get(name)
    if venue is None:
        raise UnknownVenue(
            f"venue {name!r} has no sessions: correct it in lakehouse.toml to one of {', '.join(venues())}, "
            f"or add its hours to {TABLE.name}"
        )
    return venue
