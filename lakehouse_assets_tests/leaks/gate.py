"""The gate of the features over rows made by a test.

Belongs here: asking it. Does not: what it should say.
"""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from lakehouse_assets.contracts.features import FEATURE_OPTION_MINUTES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.judging import Judged
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import TYPES, verdicts
from lakehouse_assets_tests.transforms.stories import DAY, Row

GATE = "feature_option_minutes_honour_their_contract"


def of_the_gate(rows: Iterable[Row], home: Path) -> Judged:
    """What the gate says of features of the stories' day; columns not given are null.

    Args:
        rows: the features.
        home: where the lake may lie; a folder that need not exist.
    """
    schema = pa.schema([(column.name, TYPES[column.type]) for column in FEATURE_OPTION_MINUTES.columns])
    given = Rows(pa.Table.from_pylist(list(rows), schema=schema))
    (judged,) = verdicts(stage(Lake(Settings(home=home)), FEATURE_OPTION_MINUTES, given, [str(DAY)]))
    assert judged.gate.name == GATE
    return judged
