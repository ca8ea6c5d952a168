"""How answers look: tables for people, JSON and CSV for scripts.

Belongs here: numbers, times and cells as text. Does not: what is shown.
"""

import csv
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

MISSING = "-"
_STEP = 1024

PAGE_WIDTH = 200
"""Characters a line where stdout is a file or a pipe."""


def console() -> Console:
    """The terminal on stdout, or a wide page where that is none; made anew, so that it follows a redirected stdout."""
    terminal = Console(highlight=False)
    is_page = not terminal.is_terminal and "COLUMNS" not in os.environ
    return Console(highlight=False, width=PAGE_WIDTH) if is_page else terminal


def size(count: int) -> str:
    """Bytes as people read them, e.g. `12.3 MB` (powers of 1024)."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < _STEP:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _STEP
    return f"{amount:.1f} TB"


def cell(value: Any) -> str:
    """A value as a cell: thousands separated, times in UTC without their zone, `-` for null."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(
            sep=" ", timespec="microseconds" if value.microsecond else "seconds"
        )
    return str(value)


def plain(value: Any) -> Any:
    """A value as JSON holds it: times in ISO 8601, whole decimals as integers, null for what is not a number."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)


def show(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None, right: Iterable[str] = ()
) -> None:
    """A table as wide as the terminal at most; the columns named in `right` are numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE)
    numbers = set(right)
    for name in columns:
        is_number = name in numbers
        table.add_column(Text(name), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value if isinstance(value, str) else cell(value)) for value in row))
    console().print(table)


def say(words: str) -> None:
    """A line under a table, never read as markup; only a terminal folds it."""
    console().print(Text(words), soft_wrap=True)


def write_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def write_json_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """One JSON array on stdout, one object a line, written as the rows arrive."""
    sys.stdout.write("[")
    for number, row in enumerate(rows):
        text = json.dumps(dict(zip(columns, map(plain, row), strict=True)), ensure_ascii=False)
        sys.stdout.write(f"{',' if number else ''}\n{text}")
    sys.stdout.write("\n]\n")


def write_csv_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """CSV with a header on stdout, written as the rows arrive; null is empty, times are ISO 8601."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([plain(value) for value in row] for row in rows)


def rows_of(batches: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of Arrow record batches, one batch in memory at a time."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def distinct(names: Sequence[str]) -> list[str]:
    """Column names, each once: the second `x` becomes `x_2`, so that no value is lost in an object."""
    seen: set[str] = set()
    chosen = []
    for name in names:
        candidate, number = name, 1
        while candidate in seen:
            number += 1
            candidate = f"{name}_{number}"
        seen.add(candidate)
        chosen.append(candidate)
    return chosen
