"""What has landed: the scan of the landing zone into the manifest, and the ticks of a trading date's files.

Belongs here: which files there are (`folder`), what each holds (`contents`) or why it is not taken in (`manifest`),
and the stream of their ticks (`reading`), or the same as SQL over the files (`pushdown`).
Does not: how a feed is read (its adapter) or what becomes of the ticks (bronze).
"""

from lakehouse_assets.sources.landing.complete import complete_dates
from lakehouse_assets.sources.landing.folder import Found, unseen_files
from lakehouse_assets.sources.landing.manifest import MANIFEST_SCHEMA, scan
from lakehouse_assets.sources.landing.pushdown import tick_query
from lakehouse_assets.sources.landing.reading import fingerprint, tick_batches

__all__ = [
    "MANIFEST_SCHEMA",
    "Found",
    "complete_dates",
    "fingerprint",
    "scan",
    "tick_batches",
    "tick_query",
    "unseen_files",
]
