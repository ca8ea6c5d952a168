"""Is every row that came in somewhere, exactly once?

Belongs here: bronze = silver + quarantine, and landed rows = bronze rows. Does not: which rows go where.
"""

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict


def conservation_gate(contract: Contract, came_in: tuple[str, ...], came_out: tuple[str, ...]) -> Gate:
    """Rows of the inputs `came_in` equal rows of the tables `came_out`, which are staged in one step; it blocks."""

    def judge(case: Case) -> Verdict:
        incoming = {name: case.inputs[name].only(case.part.key).rows for name in came_in}
        outgoing = {name: case.together[name].rows for name in came_out}
        lost = sum(incoming.values()) - sum(outgoing.values())
        values = {**incoming, **outgoing, "rows_lost": lost}
        words = f"{sum(incoming.values()):,} rows in, {sum(outgoing.values()):,} out"
        return Verdict(lost == 0, words if lost == 0 else f"{words}: {abs(lost):,} {_side(lost)}", values)

    return Gate(
        name=contract.check_name("conserve_every_row", "conserves_every_row"),
        meaning=f"{' + '.join(came_in)} = {' + '.join(came_out)}, row for row.",
        is_blocking=True,
        judge=judge,
    )


def landed_gate(contract: Contract, manifest: str, counted: str) -> Gate:
    """Every accepted file's rows of the date are there, by the manifest's column `counted`; it blocks."""

    def judge(case: Case) -> Verdict:
        query = (
            f"WITH expected AS (SELECT path AS source_file, SUM({counted}) AS landed FROM {manifest} "
            "WHERE status = 'accepted' AND trading_date = CAST($day AS DATE) GROUP BY path), "
            f"present AS (SELECT source_file, COUNT(*) AS held FROM {contract.table} GROUP BY source_file) "
            "SELECT COALESCE(SUM(landed), 0), COALESCE(SUM(held), 0), "
            "COUNT(*) FILTER (WHERE COALESCE(landed, 0) <> COALESCE(held, 0)), COUNT(*) "
            "FROM expected FULL JOIN present USING (source_file)"
        )
        ((landed, held, wrong, files),) = case.court.ask(query, {"day": case.part.key})
        landed, held = int(landed), int(held)
        values = {"rows_landed": landed, "rows_held": held, "files": files, "files_that_differ": wrong}
        return Verdict(wrong == 0, f"{held:,} of {landed:,} landed rows in {files} files, {wrong} files differ", values)

    return Gate(
        name=contract.check_name("hold_every_landed_row", "holds_every_landed_row"),
        meaning="Each accepted file's rows of the trading date are there, none twice, none missing.",
        is_blocking=True,
        judge=judge,
    )


def _side(lost: int) -> str:
    return "are missing" if lost > 0 else "are too many"
