"""What the statistics of staged files prove about a column, so that its values need not be read.

Belongs here: null counts and bounds over the files of one staged partition. Does not: deciding what to check.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyiceberg.conversions import from_bytes
from pyiceberg.manifest import DataFile

from lakehouse_assets.contracts.contract import ColumnType
from lakehouse_assets.lake.gates.verdict import Case
from lakehouse_assets.lake.schema import ICEBERG_TYPES

BOUNDED: frozenset[ColumnType] = frozenset({"long", "int", "double"})
"""Types whose bounds are whole values; those of strings are cut to 16 characters."""


@dataclass(frozen=True)
class ColumnStatistics:
    """Null count and bounds of one column; the bounds are None where no value or no statistics are there.

    A NaN is not among the bounds of a double: they hold only once every value is known to be finite.
    """

    rows: int
    nulls: int
    lower: float | None = None
    upper: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return self.nulls == self.rows


def statistics_of(case: Case) -> Mapping[str, ColumnStatistics]:
    """The columns of which every staged file tells its nulls; empty where nothing was staged (`is_current`)."""
    known = {}
    for column in case.staged.contract.columns:
        found = _over_files(case.part.data_files, case.staged.field_ids[column.name], column.type)
        if found is not None:
            known[column.name] = found
    return known


def _over_files(files: Sequence[DataFile], field_id: int, column_type: ColumnType) -> ColumnStatistics | None:
    counts = [(file.null_value_counts or {}).get(field_id) for file in files]
    nulls = [count for count in counts if count is not None]
    if not files or len(nulls) < len(files):
        return None
    rows = sum(file.record_count for file in files)
    filled = [file for file, count in zip(files, nulls, strict=True) if count < file.record_count]
    if column_type not in BOUNDED:
        return ColumnStatistics(rows, sum(nulls))
    lower = [_bound(file.lower_bounds, field_id, column_type) for file in filled]
    upper = [_bound(file.upper_bounds, field_id, column_type) for file in filled]
    return ColumnStatistics(rows, sum(nulls), _extreme(lower, min), _extreme(upper, max))


def _bound(bounds: Mapping[int, bytes] | None, field_id: int, column_type: ColumnType) -> float | None:
    if not bounds or field_id not in bounds:
        return None
    value: Any = from_bytes(ICEBERG_TYPES[column_type], bounds[field_id])
    return float(value) if column_type == "double" else int(value)


def _extreme(bounds: Sequence[float | None], choose: Callable[[list[float]], float]) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if known and len(known) == len(bounds) else None
