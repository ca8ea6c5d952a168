"""Small tables in, a transform's rows out: what the story tests of the transforms share.

Belongs here: running one `.sql` file over rows written by hand, ready-made ticks, and asking a contract.
Does not: any expectation about a particular table.
"""

import atexit
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.settings import LabelSettings, SilverSettings
from lakehouse_assets.transforms.called import register
from lakehouse_assets.transforms.text import macros_text, parameters_of, sql_text

Row = dict[str, Any]
TYPES = {"string": "VARCHAR", "long": "BIGINT", "int": "INTEGER", "double": "DOUBLE", "boolean": "BOOLEAN",
         "date": "DATE", "timestamptz": "TIMESTAMP WITH TIME ZONE"}  # fmt: skip
ARROW = {"string": pa.string(), "long": pa.int64(), "int": pa.int32(), "double": pa.float64(), "boolean": pa.bool_(),
         "date": pa.date32(), "timestamptz": pa.timestamp("us", tz="UTC")}  # fmt: skip
DAY = date(2026, 11, 20)
"""A Friday."""
OPEN = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
"""09:00 in Seoul."""
CALL = "KR4201FC4005"
ISIN_CALL = "KR4201F32606"
ISIN_PUT = "KR4301FC4004"
"""Another call, and a put: all are made up in KRX's spelling; their check digits are right."""
OSI_CALL = "SPXW  261218C04000000"
OSI_PUT = "SPXW  261218P04000000"


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    engine = duckdb.connect(config={"threads": 1, "preserve_insertion_order": False})
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute(macros_text())
    register(engine)
    atexit.register(engine.close)
    return engine


def parameters(**changed: object) -> dict[str, object]:
    """The thresholds of the default settings, some of them changed."""
    return {**SilverSettings().model_dump(), **LabelSettings().model_dump(), **changed}


def run(
    table: str, changed: Mapping[str, object] | None = None, sql: str | None = None, **inputs: Iterable[Row]
) -> list[Row]:
    """The rows of a table, cast to its contract, over input tables given by name; columns not given are null."""
    engine = _engine().cursor()
    for name, rows in inputs.items():
        _load(engine, CONTRACTS[name], list(rows))
    text = sql or sql_text(table)
    given = parameters(**(changed or {}))
    casts = ", ".join(f"CAST({c.name} AS {TYPES[c.type]}) AS {c.name}" for c in CONTRACTS[table].columns)
    found = engine.execute(f"SELECT {casts} FROM ({text})", {name: given[name] for name in parameters_of(text)} or None)
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    key = CONTRACTS[table].key
    return sorted(rows, key=lambda row: [(row[name] is not None, row[name]) for name in key])


def _load(engine: duckdb.DuckDBPyConnection, contract: Contract, rows: list[Row]) -> None:
    columns = ", ".join(f"{c.name} {TYPES[c.type]}" for c in contract.columns)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE {contract.table} ({columns})")
    for row in rows:
        assert set(row) <= set(contract.column_names), sorted(set(row) - set(contract.column_names))
    given = pa.Table.from_pylist(
        [{name: row.get(name) for name in contract.column_names} for row in rows], _schema(contract)
    )
    engine.register("given", given)
    engine.execute(f"INSERT INTO {contract.table} SELECT * FROM given")
    engine.unregister("given")


def _schema(contract: Contract) -> pa.Schema:
    return pa.schema([pa.field(column.name, ARROW[column.type]) for column in contract.columns])


def at(seconds: float) -> datetime:
    """Seconds after the regular session's open."""
    return OPEN + timedelta(seconds=seconds)


def tick(seconds: float = 0.0, **values: Any) -> Row:
    """A canonical option tick without trade or quote."""
    row: Row = {
        "source": "simulated", "source_file": "simulated/day.parquet", "source_seq": round(seconds * 1000),
        "ingest_id": "0" * 16, "ingested_at": OPEN, "event_type": "quote", "symbol": CALL, "underlying": "SPX",
        "expiration": date(2026, 12, 18), "strike_price": 4000.0, "option_type": "C", "contract_multiplier": 100.0,
        "currency": "USD", "venue": "KRX", "timestamp": at(seconds), "trading_date": DAY, "flags": 0,
    }  # fmt: skip
    return {**row, "sequence": row["source_seq"], **values}


def quote(seconds: float, bid: float | None, ask: float | None, **values: Any) -> Row:
    """An option quote; ten on each side that is there."""
    sizes = {"bid_sz_00": None if bid is None else 10.0, "ask_sz_00": None if ask is None else 10.0}
    return tick(seconds, bid_px_00=bid, ask_px_00=ask, **{**sizes, **values})


def trade(seconds: float, price: float | None, size: float | None = 1.0, **values: Any) -> Row:
    """An option print."""
    return tick(seconds, event_type="trade", last_price=price, last_size=size, **values)


def of_underlying(row: Row, symbol: str | None = "SPX") -> Row:
    """The same tick as one of an underlying."""
    names = CONTRACTS["bronze_underlying_ticks"].column_names
    return {**{name: value for name, value in row.items() if name in names}, "symbol": symbol}


