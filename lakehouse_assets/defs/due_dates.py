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
from lakehouse_assets.lake.schema import field_ids
from lakehouse_assets.lake.staging import commit_key_for
from lakehouse_assets.lake.table import pin, planned_files
from lakehouse_assets.partitions import FIRST_TRADING_DATE

if TYPE_CHECKING:
    from lakehouse_assets.sources.adapter import Kind

KINDS: Mapping[Kind, Contract] = {"option": BRONZE_OPTION_TICKS, "underlying": BRONZE_UNDERLYING_TICKS}


def due_dates(lake: Lake, now: datetime) -> tuple[date, ...]:
    """The trading dates to materialize, ascending.

    A date is due when it is complete for at least one source that has landed files for it, and bronze does not hold
    exactly what landed. Only files that the manifest has not seen yet are read.
    """
    from lakehouse_assets.sources.landing import complete_dates, scan

    known = pin(lake, RAW_OPTION_TICK_FILES).batches().read_all()
    manifest = scan(lake.settings.raw, lake.settings, known, now)
    first = date.fromisoformat(FIRST_TRADING_DATE)
    complete = [day for day in complete_dates(manifest, lake.settings, now) if day >= first]
    missing: set[date] = set()
    for kind, contract in KINDS.items():
        missing |= _not_held(lake, contract, LandedTicks(kind, manifest, lake.settings), complete)
    return tuple(sorted(missing))


def _not_held(lake: Lake, contract: Contract, landed: LandedTicks, days: Iterable[date]) -> set[date]:
    """The dates with landed ticks that the table does not show exactly; nothing landed is nothing missing."""
    wanted = {day for day in days if landed.has_rows(day.isoformat())}
    if not wanted or not lake.exists(contract.table):
        return wanted
    table = lake.load(contract.table)
    ids = field_ids(contract, table.metadata)
    shown: dict[date | None, set[str | None]] = {}
    for file in planned_files(table, contract, None):  # one look for all dates
        shown.setdefault(file.trading_date, set()).add(file.commit_key)
    return {day for day in wanted if shown.get(day) != {commit_key_for(contract, landed, day.isoformat(), ids)}}
