"""Does every row honour the contract: types, nulls, ranges, allowed values, rules, keys?

Belongs here: one pass of SQL written from the contract. Does not: anything that one table alone needs.
"""

from collections.abc import Iterator

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.engine import literal, quoted
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


def conditions(contract: Contract) -> Iterator[tuple[str, str]]:
    """Each breach that a row may commit: its name and the SQL that is true on a breaching row."""
    for column in contract.columns:
        yield from _column_conditions(column)
    for rule in contract.rules:
        if rule.severity == "error":
            yield rule.name, f"NOT COALESCE(({rule.condition}), TRUE)"


def _column_conditions(column: Column) -> Iterator[tuple[str, str]]:
    name = quoted(column.name)
    if column.required:
        yield f"{column.name}_is_null", f"{name} IS NULL"
    if column.type == "double":
        yield f"{column.name}_is_not_finite", f"NOT ISFINITE({name}) OR ({name} = 0 AND SIGNBIT({name}))"
    if column.minimum is not None:
        yield f"{column.name}_is_below_{column.minimum:g}", f"{name} < {column.minimum!r}"
    if column.maximum is not None:
        yield f"{column.name}_is_above_{column.maximum:g}", f"{name} > {column.maximum!r}"
    if column.allowed:
        yield f"{column.name}_is_not_allowed", f"{name} NOT IN ({', '.join(map(literal, column.allowed))})"


def _judge(case: Case) -> Verdict:
    contract = case.staged.contract
    named = list(conditions(contract))
    counts = ", ".join(f"COUNT(*) FILTER (WHERE {condition})" for _, condition in named)
    found = case.connection.execute(f"SELECT COUNT(*), {counts or '0'} FROM {quoted(contract.table)}").fetchone()
    rows, numbers = (found[0], found[1:]) if found else (0, ())
    breaches = {name: count for (name, _), count in zip(named, numbers, strict=False) if count}
    if repeated := _repeated_keys(case):
        breaches["key_is_repeated"] = repeated
    values = {"rows": rows, "breaches": sum(breaches.values()), **breaches}
    if not breaches:
        return Verdict(True, f"{rows:,} rows honour the contract", values)
    worst = sorted(breaches.items(), key=lambda item: -item[1])[:SHOWN_BREACHES]
    return Verdict(False, "; ".join(f"{name}: {count:,} of {rows:,} rows" for name, count in worst), values)


def _repeated_keys(case: Case) -> int:
    """How many key values occur more than once."""
    contract = case.staged.contract
    key = ", ".join(map(quoted, contract.key))
    found = case.connection.execute(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM {quoted(contract.table)} GROUP BY {key} HAVING COUNT(*) > 1)"
    ).fetchone()
    return int(found[0]) if found else 0