def silver(*ticks: Row, **changed: object) -> list[Row]:
    """The trusted ones of some option ticks."""
    return run("silver_option_ticks", changed, bronze_option_ticks=ticks)


def quarantined(*ticks: Row, underlyings: Iterable[Row] = (), **changed: object) -> list[Row]:
    """The refused ones."""
    return run("silver_quarantined_ticks", changed, bronze_option_ticks=ticks, bronze_underlying_ticks=underlyings)


def bars(*ticks: Row) -> list[Row]:
    """The minute bars of the trusted ones of some option ticks."""
    return run("gold_option_minute_bars", silver_option_ticks=silver(*ticks))


def underlying_bars(*ticks: Row) -> list[Row]:
    """The minute bars of the trusted ones of some ticks of underlyings."""
    trusted = run("silver_underlying_ticks", bronze_underlying_ticks=ticks)
    return run("gold_underlying_minute_bars", silver_underlying_ticks=trusted)


def bar(minute: int, mid: float | None, **values: Any) -> Row:
    """An option's minute bar with a quote 0.1 around its mid, known when the minute ends."""
    sides = {} if mid is None else {"bid_px_00": mid - 0.05, "ask_px_00": mid + 0.05}
    row: Row = {
        "source": "simulated", "trading_date": DAY, "symbol": CALL, "underlying": "SPX",
        "expiration": date(2026, 12, 18), "strike_price": 4000.0, "option_type": "C",
        "bar_start": at(60 * minute), "available_at": at(60 * minute + 60),
        "volume": 0.0, "trade_count": 0, "quote_updates": 1, "bid_sz_00": 10.0, "ask_sz_00": 10.0, "mid_price": mid,
        "order_flow_imbalance": 0.0, "signed_volume": 0.0, **sides,
    }  # fmt: skip
    return {**row, **values}


CONTRACTS_BY_TERMS = {("C", 4000.0): CALL, ("P", 4000.0): ISIN_PUT}


def pair(minute: int, call: float, put: float, strike: float = 4000.0, **values: Any) -> list[Row]:
    """The minute bars of a call and a put of one strike."""
    return [
        bar(minute, mid, symbol=CONTRACTS_BY_TERMS.get((side, strike), f"{side}{strike}"), option_type=side,
            strike_price=strike, **values)
        for side, mid in (("C", call), ("P", put))
    ]  # fmt: skip


def underlying_bar(minute: int, price: float | None, **values: Any) -> Row:
    """A minute bar of the underlying, known when the minute ends."""
    row: Row = {
        "source": "simulated", "trading_date": DAY, "symbol": "SPX", "bar_start": at(60 * minute),
        "available_at": at(60 * minute + 60), "close_price": price, "volume": 0.0, "trade_count": 1, "quote_updates": 0,
    }  # fmt: skip
    return {**row, **values}


def chains(option_bars: Iterable[Row], underlying: Iterable[Row] = (), sql: str | None = None) -> list[Row]:
    """The chains of some bars."""
    return run(
        "gold_option_chains", None, sql, gold_option_minute_bars=option_bars, gold_underlying_minute_bars=underlying
    )


def features(
    option_bars: Iterable[Row],
    underlying: Iterable[Row] = (),
    sql: str | None = None,
    chain_rows: Iterable[Row] | None = None,
) -> list[Row]:
    """The features of some bars, with the chains of the same bars where none are given."""
    option_bars, underlying = list(option_bars), list(underlying)
    given = chains(option_bars, underlying) if chain_rows is None else chain_rows
    return run(
        "feature_option_minutes", None, sql, gold_option_minute_bars=option_bars,
        gold_underlying_minute_bars=underlying, gold_option_chains=given,
    )  # fmt: skip


def without(rows: Iterable[Row], column: str) -> list[Row]:
    """The rows with nulls in one column."""
    return [{**row, column: None} for row in rows]


def nullable(table: str, *kept: str) -> list[str]:
    """The columns of a table that may be null."""
    return [c.name for c in CONTRACTS[table].columns if not c.required and c.name not in kept]


def assert_honoured(table: str, rows: list[Row]) -> None:
    """Every row keeps the table's contract: nulls, ranges, lists, key, rules, and no NaN or -0.0."""
    contract = CONTRACTS[table]
    for row in rows:
        for column in contract.columns:
            value = row[column.name]
            assert value is not None or not column.required, column.name
            if isinstance(value, float):
                assert math.isfinite(value), (column.name, value)
                assert value != 0 or math.copysign(1, value) > 0, (column.name, value)
            if value is not None and column.minimum is not None:
                assert value >= column.minimum, (column.name, value)
            if value is not None and column.maximum is not None:
                assert value <= column.maximum, (column.name, value)
            assert value is None or not column.allowed or value in column.allowed, (column.name, value)
    keys = [tuple(row[name] for name in contract.key) for row in rows]
    assert len(set(keys)) == len(keys), f"{table}: a key twice"
    engine = _engine().cursor()
    _load(engine, contract, rows)
    for rule in contract.rules:
        broken = engine.execute(f"SELECT COUNT(*) FROM {table} WHERE NOT ({rule.condition})").fetchone()
        assert broken == (0,), rule.name
