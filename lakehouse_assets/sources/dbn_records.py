"""How Databento's binary encoding (DBN) lays out its records, for the schemas that carry ticks.

Belongs here: byte layouts, record types, sentinels, as the DBN specification gives them
(https://databento.com/docs/standards-and-conventions/databento-binary-encoding); a test compares them with the
library's. Does not: what a record means as a tick (`databento`).
"""

from typing import Final

import numpy as np

UNDEFINED_PRICE: Final = 2**63 - 1
UNDEFINED_TIMESTAMP: Final = 2**64 - 1
PRICE_UNITS: Final = 1e9
"""Prices are integers in units of 1e-9 of the currency."""

OPEN_INTEREST: Final = 9
DELETED: Final = 2
TRADE_ACTION: Final = b"T"

_HEAD: Final = [
    ("length", "u1"), ("rtype", "u1"), ("publisher_id", "<u2"), ("instrument_id", "<u4"), ("ts_event", "<u8")
]  # fmt: skip
_PRICE: Final = [("price", "<i8"), ("size", "<u4")]
_EVENT: Final = [("action", "S1"), ("side", "S1"), ("flags", "u1"), ("depth", "u1"), ("ts_recv", "<u8")]
_ORDER: Final = [("ts_in_delta", "<i4"), ("sequence", "<u4")]
_BOOK: Final = [
    ("bid_px_00", "<i8"), ("ask_px_00", "<i8"), ("bid_sz_00", "<u4"), ("ask_sz_00", "<u4"), ("counts", "V8")
]  # fmt: skip
_STATISTIC: Final = [("ts_recv", "<u8"), ("ts_ref", "<u8"), ("price", "<i8")]
_STATISTIC_END: Final = [
    ("sequence", "<u4"), ("ts_in_delta", "<i4"), ("stat_type", "<u2"), ("channel_id", "<u2"),
    ("update_action", "u1"), ("stat_flags", "u1"),
]  # fmt: skip

TRADES: Final = np.dtype(_HEAD + _PRICE + _EVENT + _ORDER)
MBP_1: Final = np.dtype(_HEAD + _PRICE + _EVENT + _ORDER + _BOOK)
CMBP_1: Final = np.dtype(_HEAD + _PRICE + _EVENT + [("ts_in_delta", "<i4"), ("reserved", "V4")] + _BOOK)
CBBO: Final = np.dtype(_HEAD + _PRICE + _EVENT + [("reserved", "V8")] + _BOOK)
OHLCV: Final = np.dtype([*_HEAD, ("open", "<i8"), ("high", "<i8"), ("low", "<i8"), ("close", "<i8"), ("volume", "<u8")])
STATISTICS: Final = np.dtype(_HEAD + _STATISTIC + [("quantity", "<i8")] + _STATISTIC_END + [("reserved", "V18")])
STATISTICS_BEFORE_V3: Final = np.dtype(
    _HEAD + _STATISTIC + [("quantity", "<i4")] + _STATISTIC_END + [("reserved", "V6")]
)

RECORDS: Final[dict[str, tuple[int, np.dtype[np.void]]]] = {
    "trades": (0x00, TRADES),
    "tbbo": (0x01, MBP_1),
    "mbp-1": (0x01, MBP_1),
    "cmbp-1": (0xB1, CMBP_1),
    "tcbbo": (0xC2, CMBP_1),
    "cbbo-1s": (0xC0, CBBO),
    "cbbo-1m": (0xC1, CBBO),
    "ohlcv-1m": (0x21, OHLCV),
    "statistics": (0x18, STATISTICS),
}
"""By schema: the record type of its header and its layout. Schemas that are not here carry no canonical tick."""


def record_of(schema: str, version: int, ts_out: bool) -> tuple[int, np.dtype[np.void]] | None:
    """The record type and layout of a schema in a version of the encoding, or None where it carries no ticks.

    `ts_out` says that each record ends with the eight bytes of its sending time.
    """
    known = RECORDS.get(schema)
    if known is None:
        return None
    rtype, layout = known
    if schema == "statistics" and version < 3:
        layout = STATISTICS_BEFORE_V3
    return rtype, np.dtype([*layout.descr, ("ts_out", "<u8")]) if ts_out else layout
