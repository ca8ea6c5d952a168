"""Does each row of a chain begin where the one before it ended?

Belongs here: numbers without gaps and links without breaks. Does not: any particular chain.
"""

from dataclasses import dataclass

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.engine import quoted
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict


@dataclass(frozen=True)
class Chain:
    """The columns of a chain: whose it is, the rows' number from 1, and what a row leads from and to (nulls equal)."""

    owner: str
    number: str
    begins: str
    ends: str


def chain_gate(contract: Contract, chain: Chain) -> Gate:
    """Refuses a gap in the numbers or a row that does not begin where the one before it ended."""
    table = quoted(contract.table)
    text = (
        f"SELECT COUNT(*) FILTER (WHERE {chain.number} <> place), "
        f"COUNT(*) FILTER (WHERE {chain.begins} IS DISTINCT FROM ended) FROM (SELECT *, "
        f"ROW_NUMBER() OVER chained AS place, LAG({chain.ends}) OVER chained AS ended FROM {table} "
        f"WINDOW chained AS (PARTITION BY {chain.owner} ORDER BY {chain.number})) AS links"
    )

    def judge(case: Case) -> Verdict:
        ((misplaced, broken),) = case.court.ask(text)
        values = {"rows": case.part.rows, "misplaced": misplaced, "broken": broken}
        words = (
            f"{misplaced:,} rows are not numbered 1, 2, 3 ..., {broken:,} do not begin where the one before ended"
            if misplaced or broken
            else f"{case.part.rows:,} rows, each begins where the one before ended"
        )
        return Verdict(not misplaced and not broken, words, values)

    return Gate(
        name=contract.check_name("follow_one_another", "follows_on"),
        meaning=f"The rows of each {chain.owner} are numbered without gaps, and each {chain.begins} is the "
        f"{chain.ends} before it.",
        is_blocking=True,
        judge=judge,
    )
