"""The same ticks as SQL over the landed Parquet files, for an engine that reads Parquet by itself, and faster.

Belongs here: when a file may be read so, and the SELECT that gives exactly the rows of `reading.tick_batches`; a test
compares the two. Does not: any other feed's files, nor files whose types need more than a cast (they are streamed).
Only files that the scan accepted are read so: it has made and validated every batch of the same bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse_assets.settings import Settings, SourceSettings
from lakehouse_assets.sources.adapter import Kind
from lakehouse_assets.sources.canonical import SCHEMAS
from lakehouse_assets.sources.landing.reading import INGEST_ID_DIGITS, ROWS, ManifestRow, verified
from lakehouse_assets.sources.parquet_ticks import INSTRUMENT_TYPE, OPTION_TERMS

ADAPTER: Final = "parquet_ticks"
GLOB_CHARACTERS: Final = frozenset("*?[]{}")
SQL_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}
"""Types that the engine reads as they are; a file with any other is streamed."""


def tick_query(
    kind: Kind, files: Sequence[ManifestRow], raw: Path, settings: Settings, trading_date: date
) -> str | None:
    """One SELECT over the landed files with the rows and columns of `tick_batches`, in no particular order.

    The text is DuckDB's: `read_parquet` with `file_row_number`.

    Args:
        kind: options or underlyings.
        files: the manifest's accepted rows of this trading date.
        raw: the landing zone.
        settings: the sources.
        trading_date: only its rows are given.

    Returns:
        The query; None where a file has to be streamed by its adapter (another feed, types that need more than a
        cast, no trading date of its own) or no file holds such ticks.

    Raises:
        FileRefused: CHANGED: a file is gone or its bytes are not those of the manifest.
        SettingsError: a file's source is no longer in the settings.
    """
    selects = []
    for row in sorted(files, key=lambda row: str(row["path"])):
        if not row[ROWS[kind]]:
            continue
        file, _ = verified(row, raw, settings)
        found = _readable(file.path) if file.settings.adapter == ADAPTER else None
        if found is None:
            return None
        selects.append(_select(kind, row, file.path, found, file.settings, trading_date))
    return "\nUNION ALL\n".join(selects) or None


def _readable(path: Path) -> frozenset[str] | None:
    """The file's columns where the engine reads each as its canonical type, and it says each row's trading date."""
    if GLOB_CHARACTERS & set(str(path)):
        return None
    with pq.ParquetFile(path) as parquet:
        schema = parquet.schema_arrow
        typed = all(_plain(field.name, field.type) for field in schema)
        int96 = any(parquet.schema.column(place).physical_type == "INT96" for place in range(len(parquet.schema)))
        if not typed or int96 or "trading_date" not in schema.names or _has_nulls(parquet, "trading_date"):
            return None
        return frozenset(schema.names)


def _plain(name: str, found: pa.DataType) -> bool:
    wanted = pa.string() if name == INSTRUMENT_TYPE else SCHEMAS["option"].field(name).type
    return bool(found == wanted)


def _has_nulls(parquet: pq.ParquetFile, name: str) -> bool:
    place = parquet.schema_arrow.get_field_index(name)
    for group in range(parquet.metadata.num_row_groups):
        statistics = parquet.metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_null_count or statistics.null_count:
            return True
    return False


def _select(
    kind: Kind, row: ManifestRow, path: Path, found: frozenset[str], source: SourceSettings, trading_date: date
) -> str:
    given: dict[str, Any] = {
        "source": row["source"],
        "source_file": row["path"],
        "ingest_id": row["sha256"][:INGEST_ID_DIGITS],
        "ingested_at": row["first_seen"].isoformat(),
        "venue": source.venue,
        "currency": source.currency,
        "contract_multiplier": source.contract_multiplier,
        "flags": 0,
    }
    columns = ",\n    ".join(
        f"{_expression(field, found, given)} AS {field.name}"
        for field in SCHEMAS[kind]
    )  # fmt: skip
    return (
        f"SELECT\n    {columns}\nFROM read_parquet({_text(str(path))}, file_row_number = true)\n"
        f"WHERE trading_date = DATE '{trading_date}'{_of_kind(kind, found)}"
    )


def _expression(field: "pa.Field[Any]", found: frozenset[str], given: Mapping[str, Any]) -> str:
    name = field.name
    if name == "source_seq":
        return "file_row_number"
    if name == "event_type":
        guess = "CASE WHEN last_price IS NULL THEN 'quote' ELSE 'trade' END"
        return f"coalesce(event_type, {guess})" if name in found else guess
    if name not in found:
        value = given.get(name)
        literal = "NULL" if value is None else _text(str(value))
        return f"CAST({literal} AS {SQL_TYPES[field.type]})"
    if name == "flags":
        return "coalesce(flags, 0)"
    if pa.types.is_floating(field.type):  # as in canonical.complete: neither NaN, infinity nor -0.0
        return f"CASE WHEN isfinite({name}) THEN {name} + 0.0::DOUBLE END"
    return f'"{name}"'


def _of_kind(kind: Kind, found: frozenset[str]) -> str:
    if INSTRUMENT_TYPE not in found:
        return "" if kind == "option" else " AND false"
    terms = "".join(f" AND {name} IS NULL" for name in OPTION_TERMS if name in found)
    of_underlying = f"coalesce({INSTRUMENT_TYPE} = 'underlying', false){terms}"
    return f" AND ({of_underlying})" if kind == "underlying" else f" AND NOT ({of_underlying})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
