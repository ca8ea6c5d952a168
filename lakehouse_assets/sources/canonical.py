"""The canonical tick as Arrow: the schemas of bronze, and how a feed's columns are completed to them.

Belongs here: what is the same for every feed: types, defaults from the source's settings, trading dates, and that
no double is NaN, infinite or -0.0. Does not: any feed's layout (its adapter) nor any judgement of a value (silver).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS
from lakehouse_assets.contracts.contract import ColumnType, Contract
from lakehouse_assets.sources.adapter import FileRefused, Kind, LandedFile, Ticks

ARROW_TYPES: Final[dict[ColumnType, pa.DataType]] = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
"""The Arrow type of each type that a contract may name."""


def arrow_schema(contract: Contract) -> pa.Schema:
    """The columns of a contract in its order; a required column is a field without nulls."""
    return pa.schema([pa.field(c.name, ARROW_TYPES[c.type], nullable=not c.required) for c in contract.columns])


CONTRACTS: Final[dict[Kind, Contract]] = {"option": BRONZE_OPTION_TICKS, "underlying": BRONZE_UNDERLYING_TICKS}

SCHEMAS: Final[dict[Kind, pa.Schema]] = {kind: arrow_schema(contract) for kind, contract in CONTRACTS.items()}
"""The full canonical schema of each kind, lineage included: what `landing.tick_batches` yields."""

OPTION_SCHEMA: Final = SCHEMAS["option"]
UNDERLYING_SCHEMA: Final = SCHEMAS["underlying"]

FILE_LINEAGE: Final = ("source", "source_file", "ingest_id", "ingested_at")
"""Lineage that is the same for a whole file, added by `landing`; the fifth, `source_seq`, comes from the adapter."""

TICK_SCHEMAS: Final[dict[Kind, pa.Schema]] = {
    kind: pa.schema([field for field in schema if field.name not in FILE_LINEAGE]) for kind, schema in SCHEMAS.items()
}
"""What an adapter yields: the canonical schema without the lineage of the file, but with `source_seq`."""


def complete(kind: Kind, columns: Mapping[str, pa.Array], file: LandedFile) -> Ticks:
    """A batch in the canonical schema from the columns that the feed carries.

    Columns that are not given are null, but for: `venue`, `currency` and `contract_multiplier` (from the source's
    settings), `flags` (0) and `trading_date` (from `timestamp` by the venue's sessions). Given columns are cast where
    the cast loses nothing. NaN and infinities become null and -0.0 becomes 0.0: missing is null.

    Args:
        kind: which table the rows belong to.
        columns: arrays of equal length by canonical name; `source_seq` and `event_type` must be among them.
        file: the landed file they come from.

    Raises:
        FileRefused: PARSE_ERROR where a value does not fit its column, or a required column has nulls.
        KeyError: the adapter names a column that the canonical schema does not have (a defect of the adapter).
    """
    schema = TICK_SCHEMAS[kind]
    if unknown := columns.keys() - set(schema.names):
        raise KeyError(f"adapter {file.settings.adapter}: no canonical {kind} column is named {sorted(unknown)}")
    rows = len(columns["source_seq"])
    arrays = [
        _fitted(columns[field.name], field, file) if field.name in columns else _default(field, rows, columns, file)
        for field in schema
    ]
    return Ticks(kind, pa.RecordBatch.from_arrays(arrays, schema=schema))


def _fitted(array: pa.Array, field: pa.Field, file: LandedFile) -> pa.Array:
    if not array.type.equals(field.type):
        try:
            array = array.cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise FileRefused("PARSE_ERROR", f"a value of {field.name} in {file.name} does not fit: {error}") from error
    if not field.nullable and array.null_count:
        raise FileRefused(
            "PARSE_ERROR", f"{array.null_count} rows of {file.name} have no {field.name}: every tick needs one"
        )
    return _plain_numbers(array) if pa.types.is_floating(field.type) else array


def _plain_numbers(array: pa.Array) -> pa.Array:
    """Doubles with neither NaN, infinity nor -0.0."""
    if array.null_count == len(array):
        return array
    finite = pc.is_finite(array)
    if finite.true_count < len(array) - array.null_count:
        array = pc.if_else(finite, array, pa.scalar(None, array.type))
    return pc.add(array, 0.0)  # IEEE 754: -0.0 + 0.0 is 0.0, any other value stays


def _default(field: pa.Field, rows: int, columns: Mapping[str, pa.Array], file: LandedFile) -> pa.Array:
    if field.name == "trading_date":
        return _trading_dates(columns, file)
    value: str | float | int | None = {
        "venue": file.settings.venue,
        "currency": file.settings.currency,
        "contract_multiplier": file.settings.contract_multiplier,
        "flags": 0,
    }.get(field.name)
    return constant(value, field.type, rows)


def _trading_dates(columns: Mapping[str, pa.Array], file: LandedFile) -> pa.Array:
    from lakehouse_assets.sources.sessions import trading_date_of  # loads the calendars only where they are needed

    timestamps = columns["timestamp"]
    if timestamps.null_count:
        raise FileRefused(
            "PARSE_ERROR",
            f"{timestamps.null_count} rows of {file.name} have no timestamp, so no trading date: "
            "land them with a timestamp or a trading_date",
        )
    return trading_date_of(file.settings.venue, timestamps)


def constant(value: object, type_: pa.DataType, rows: int) -> pa.Array:
    """An array that holds one value `rows` times (null where the value is None); made once a size and sliced."""
    size = 1 << max(rows - 1, 0).bit_length()
    return _constant(value, type_, size).slice(0, rows)


@lru_cache(maxsize=256)
def _constant(value: object, type_: pa.DataType, size: int) -> pa.Array:
    return pa.nulls(size, type_) if value is None else pa.repeat(pa.scalar(value, type_), size)
