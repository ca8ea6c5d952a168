"""A feed in one module: a pipe-separated tape, `milliseconds|symbol|price|size`, one trade a line."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from lakehouse_assets.sources.adapter import FileRefused, LandedFile, Ticks
from lakehouse_assets.sources.canonical import complete

COLUMNS = {"milliseconds": pa.int64(), "symbol": pa.string(), "price": pa.float64(), "size": pa.float64()}
BLOCK_BYTES = 8 << 20


def read(file: LandedFile) -> Iterator[Ticks]:
    """The trades of one tape, block by block."""
    reading = csv.ReadOptions(column_names=list(COLUMNS), block_size=BLOCK_BYTES)
    convert = csv.ConvertOptions(column_types=COLUMNS)
    start = 0
    try:
        for block in csv.open_csv(file.path, reading, csv.ParseOptions(delimiter="|"), convert):
            rows = block.num_rows
            columns = {
                "source_seq": pa.array(range(start, start + rows)),
                "event_type": pa.array(["trade"] * rows),
                "symbol": block["symbol"],
                "timestamp": pc.multiply(block["milliseconds"], 1000).cast(pa.timestamp("us", "UTC")),
                "last_price": pc.divide(block["price"], 100.0),  # the tape counts in cents
                "last_size": block["size"],
            }
            yield complete("option", columns, file)
            start += rows
    except pa.ArrowInvalid as error:
        raise FileRefused("PARSE_ERROR", f"{file.name} after row {start}: {error}; land it again") from error
