"""The canonical tick as Arrow: the schemas of bronze, and how a feed's columns are completed to them.

Belongs here: what is the same for every feed: types, defaults from the source's settings, trading dates, and that
no double is NaN, infinite or -0.0. Does not: any feed's layout (its adapter) nor any judgement of a value (silver).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS, BRONZE_UNDERLYING_TICKS, EVENT_TYPES
from lakehouse_assets.contracts.contract import ColumnType, Contract
from lakehouse_assets.sources.adapter import Array, Field, FileRefused, Kind, LandedFile, Ticks

ARROW_TYPES: Final[dict[ColumnType, pa.DataType]] = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "binary": pa.binary(),
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

_EVENT_TYPES: Final = pa.array(EVENT_TYPES)

FILE_LINEAGE: Final = ("source", "source_file", "ingest_id", "ingested_at")
"""Lineage that is the same for a whole file, added by `landing`; the fifth, `source_seq`, comes from the adapter."""

TICK_SCHEMAS: Final[dict[Kind, pa.Schema]] = {
    kind: pa.schema([field for field in schema if field.name not in FILE_LINEAGE]) for kind, schema in SCHEMAS.items()
}
"""What an adapter yields: the canonical schema without the lineage of the file, but with `source_seq`."""


def complete(kind: Kind, columns: Mapping[str, Array], file: LandedFile) -> Ticks:
    """A batch in the canonical schema from the columns that the feed carries.

    Columns that are not given are null, but for: `venue`, `currency` and `contract_multiplier` (from the source's
    settings), `flags` (0) and `trading_date` (by the venue's sessions, from `timestamp` or, where that is null,
    `ts_recv`); nulls in a given `flags` or `trading_date` are filled in the same way. Given columns are cast where
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
    given = {name: _fitted(array, schema.field(name), file) for name, array in columns.items()}
    arrays = [_required(given, field, rows, file) if not field.nullable else _optional(given, field, rows, file)
              for field in schema]  # fmt: skip
    return Ticks(kind, pa.RecordBatch.from_arrays(arrays, schema=schema))


def _fitted(array: Array, field: Field, file: LandedFile) -> Array:
    if not array.type.equals(field.type):
        try:
            array = array.cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise FileRefused(
                "PARSE_ERROR", f"a value of {field.name} in {file.name} does not fit: {error}; correct it at its source"
            ) from error
    return _plain_numbers(array) if pa.types.is_floating(field.type) else array


def _plain_numbers(array: Array) -> Array:
    """Doubles with neither NaN, infinity nor -0.0."""
    if array.null_count == len(array):
        return array
    finite = pc.is_finite(array)
    if finite.true_count < len(array) - array.null_count:
        array = pc.if_else(finite, array, pa.scalar(None, array.type))
    return pc.add(array, pa.scalar(0.0))  # IEEE 754: -0.0 + 0.0 is 0.0, any other value stays


def _optional(given: Mapping[str, Array], field: Field, rows: int, file: LandedFile) -> Array:
    if field.name in given:
        return given[field.name]
    value = {
        "venue": file.settings.venue,
        "currency": file.settings.currency,
        "contract_multiplier": file.settings.contract_multiplier,
    }.get(field.name)
    return constant(value, field.type, rows)


def _required(given: Mapping[str, Array], field: Field, rows: int, file: LandedFile) -> Array:
    array = given.get(field.name, constant(None, field.type, rows))
    if array.null_count and field.name == "flags":
        array = pc.coalesce(array, constant(0, field.type, rows))
    if array.null_count and field.name == "trading_date":
        array = pc.coalesce(array, _trading_dates(given, file))
    if array.null_count:
        raise FileRefused(
            "PARSE_ERROR", f"{array.null_count} rows of {file.name} have no {field.name}, and every tick needs one"
        )
    if field.name == "event_type" and not pc.all(pc.is_in(array, value_set=_EVENT_TYPES)).as_py():
        wrong = sorted({str(value) for value in pc.unique(array).to_pylist()} - set(EVENT_TYPES))
        raise FileRefused("PARSE_ERROR", f"event_type {wrong} in {file.name}: write one of {', '.join(EVENT_TYPES)}")
    return array


def _trading_dates(given: Mapping[str, Array], file: LandedFile) -> Array:
    from lakehouse_assets.sources.sessions import trading_date_of  # loads the calendars only where they are needed

    instants = [given[name] for name in ("timestamp", "ts_recv") if name in given]
    instant = pc.coalesce(*instants)
    if instant.null_count:
        raise FileRefused(
            "PARSE_ERROR",
            f"{instant.null_count} rows of {file.name} have neither timestamp nor trading_date: "
            "no table could hold them; land them with one of the two",
        )
    return trading_date_of(file.settings.venue, instant)


def constant(value: object, kind: pa.DataType, rows: int) -> Array:
    """An array that holds one value `rows` times (null where the value is None); made once a size and sliced."""
    return _constant(value, kind, 1 << max(rows - 1, 0).bit_length()).slice(0, rows)


@lru_cache(maxsize=32)
def _constant(value: object, kind: pa.DataType, size: int) -> Array:
    return repeated(value, kind, size)


def repeated(value: object, kind: pa.DataType, size: int) -> Array:
    """A new array that holds one value `size` times."""
    scalar: Any = pa.scalar(value, type=kind)
    return cast(Array, pa.repeat(scalar, size))
