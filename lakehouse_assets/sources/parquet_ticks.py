"""The feed of Parquet files: ticks that jobs of any engine land with the canonical columns' own names.

Belongs here: which columns and types such a file may have, and how rows of underlyings are told apart.
Does not: other feeds' layouts. At least `symbol`, `last_price` and `timestamp`; any further canonical column but the
lineage, and `instrument_type` ('option' or 'underlying'). Prices may be any number, timestamps any unit but with a
zone (Spark's INT96 is an instant and is taken). Without `event_type` a row with a `last_price` is a trade, any other
a quote. A row is of an underlying where `instrument_type` says so and it has no option type, strike or expiration;
the terms of a contract are not carried for it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse_assets.sources.adapter import KINDS, Array, FileRefused, LandedFile, Ticks
from lakehouse_assets.sources.canonical import TICK_SCHEMAS, complete, constant

NEEDED: Final = ("symbol", "last_price", "timestamp")
INSTRUMENT_TYPE: Final = "instrument_type"
KINDS_AND_NONE: Final = (*KINDS, None)
OPTION_TERMS: Final = ("option_type", "strike_price", "expiration")
COLUMNS: Final[Mapping[str, pa.DataType]] = {
    field.name: field.type for field in TICK_SCHEMAS["option"] if field.name != "source_seq"
} | {INSTRUMENT_TYPE: pa.string()}
"""The columns a file may have, with their canonical types."""

MAGIC: Final = b"PAR1"


def read(file: LandedFile) -> Iterator[Ticks]:
    """The ticks of one Parquet file, batch by batch.

    Raises:
        FileRefused: TRUNCATED, NOT_WHAT_IT_SAYS, MISSING_COLUMN, EXTRA_COLUMN, WRONG_TYPE, PARSE_ERROR or UNREADABLE.
    """
    _check_magic(file)
    with (
        _damage_named(file),
        pq.ParquetFile(
            file.path, pre_buffer=False, page_checksum_verification=True, coerce_int96_timestamp_unit="us"
        ) as parquet,
    ):
        check_columns(parquet, file.name)
        start = 0
        for batch in parquet.iter_batches(batch_size=file.batch_size):
            if batch.num_rows:
                yield from _ticks(batch, start, file)
            start += batch.num_rows
        if start != parquet.metadata.num_rows:  # a damaged page header ends the reading early, without an error
            raise FileRefused(
                "UNREADABLE", f"{file.name} gives {start} of its {parquet.metadata.num_rows} rows: land it again"
            )


def _check_magic(file: LandedFile) -> None:
    with file.path.open("rb") as stream:
        starts = stream.read(len(MAGIC)) == MAGIC
        size = stream.seek(0, 2)
        stream.seek(max(size - len(MAGIC), 0))
        ends = stream.read() == MAGIC
    if not starts:
        raise FileRefused("NOT_WHAT_IT_SAYS", f"{file.name} is not a Parquet file: land Parquet, or name its adapter")
    if not ends or size < 3 * len(MAGIC):
        raise FileRefused("TRUNCATED", f"{file.name} has no Parquet footer at its end: land it again")


@contextmanager
def _damage_named(file: LandedFile) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # the last: a damaged column name
        raise FileRefused("UNREADABLE", f"{file.name} is damaged ({error}): land it again") from error


def check_columns(parquet: pq.ParquetFile, name: str) -> None:
    """Refuses a file whose columns are not canonical.

    Raises:
        FileRefused: MISSING_COLUMN, EXTRA_COLUMN (also one that is there twice) or WRONG_TYPE.
    """
    schema = parquet.schema_arrow
    if missing := sorted(set(NEEDED) - set(schema.names)):
        raise FileRefused("MISSING_COLUMN", f"{', '.join(missing)} not in {name}, which has {', '.join(schema.names)}")
    twice = {column for column in schema.names if schema.names.count(column) > 1}
    if extra := sorted(set(schema.names) - COLUMNS.keys() | twice):
        raise FileRefused(
            "EXTRA_COLUMN", f"{', '.join(extra)} in {name} unknown or there twice: drop it, or give the feed an adapter"
        )
    physical = {column.path: column.physical_type for column in _leaves(parquet)}
    for field in schema:
        wanted = COLUMNS[field.name]
        if not _fits(wanted, field.type) and physical.get(field.name) != "INT96":
            raise FileRefused(
                "WRONG_TYPE",
                f"{field.name} in {name} is {field.type}, not {_words(wanted)}: cast it where it is written",
            )


def _leaves(parquet: pq.ParquetFile) -> list[pq.ColumnSchema]:
    return [parquet.schema.column(index) for index in range(len(parquet.schema))]


def _fits(wanted: pa.DataType, found: pa.DataType) -> bool:
    if pa.types.is_null(found):  # pandas writes a column without any value so
        return True
    if pa.types.is_timestamp(wanted):
        return bool(pa.types.is_timestamp(found) and found.tz is not None)
    if pa.types.is_floating(wanted):
        return any(test(found) for test in (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal))
    if pa.types.is_integer(wanted):
        return bool(pa.types.is_integer(found))
    if pa.types.is_date(wanted):
        return bool(pa.types.is_date(found))
    text = found.value_type if pa.types.is_dictionary(found) else found
    return bool(pa.types.is_string(text) or pa.types.is_large_string(text))


def _words(wanted: pa.DataType) -> str:
    if pa.types.is_timestamp(wanted):
        return "a timestamp with a time zone"
    if pa.types.is_floating(wanted):
        return "a number"
    return {"int64": "an integer", "date32[day]": "a date"}.get(str(wanted), "a string")


def _ticks(batch: pa.RecordBatch, start: int, file: LandedFile) -> Iterator[Ticks]:
    columns: dict[str, Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns["source_seq"] = pa.array(np.arange(start, start + batch.num_rows, dtype=np.int64))
    _keep_microseconds(columns)
    columns["event_type"] = _event_types(columns)
    instrument_type = columns.pop(INSTRUMENT_TYPE, None)
    if instrument_type is None or instrument_type.null_count == batch.num_rows:
        yield complete("option", columns, file)
        return
    of_underlying = _of_underlyings(instrument_type, columns, file)
    count = of_underlying.true_count
    if count < batch.num_rows:
        yield complete("option", columns if count == 0 else _chosen(columns, pc.invert(of_underlying)), file)
    if count:
        chosen = columns if count == batch.num_rows else _chosen(columns, of_underlying)
        yield complete("underlying", {name: chosen[name] for name in chosen if name in _OF_UNDERLYING}, file)


_OF_UNDERLYING: Final = frozenset(TICK_SCHEMAS["underlying"].names)


def _keep_microseconds(columns: dict[str, Array]) -> None:
    """Instants in UTC to the microsecond; where the file counts nanoseconds, `ts_event_ns` keeps them."""
    for name in ("timestamp", "ts_recv"):
        found = columns.get(name)
        if found is None or pa.types.is_null(found.type):
            continue
        if found.type.tz is None:  # INT96: an instant in UTC by Spark's and Impala's convention
            found = found.cast(pa.timestamp(found.type.unit, "UTC"))
        if found.type.unit == "ns":
            if name == "timestamp":
                columns.setdefault("ts_event_ns", found.cast(pa.int64()))
            found = found.cast(pa.timestamp("us", found.type.tz), safe=False)
        columns[name] = found


def _event_types(columns: Mapping[str, Array]) -> Array:
    rows = len(columns["last_price"])
    given = columns.get("event_type", constant(None, pa.string(), rows)).cast(pa.string())
    if given.null_count == 0:
        return given
    prices = columns["last_price"]
    if prices.null_count == 0 and given.null_count == rows:
        return constant("trade", pa.string(), rows)
    return pc.coalesce(given, pc.if_else(prices.is_valid(), pa.scalar("trade"), pa.scalar("quote")))


def _of_underlyings(instrument_type: Array, columns: Mapping[str, Array], file: LandedFile) -> pa.BooleanArray:
    instrument_type = instrument_type.cast(pa.string())
    if wrong := {str(value) for value in pc.unique(instrument_type).to_pylist() if value not in KINDS_AND_NONE}:
        raise FileRefused(
            "PARSE_ERROR", f"{INSTRUMENT_TYPE} {sorted(wrong)} in {file.name}: write option or underlying"
        )
    chosen = pc.is_in(instrument_type, value_set=pa.array(["underlying"]))
    for name in OPTION_TERMS:
        if name in columns and columns[name].null_count < len(chosen):
            chosen = pc.and_(chosen, columns[name].is_null())
    return cast(pa.BooleanArray, chosen)


def _chosen(columns: Mapping[str, Array], rows: Array) -> dict[str, Array]:
    return {name: column.filter(rows) for name, column in columns.items()}
