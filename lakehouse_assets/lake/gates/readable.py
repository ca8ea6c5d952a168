"""Can every landed file be read?

Belongs here: the manifest's own question. Does not: blocking; the other files of the day go on.
"""

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

SHOWN_FILES = 5


def readable_gate(contract: Contract) -> Gate:
    """Warns with the rejected files and their reasons."""
    return Gate(
        name=f"{contract.table}_are_all_readable",
        meaning="Every landed file was taken in, or repeats one that was; nothing of a rejected file reaches bronze.",
        is_blocking=False,
        judge=_judge,
    )


def _judge(case: Case) -> Verdict:
    table = case.staged.contract.table
    counts = dict(case.court.ask(f"SELECT status, COUNT(DISTINCT path) FROM {table} GROUP BY status"))
    rejected = case.court.ask(f"SELECT path, reason FROM {table} WHERE status = 'rejected' ORDER BY path")
    values = {f"files_{status}": counts.get(status, 0) for status in ("accepted", "duplicate", "rejected")}
    if not rejected:
        return Verdict(True, f"{values['files_accepted']:,} files taken in", values)
    shown = "; ".join(f"{path}: {reason}" for path, reason in rejected[:SHOWN_FILES])
    more = f" and {len(rejected) - SHOWN_FILES} more" if len(rejected) > SHOWN_FILES else ""
    return Verdict(False, f"{len(rejected)} files rejected: {shown}{more}", values)
