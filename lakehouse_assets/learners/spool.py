"""Rows on their way to a learner: read once, kept on disk, passed over as often as it takes.

Belongs here: the columns a learner needs, and their file. Does not: where rows come from, which are trained on.
A learner passes over its rows many times; the lake joins and sorts them once. Batches are cut anew to one size,
since XGBoost's quantiles depend on where batches end: the same rows must make the same model however they arrive.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lakehouse_assets.learners.splits import Times

Batches: TypeAlias = Callable[[], Iterable[pa.RecordBatch]]
"""Starts one pass over the rows; each pass yields the same rows in the same order."""

ROWS_A_BATCH = 100_000


@dataclass(frozen=True)
class Columns:
    """Which column is what. `label` is 0 or 1; `last_direction` is -1, 0, 1 or null, known at t0.

    `group` names what rows are also judged by apart, such as the underlying; it is never learnt from.
    """

    features: tuple[str, ...]
    t0: str = "t0"
    t1: str = "t1"
    label: str = "label"
    last_direction: str = "last_direction"
    group: str | None = None

    @property
    def schema(self) -> pa.Schema:
        """How rows are kept: times as int64 microseconds, label and direction as int8, features as float32."""
        kept: dict[str, pa.DataType] = {self.t0: pa.int64(), self.t1: pa.int64()}
        kept |= {self.label: pa.int8(), self.last_direction: pa.int8()}
        kept |= dict.fromkeys(self.features, pa.float32())
        if self.group is not None:
            kept[self.group] = pa.string()
        return pa.schema(kept)


@dataclass(frozen=True)
class Outline:
    """What is known of every row without its features: 18 bytes a row, 22 with a group; all of shape (rows,).

    `group` numbers the names in `groups`, in the order in which they first appear; None where rows have no group.
    """

    t0: Times
    t1: Times
    label: npt.NDArray[np.int8]
    last_direction: npt.NDArray[np.int8]
    group: npt.NDArray[np.int32] | None = None
    groups: tuple[str, ...] = ()


def spool(rows: Iterable[pa.RecordBatch], columns: Columns, path: Path) -> Batches:
    """Keep the rows in an Arrow file and return what starts a pass over them; memory is that of two batches.

    Args:
        rows: the joined rows, in the order of t0 and, within an instant, of their key.
        columns: the columns to keep; others are dropped.
        path: the file to write; the caller removes it.

    Raises:
        ValueError: a column is missing, a time, label or group is null, or the rows are not in the order of t0.
    """
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, columns.schema) as writer:
        for batch in _recut(_in_order(_narrowed(rows, columns), columns.t0), columns.schema):
            writer.write_batch(batch)

    def batches() -> Iterator[pa.RecordBatch]:
        with pa.OSFile(str(path)) as source:  # a mapped file would count as memory, page after page
            reader = pa.ipc.open_file(source)
            for position in range(reader.num_record_batches):
                yield reader.get_batch(position)

    return batches


def outline(batches: Batches, columns: Columns) -> Outline:
    """One pass over the rows for times, labels, directions and groups; an unknown direction is 0."""
    parts: dict[str, list[Any]] = {columns.t0: [], columns.t1: [], columns.label: [], columns.last_direction: []}
    numbers: dict[str, int] = {}
    group: list[npt.NDArray[np.int32]] = []
    for batch in batches():
        for name, kept in parts.items():
            kept.append(np.array(values(batch, name)))  # a copy: the file's pages need not stay
        if columns.group is not None:
            group.append(_numbered(batch.column(columns.group), numbers))
    whole = {
        name: np.concatenate(kept) if kept else np.empty(0, columns.schema.field(name).type.to_pandas_dtype())
        for name, kept in parts.items()
    }
    codes = None if columns.group is None else np.concatenate([np.empty(0, np.int32), *group])
    t0, t1, label, last_direction = whole.values()
    return Outline(t0, t1, label, last_direction, codes, tuple(numbers))


def values(batch: pa.RecordBatch, name: str) -> npt.NDArray[Any]:
    """A column as numpy; null, which only a direction may be, is 0."""
    column: Any = batch.column(name)
    filled = column.fill_null(0) if column.null_count else column
    return np.asarray(filled.to_numpy(zero_copy_only=False))


def _numbered(names: Any, numbers: dict[str, int]) -> npt.NDArray[np.int32]:
    """Names as numbers; a name that is met for the first time gets the next one."""
    encoded = names.dictionary_encode()
    known = [numbers.setdefault(name, len(numbers)) for name in encoded.dictionary.to_pylist()]
    codes: npt.NDArray[np.int32] = np.array(known, dtype=np.int32)[encoded.indices.to_numpy(zero_copy_only=False)]
    return codes


def _narrowed(rows: Iterable[pa.RecordBatch], columns: Columns) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        arrays = []
        for field in columns.schema:
            if field.name not in batch.schema.names:
                raise ValueError(f"the rows have no column {field.name}; they have {', '.join(batch.schema.names)}")
            column: Any = batch.column(field.name)
            if field.name in (columns.t0, columns.t1, columns.label, columns.group) and column.null_count:
                raise ValueError(f"{field.name} is null on {column.null_count} rows: leave out rows without it")
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.timestamp("us", tz=column.type.tz))
            arrays.append(column.cast(field.type, safe=not pa.types.is_floating(field.type)))
        yield pa.RecordBatch.from_arrays(arrays, schema=columns.schema)


def _in_order(rows: Iterable[pa.RecordBatch], t0: str) -> Iterator[pa.RecordBatch]:
    """The batches as they come; shuffled rows would make another model, and fool whoever splits by position."""
    latest = np.iinfo(np.int64).min
    for batch in rows:
        times = np.append(latest, values(batch, t0))
        if (back := np.flatnonzero(times[1:] < times[:-1])).size:
            later, earlier = times[back[0] : back[0] + 2]
            raise ValueError(f"the rows are not in the order of {t0}: {earlier} comes after {later} (microseconds)")
        latest = times[-1]
        yield batch


def _recut(rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    for batch in rows:
        waiting.append(batch)
        while sum(part.num_rows for part in waiting) >= ROWS_A_BATCH:
            whole = pa.Table.from_batches(waiting, schema)
            yield from whole.slice(0, ROWS_A_BATCH).combine_chunks().to_batches()
            waiting = whole.slice(ROWS_A_BATCH).to_batches()
    if rest := sum(part.num_rows for part in waiting):
        yield from pa.Table.from_batches(waiting, schema).slice(0, rest).combine_chunks().to_batches()
