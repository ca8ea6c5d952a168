"""Which parts each profile gets.

Belongs here: wiring of resources by name. Does not: what they do.
"""

from typing import Any

from lakehouse_assets.lake.asset import IO_MANAGER, LAKE
from lakehouse_assets.lake.io_manager import LakeIOManager, LakeResource


def resources() -> dict[str, Any]:
    """The resources of the profile in the settings; nothing is opened here."""
    lake = LakeResource()
    return {LAKE: lake, IO_MANAGER: LakeIOManager(source=lake)}
