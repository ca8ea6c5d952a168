"""Looking into the quarantine: how many rows which rule refused, and the rows themselves.

Belongs here: the questions that people ask of `silver_quarantined_ticks`. Does not: the rules.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

import duckdb
import pyarrow as pa

from lakehouse_assets.contracts.silver import HARD_CODES, SILVER_QUARANTINED_TICKS
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.table import BATCH_ROWS, Table, pin

TABLE = SILVER_QUARANTINED_TICKS.table
_CODES = "STRING_SPLIT(reason_codes, ',')"


class UnknownReason(LookupError):
    """No hard rule has this reason code; the message names the closest ones."""


@dataclass(frozen=True)
class ReasonCount:
    """Refused rows of one trading date, source and reason code; a row with two codes counts under both."""

    trading_date: date
    source: str
    reason_code: str
    rows: int


@dataclass(frozen=True)
class Quarantine:
    """The quarantine at a pinned snapshot, restricted to a trading date and a reason code where given."""

    table: Table
    reason: str | None

    @property
    def _where(self) -> str:
        return f"WHERE LIST_CONTAINS({_CODES}, $reason)" if self.reason else ""

    @property
    def _parameters(self) -> dict[str, str] | None:
        return {"reason": self.reason} if self.reason else None

    def counts(self) -> tuple[ReasonCount, ...]:
        """Rows a trading date, source and reason code, in this order."""
        text = (
            f"WITH refused AS (SELECT trading_date, source, UNNEST({_CODES}) AS reason_code FROM {TABLE} {self._where})"
            " SELECT trading_date, source, reason_code, COUNT(*) FROM refused GROUP BY ALL ORDER BY ALL"
        )
        with self._bound() as connection:
            return tuple(ReasonCount(*row) for row in connection.execute(text, self._parameters).fetchall())

    def row_count(self) -> int:
        """Refused rows, each counted once."""
        with self._bound() as connection:
            found = connection.execute(f"SELECT COUNT(*) FROM {TABLE} {self._where}", self._parameters).fetchone()
        return int(found[0]) if found else 0

    @contextmanager
    def rows(self) -> Iterator[pa.RecordBatchReader]:
        """Stream the refused rows, verdict first, in the order of trading date, file and row."""
        lead = ("trading_date", "source", "reason_codes")
        others = [name for name in self.table.contract.column_names if name not in lead]
        with self._bound() as connection:
            relation = connection.sql(
                f"SELECT {', '.join((*lead, *others))} FROM {TABLE} {self._where} "
                "ORDER BY trading_date, source, source_file, source_seq, instrument_type",
                params=self._parameters,
            )
            yield relation.to_arrow_reader(BATCH_ROWS)

    @contextmanager
    def _bound(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with connect(self.table.settings) as connection:
            self.table.bind(connection)
            yield connection


def quarantine(lake: Lake, trading_date: date | None = None, reason: str | None = None) -> Quarantine:
    """The quarantine as it is now.

    Raises:
        UnknownReason: no hard rule has this reason code.
        TableMissing: no tick was judged yet.
    """
    lake.load(TABLE)
    code = reason.strip().upper() if reason else None
    if code is not None and code not in HARD_CODES:
        close = get_close_matches(code, HARD_CODES, n=3, cutoff=0.5) or HARD_CODES
        raise UnknownReason(f"no rule refuses rows for {reason}: try {', '.join(close)}")
    return Quarantine(pin(lake, SILVER_QUARANTINED_TICKS, [trading_date.isoformat()] if trading_date else None), code)
