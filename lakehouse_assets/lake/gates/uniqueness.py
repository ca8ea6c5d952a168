"""How often is a key repeated? Counted exactly, by the cheaper of two ways.

Belongs here: counting repeated keys. Does not: judging them (`contract`).

A key that ends in a number counted from a small start, as a row number in a file does, is checked with one bit a
possible number in each group of its other columns: repeated rows are those that set no new bit. It takes a
seventh of the time of grouping by the key and a few megabytes (5 M rows: 0.15 against 1.1 s of CPU). Any other key
is grouped, which spills to disk when it must. Both count the rows beyond the first of each key, nulls being equal.
"""

from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.gates.verdict import Case

WHOLE_NUMBERS = ("long", "int")
LARGEST_BITMAPS_BYTES = 64 * 1024**2
"""Bitmaps cannot spill: more than this and the key is grouped."""


def repeated_keys(case: Case) -> int:
    """Rows of the staged partition whose key an earlier row has."""
    *group, last = case.staged.contract.key
    if case.court.has_bitmaps and case.staged.contract.by_name[last].type in WHOLE_NUMBERS:
        span = _span(case, last)
        if span is None:
            return repeated_by_grouping(case)
        lower, upper = span
        if _groups(case, group) * (upper - lower + 1) // 8 <= LARGEST_BITMAPS_BYTES:
            return repeated_by_bits(case, lower, upper)
    return repeated_by_grouping(case)


def repeated_by_bits(case: Case, lower: int, upper: int) -> int:
    """Repeated rows where the key's last column lies between `lower` and `upper`, both included."""
    contract = case.staged.contract
    *group, last = contract.key
    number = quoted(last)
    per_group = (
        f"SELECT COUNT({number}) - BIT_COUNT(BITSTRING_AGG({number}, {lower}, {upper})) "
        f"+ GREATEST(COUNT(*) - COUNT({number}) - 1, 0) AS repeated, "
        f"COUNT(*) - 1 AS beyond_first, COUNT({number}) AS numbers FROM {quoted(contract.table)}"
    )
    if group:
        per_group += f" GROUP BY {', '.join(map(quoted, group))}"
    return _count(
        case, f"SELECT SUM(CASE WHEN numbers = 0 THEN beyond_first ELSE repeated END) FROM ({per_group}) AS groups"
    )


def repeated_by_grouping(case: Case) -> int:
    """Repeated rows of any key."""
    contract = case.staged.contract
    key = ", ".join(map(quoted, contract.key))
    grouped = f"SELECT COUNT(*) AS times FROM {quoted(contract.table)} GROUP BY {key} HAVING COUNT(*) > 1"
    return _count(case, f"SELECT SUM(times - 1) FROM ({grouped}) AS groups")


def _span(case: Case, column: str) -> tuple[int, int] | None:
    """The least and the greatest number; None where there is none. The engine reads them off the statistics."""
    name = quoted(column)
    ((least, greatest),) = case.court.ask(f"SELECT MIN({name}), MAX({name}) FROM {quoted(case.staged.contract.table)}")
    return (int(least), int(greatest)) if least is not None else None


def _groups(case: Case, columns: list[str]) -> int:
    if not columns:
        return 1
    names = ", ".join(map(quoted, columns))
    table = quoted(case.staged.contract.table)
    return _count(case, f"SELECT COUNT(*) FROM (SELECT DISTINCT {names} FROM {table}) AS groups")


def _count(case: Case, text: str) -> int:
    ((count,),) = case.court.ask(text)
    return int(count or 0)
