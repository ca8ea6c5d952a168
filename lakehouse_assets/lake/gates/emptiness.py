"""Do the rows say anything?

Belongs here: the share of rows without any value. Does not: blocking; an illiquid day is no error.
"""

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.gates.verdict import Case, Gate, Verdict

VALUES = ("last_price", "bid_px_00", "ask_px_00", "open_interest", "mark_price")
"""What a tick may report; a quote has no last price and a trade no bid, so a null in one of them says nothing."""


def emptiness_gate(contract: Contract) -> Gate:
    """Warns when more rows than `silver.null_threshold` of the settings report no value at all."""
    columns = ", ".join(name for name in VALUES if name in contract.by_name)

    def judge(case: Case) -> Verdict:
        ((rows, empty),) = case.court.ask(
            f"SELECT COUNT(*), COUNT(*) FILTER (WHERE COALESCE({columns}) IS NULL) FROM {contract.table}"
        )
        share = empty / rows if rows else 0.0
        allowed = case.staged.settings.silver.null_threshold
        values = {"rows": rows, "rows_without_value": empty, "share": share}
        words = f"{empty:,} of {rows:,} rows report no value; {allowed:.0%} are allowed"
        return Verdict(share <= allowed, words, values)

    return Gate(
        name=contract.check_name("report_values", "reports_values"),
        meaning=f"The share of rows with none of {columns} is at most silver.null_threshold.",
        is_blocking=False,
        judge=judge,
    )
