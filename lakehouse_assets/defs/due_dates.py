"""Which trading dates are due: complete at their venue, landed, and not yet what bronze holds.

Belongs here: the choice of dates, source by source. Does not: when it is asked for (`automation`).
At 02:00 in Seoul the US session is still open: "yesterday" would be wrong for it, and for a holiday.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.defs.bronze import BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.ingest import LandedTicks
from lakehouse_assets.lake.query import digest
from lakehouse_assets.lake.schema import field_ids
from lakehouse_assets.lake.staging import commit_key_for
from lakehouse_assets.lake.table import pin, planned_files
from lakehouse_assets.partitions import FIRST_TRADING_DATE

if TYPE_CHECKING:
    from lakehouse_assets.settings import Settings
    from lakehouse_assets.sources.adapter import Kind
    from lakehouse_assets.sources.landing import Found

KINDS: Mapping[Kind, Contract] = {"option": BRONZE_OPTION_TICKS, "underlying": BRONZE_UNDERLYING_TICKS}


LARGEST_SCAN_BYTES = 1 << 30
"""A tick has a minute; what has landed beyond this is left to the run itself, which scans first."""


def due_dates(lake: Lake, now: datetime) -> tuple[date, ...]:
    """The trading dates to materialize, ascending: the keys of `due_content`."""
    return tuple(sorted(due_content(lake, now)))


def due_content(lake: Lake, now: datetime) -> dict[date, str]:
    """The trading dates to materialize, each with a digest of what landed for it.

    A date is due when it is complete for at least one source that has landed files for it, and bronze does not hold
    exactly what landed. Only files that the manifest has not seen yet are read. Where these are too large for a tick,
    the last complete date of their sources is due unseen, and the rest with the next tick, when the run has read them.
    """
    from lakehouse_assets.sources.landing import complete_dates, scan, unseen_files

    known = pin(lake, RAW_OPTION_TICK_FILES).batches().read_all()
    unseen = unseen_files(lake.settings.raw, known)
    if sum(found.bytes for found in unseen) > LARGEST_SCAN_BYTES:
        due = _last_dates(lake.settings, unseen, now)
        manifest = known
    else:
        due = {}
        manifest = scan(lake.settings.raw, lake.settings, known, now)
    first = date.fromisoformat(FIRST_TRADING_DATE)
    complete = [day for day in complete_dates(manifest, lake.settings, now) if day >= first]
    for kind, contract in KINDS.items():
        for day, key in _not_held(lake, contract, LandedTicks(kind, manifest, lake.settings), complete).items():
            due[day] = digest([due.get(day), key])
    return due


def _last_dates(settings: Settings, unseen: Iterable[Found], now: datetime) -> dict[date, str]:
    """The last complete trading date of each source with unseen files, with a digest of these files."""
    from lakehouse_assets.sources.sessions import last_complete_trading_date

    due: dict[date, str] = {}
    for found in unseen:
        if source := settings.sources.get(found.source):
            day = last_complete_trading_date(source.venue, now)
            due[day] = digest([due.get(day), found.name, found.bytes, found.modified_ns])
    return due


def _not_held(lake: Lake, contract: Contract, landed: LandedTicks, days: Iterable[date]) -> dict[date, str]:
    """The dates with landed ticks that the table does not show exactly, with a digest of what landed."""
    wanted = {day: landed.fingerprint(day.isoformat()) for day in days if landed.has_rows(day.isoformat())}
    if not wanted or not lake.exists(contract.table):
        return wanted
    table = lake.load(contract.table)
    ids = field_ids(contract, table.metadata)
    shown: dict[date | None, set[str | None]] = {}
    for file in planned_files(table, contract, None):  # one look for all dates
        shown.setdefault(file.trading_date, set()).add(file.commit_key)
    return {
        day: content
        for day, content in wanted.items()
        if shown.get(day) != {commit_key_for(contract, landed, day.isoformat(), ids)}
    }
