"""The layers of the lakehouse and the order in which data walks through them, said once.

Belongs here: the names of the layers. Does not: anything about a table.
Plain strings, not an Enum: an Enum member inside a Dagster asset key passes validation and fails at run start.
"""

from typing import Final

RAW: Final = "raw"
BRONZE: Final = "bronze"
SILVER: Final = "silver"
GOLD: Final = "gold"
FEATURES: Final = "features"
MODELS: Final = "models"
SERVING: Final = "serving"
MONITORING: Final = "monitoring"

FLOW: Final = (RAW, BRONZE, SILVER, GOLD, FEATURES, MODELS, SERVING, MONITORING)
"""Always downwards: a layer reads only from the layers before it."""
