"""Which trading dates are due: complete at their venue, landed, and not yet what bronze holds.

Belongs here: the choice of dates, source by source. Does not: when it is asked for (`automation`).
At 02:00 in Seoul the US session is still open: "yesterday" would be wrong for it, and for a holiday.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.raw import RAW_OPTION_TICK_FILES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.ingest import LandedTicks
from lakehouse_assets.lake.staging import is_current
from lakehouse_assets.lake.table import pin
from lakehouse_assets.partitions import FIRST_TRADING_DATE

if TYPE_CHECKING:
    import pyarrow as pa

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
    return tuple(
        day
        for day in sorted(complete_dates(manifest, lake.settings, now))
        if day >= first and not _is_held(lake, manifest, day)
    )


def _is_held(lake: Lake, manifest: pa.Table, day: date) -> bool:
    """Whether both bronze tables show exactly the landed ticks of the date; a kind that nothing landed of is held."""
    for kind, contract in KINDS.items():
        content = LandedTicks(kind, manifest, lake.settings)
        if content.has_rows(day.isoformat()) and not is_current(lake, contract, content, day.isoformat()):
            return False
    return True
