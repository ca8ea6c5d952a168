"""The canonical tick: what is filled in, what is fitted, what is refused."""

import datetime as dt
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse_assets.contracts.bronze import BRONZE_OPTION_TICKS, EVENT_TYPES
from lakehouse_assets.settings import SourceSettings
from lakehouse_assets.sources.adapter import KINDS, FileRefused, LandedFile
from lakehouse_assets.sources.canonical import CONTRACTS, FILE_LINEAGE, SCHEMAS, TICK_SCHEMAS, complete, constant

FEED = SourceSettings(adapter="tape", venue="OPRA", currency="USD", contract_multiplier=100.0, files="**/*")
FILE = LandedFile(Path("a.tape"), "tape/a.tape", "tape", FEED, 1_000)
NOON = dt.datetime(2025, 2, 20, 17, 0, tzinfo=dt.UTC)


def columns(rows: int = 2, **given: Any) -> dict[str, Any]:
    return {
        "source_seq": pa.array(range(rows)),
        "event_type": pa.array(["trade"] * rows),
        "timestamp": pa.array([NOON] * rows, pa.timestamp("us", "UTC")),
        **given,
    }


def rows_of(**given: Any) -> list[dict[str, Any]]:
    return list(complete("option", columns(**given), FILE).batch.to_pylist())


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_are_those_of_the_contracts(kind: Any) -> None:
    assert tuple(SCHEMAS[kind].names) == CONTRACTS[kind].column_names
    assert {field.name for field in SCHEMAS[kind] if not field.nullable} == {
        column.name for column in CONTRACTS[kind].columns if column.required
    }
    assert set(SCHEMAS[kind].names) - set(TICK_SCHEMAS[kind].names) == set(FILE_LINEAGE)
    batch = complete(kind, columns(), FILE).batch
    assert batch.schema.equals(TICK_SCHEMAS[kind])
    batch.validate(full=True)


def test_what_the_feed_does_not_say_comes_from_its_settings_and_its_sessions() -> None:
    row = rows_of()[0]
    assert (row["venue"], row["currency"], row["contract_multiplier"], row["flags"]) == ("OPRA", "USD", 100.0, 0)
    assert row["trading_date"] == dt.date(2025, 2, 20)
    assert {row[name] for name in ("last_price", "bid_px_00", "symbol", "ts_recv", "condition")} == {None}


def test_what_the_feed_says_stands() -> None:
    row = rows_of(venue=pa.array(["XCBO", None]), flags=pa.array([7, None]))
    assert [(one["venue"], one["flags"]) for one in row] == [("XCBO", 7), (None, 0)]


def test_a_trading_date_falls_back_on_the_time_of_receipt() -> None:
    stamps = pa.array([None, NOON], pa.timestamp("us", "UTC"))
    received = pa.array([NOON + dt.timedelta(days=1), None], pa.timestamp("us", "UTC"))
    assert [row["trading_date"].day for row in rows_of(timestamp=stamps, ts_recv=received)] == [21, 20]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.none(), min_size=1, max_size=20))
def test_a_double_is_a_plain_number_or_null(values: list[float | None]) -> None:
    array = pa.array(values, pa.float64(), from_pandas=False)
    found = complete("option", columns(len(values), last_price=array), FILE).batch.column("last_price").to_pylist()
    for before, after in zip(values, found, strict=True):
        if before is None or not math.isfinite(before):
            assert after is None
        else:
            assert after == before
            assert math.copysign(1, after) == (1 if before == 0 else math.copysign(1, before))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"event_type": pa.array(["trade", "guess"])}, "guess"),
        ({"event_type": pa.array(["trade", None])}, "event_type"),
        ({"source_seq": pa.array([0, None])}, "source_seq"),
        ({"timestamp": pa.array([NOON, None], pa.timestamp("us", "UTC"))}, "timestamp"),
        ({"flags": pa.array([1, 2**64 - 1], pa.uint64())}, "flags"),
        ({"last_price": pa.array(["1", "one"])}, "last_price"),
    ],
)
def test_what_would_be_unfindable_or_does_not_fit_is_refused(given: dict[str, Any], word: str) -> None:
    with pytest.raises(FileRefused, match=word) as caught:
        rows_of(**given)
    assert caught.value.reason == "PARSE_ERROR"
    assert "tape/a.tape" in str(caught.value)


def test_a_column_that_is_not_canonical_is_a_defect_of_the_adapter() -> None:
    with pytest.raises(KeyError, match="colour"):
        rows_of(colour=pa.array(["red"] * 2))
    with pytest.raises(KeyError, match="strike_price"):
        complete("underlying", columns(strike_price=pa.array([1.0] * 2)), FILE)


def test_every_event_of_the_contract_is_taken() -> None:
    found = rows_of(rows=len(EVENT_TYPES), event_type=pa.array(EVENT_TYPES))
    assert tuple(row["event_type"] for row in found) == EVENT_TYPES
    assert BRONZE_OPTION_TICKS.by_name["event_type"].allowed == EVENT_TYPES


@given(st.sampled_from([None, 0, 7]), st.integers(0, 3_000))
def test_a_constant_column_has_the_value_the_type_and_the_length(value: int | None, rows: int) -> None:
    array = constant(value, pa.int64(), rows)
    assert (array.type, len(array)) == (pa.int64(), rows)
    assert array.to_pylist() == [value] * rows


def test_constants_of_equal_value_and_other_type_are_told_apart() -> None:
    assert constant(0, pa.int64(), 3).type == pa.int64()
    assert constant(0, pa.float64(), 3).type == pa.float64()
    assert np.asarray(constant(0, pa.float64(), 3)).dtype == np.float64
