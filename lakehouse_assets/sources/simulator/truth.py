"""What is known of every spoilt row, written beside the landing zone where no pipeline reads it.

Belongs here: the two tables of truth. Does not: the meaning of a code (`faults`).
`rows/<trading date>/<file>` has one row a landed row and code: `file` (relative to the landing zone), `source_seq`,
`code`. `files.parquet` has one row a damaged or repeated file: `file`, `fault`, `status` (what the manifest should
say of it) and `repeats` (the file whose bytes it has). Rows of refused files have no truth.
"""

import numpy as np
import pyarrow as pa

from lakehouse_assets.sources.simulator.books import Bits
from lakehouse_assets.sources.simulator.columns import word, words
from lakehouse_assets.sources.simulator.faults import BIT, CODES

FILE_SCHEMA = pa.schema([(name, pa.string()) for name in ("file", "fault", "status", "repeats")])


def truth_table(file: str, truth: Bits) -> tuple[pa.Table, dict[str, int]]:
    """The truth of one landed file, by code and then by row, and how many rows each code has.

    Args:
        file: path relative to the landing zone.
        truth: the bits of every row, in the file's order.
    """
    hit = [np.flatnonzero(truth & np.uint32(BIT[code])) for code in CODES]
    counts = [len(rows) for rows in hit]
    number = np.repeat(np.arange(len(CODES), dtype=np.int16), counts)
    table = pa.table(
        {
            "file": word(file, len(number)),
            "source_seq": pa.array(np.concatenate(hit)),
            "code": words(number, CODES),
        }
    )
    return table, dict(zip(CODES, counts, strict=True))
