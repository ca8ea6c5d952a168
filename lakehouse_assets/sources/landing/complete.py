"""Which landed trading dates are complete: their venue has closed them.

Belongs here: the manifest against the venues' sessions. Does not: what bronze holds already (`defs/due_dates`).
"""

from datetime import date, datetime

import pyarrow as pa

from lakehouse_assets.settings import Settings
from lakehouse_assets.sources.sessions import is_complete


def complete_dates(manifest: pa.Table, settings: Settings, now: datetime) -> tuple[date, ...]:
    """The trading dates, ascending, for which a source has accepted files and its venue has closed.

    Args:
        manifest: columns of the contract of `raw_option_tick_files`.
        settings: names each source's venue.
        now: an instant with a time zone.
    """
    rows = manifest.select(["source", "trading_date", "status"]).to_pylist()
    landed = {(row["source"], row["trading_date"]) for row in rows if row["status"] == "accepted"}
    return tuple(sorted({day for source, day in landed if is_complete(settings.sources[source].venue, day, now)}))
