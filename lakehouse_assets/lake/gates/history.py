"""Does a table that only grows still hold every row that it held?

Belongs here: the comparison with the rows that were read. Does not: whether they are still the published ones
(`writing`).
"""

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.courts import BEFORE
from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict


def history_gate(contract: Contract) -> Gate:
    """Refuses rows that leave out or change one that the table held; the content names the table among its inputs."""
    return Gate(
        name=contract.check_name("keep_what_they_held", "keeps_what_it_held"),
        meaning="Every row that the table held is there as it was: rows are only added.",
        is_blocking=True,
        judge=_judge,
    )


def _judge(case: Case) -> Verdict:
    contract = case.staged.contract
    if contract.table not in case.inputs:
        return Verdict(False, f"the rows were made without reading {contract.table}, so nobody knows what they replace")
    columns, before = ", ".join(map(quoted, contract.column_names)), f"{contract.table}{BEFORE}"
    ((lost,),) = case.court.ask(
        f"SELECT COUNT(*) FROM (SELECT {columns} FROM {before} EXCEPT ALL SELECT {columns} FROM {contract.table})"
    )
    held = case.inputs[contract.table].rows
    values = {"rows": case.part.rows, "rows_before": held, "rows_lost": lost}
    if lost:
        return Verdict(False, f"{lost:,} of {held:,} rows would be lost or changed", values)
    return Verdict(True, f"all {held:,} rows are there, {case.part.rows - held:,} were added", values)
