"""Does every row honour the contract: types, nulls, ranges, allowed values, rules, keys?

Belongs here: one pass of SQL written from the contract, over what the files' statistics leave open.
Does not: anything that one table alone needs.
"""

from collections.abc import Iterable, Iterator, Mapping

from lakehouse_assets.contracts.contract import Column, Contract, Severity
from lakehouse_assets.lake.engine import literal, quoted
from lakehouse_assets.lake.gates.statistics import ColumnStatistics, statistics_of
from lakehouse_assets.lake.gates.uniqueness import repeated_keys
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

SHOWN_BREACHES = 5


def contract_gate(contract: Contract) -> Gate:
    """The gate that every table has; it blocks."""
    return Gate(
        name=contract.check_name("honour_their_contract", "honours_its_contract"),
        meaning=f"Types, nulls, ranges, allowed values and rules hold; {', '.join(contract.key)} is unique. "
        "A refused batch is not published: an older materialization stays visible as it was.",
        is_blocking=True,
        judge=_judge,
    )


def conditions(
    contract: Contract, statistics: Mapping[str, ColumnStatistics] | None = None, severity: Severity = "error"
) -> Iterator[tuple[str, str]]:
    """Each breach that a row may commit: its name and the SQL that is true on a breaching row.

    Left out are those of which the files' statistics prove that no row commits them.
    """
    if severity == "error":
        for column in contract.columns:
            yield from _column_conditions(column, (statistics or {}).get(column.name))
    for rule in contract.rules:
        if rule.severity == severity:
            yield rule.name, f"NOT COALESCE(({rule.condition}), TRUE)"


def _column_conditions(column: Column, known: ColumnStatistics | None) -> Iterator[tuple[str, str]]:
    name = quoted(column.name)
    if column.required and not (known and known.nulls == 0):
        yield f"{column.name}_is_null", f"{name} IS NULL"
    if known and known.is_empty:
        return
    lower, upper = (known.lower, known.upper) if known else (None, None)
    if column.type == "double":
        yield f"{column.name}_is_not_finite", f"NOT ISFINITE({name})"
        if lower is None or upper is None or lower <= 0 <= upper:
            yield f"{column.name}_is_minus_zero", f"{name} = 0 AND SIGNBIT({name})"
    if column.minimum is not None and not (lower is not None and lower >= column.minimum):
        yield f"{column.name}_is_below_{column.minimum:g}", f"{name} < {column.minimum!r}"
    if column.maximum is not None and not (upper is not None and upper <= column.maximum):
        yield f"{column.name}_is_above_{column.maximum:g}", f"{name} > {column.maximum!r}"
    if column.allowed:
        yield f"{column.name}_is_not_allowed", f"{name} NOT IN ({', '.join(map(literal, column.allowed))})"


def _judge(case: Case) -> Verdict:
    statistics = statistics_of(case)
    breaches = _counted(case, conditions(case.staged.contract, statistics))
    doubts = _counted(case, conditions(case.staged.contract, severity="warn"))
    if repeated := repeated_keys(case):
        breaches["key_is_repeated"] = repeated
    rows = case.part.rows
    values = {"rows": rows, "breaches": sum(breaches.values()), **breaches, **doubts}
    words = _words(doubts, rows)
    if not breaches:
        return Verdict(True, f"{rows:,} rows honour the contract{'; noted: ' if words else ''}{words}", values)
    return Verdict(False, _words(breaches, rows), values)


def _counted(case: Case, named: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The rows that breach each condition, where any does; one pass over the columns that conditions name."""
    names, texts = zip(*named, strict=True) if (named := list(named)) else ((), ())
    if not names:
        return {}
    counts = ", ".join(f"COUNT(*) FILTER (WHERE {text})" for text in texts)
    # COUNT(*) keeps the engine from pushing a lone filter into the scan, where it would miss NaN
    (found,) = case.court.ask(f"SELECT {counts}, COUNT(*) FROM {quoted(case.staged.contract.table)}")
    return {name: int(count) for name, count in zip(names, found, strict=False) if count}


def _words(breaches: Mapping[str, int], rows: int) -> str:
    worst = sorted(breaches.items(), key=lambda item: -item[1])[:SHOWN_BREACHES]
    return "; ".join(f"{name}: {count:,} of {rows:,} rows" for name, count in worst)
