"""The property that catches every leak in a feature: what arrives after t changes nothing that was known at t.

Belongs here: a story with late ticks, ways to change its future, and the property. Does not: any leak.
The future is what *arrives* after t, however early it happened. It is taken away, changed and added to, and every row
known by t must be, to the byte, what the ticks that had arrived by t tell. A tick that happened before t and arrives
after it may delay a row, i.e. make it known later; it may never remove one.
"""

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache

from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets_tests.leaks.transforms import FEATURES, Plant, Ticks
from lakehouse_assets_tests.transforms.stories import ISIN_PUT, Row, at, of_underlying, quote, tick, trade

NIGHT = -6 * 3600
"""Where the story's night session begins, seconds from the day's open."""
STEPS = 36
"""Half minutes of a session."""
MOMENTS = (NIGHT + 9 * 60 + 17, 4 * 60 + 17, 16 * 60 + 1)
"""Where it is asked what was known, seconds; at each one ticks have happened that have not arrived."""
SIDES: tuple[Row, ...] = ({}, {"symbol": ISIN_PUT, "option_type": "P"})

Change = Callable[[list[Row], datetime], list[Row]]
Known = dict[tuple[object, ...], Row]
"""Feature rows by their key."""


@cache
def night_and_day() -> Ticks:
    """Eighteen minutes of a night and of a day session: quotes and prints of a call and a put, and their underlying.

    Some are late by a second and a half, every third print of the underlying by a minute and a half; every five
    minutes the open interest is told.
    """
    options: list[Row] = []
    stock: list[Row] = []
    for n in range(2 * STEPS):
        start, wobble = 30 * (n % STEPS) + (NIGHT if n < STEPS else 0), math.sin(n) / 10
        for side, terms in enumerate(SIDES):
            mid, seq = 5.0 + side / 4 + (-1) ** side * wobble, 8 * n + 4 * side
            options.append(quote(start + 1 + side, mid - 0.1, mid + 0.1, bid_sz_00=1.0 + n % 9, source_seq=seq, **terms))
            options.append(trade(start + 9 + side, mid, 1.0 + n % 3, source_seq=seq + 1, **terms))
            if n % 10 == 7:
                told = {"event_type": "open_interest", "open_interest": 100.0 + n, **terms}
                options.append(tick(start + 5, source_seq=seq + 2, **told))
        stock.append(of_underlying(trade(start + 3, 4000.0 + n % 11, source_seq=n)))
        stock[-1]["ts_recv"] = stock[-1]["timestamp"] + timedelta(seconds=90 if n % 3 == 2 else 0.05)
    for row in options:
        late = row["source_seq"] // 8 % 7 == 0
        row.update(sequence=row["source_seq"], ts_recv=row["timestamp"] + timedelta(seconds=1.5 if late else 0.05))
    return Ticks(options, stock)


def arrived(rows: list[Row], until: datetime) -> list[Row]:
    """Without the future."""
    return [row for row in rows if row["ts_recv"] <= until]


def untouched(rows: list[Row], _: datetime) -> list[Row]:
    """With the future as it came."""
    return rows


def changed(rows: list[Row], after: datetime) -> list[Row]:
    """With threefold prices in the future."""
    priced = ("bid_px_00", "ask_px_00", "last_price")
    return [
        {**row, **{name: 3 * row[name] for name in priced if row.get(name) is not None}}
        if row["ts_recv"] > after
        else row
        for row in rows
    ]


def added(rows: list[Row], after: datetime) -> list[Row]:
    """With a second tick beside each one of the future."""
    more = [
        {**row, "source_seq": row["source_seq"] + 10_000, "sequence": row["sequence"] + 10_000,
         "bid_sz_00": 99.0 if row.get("bid_px_00") else None}
        for row in rows if row["ts_recv"] > after
    ]  # fmt: skip
    return rows + more


FUTURES: Mapping[str, Change] = {"untouched": untouched, "changed": changed, "added": added}


def assert_point_in_time(plant: Plant = Plant(), *futures: str) -> None:
    """No feature row known at any of the moments depends on what arrives after it.

    Args:
        plant: what is changed in the transforms.
        futures: the names of the futures; the one that came where none is given.

    Raises:
        AssertionError: a row does depend; the message names it, the column, and both values.
    """
    ticks = night_and_day()
    whole = known(plant, ticks)
    for moment in map(at, MOMENTS):
        told = known(plant, of(ticks, arrived, moment))
        for future in futures or ("untouched",):
            found = whole if future == "untouched" else known(plant, of(ticks, FUTURES[future], moment))
            assert_same(told, found, moment)


def assert_same(told: Known, found: Known, moment: datetime) -> None:
    """What is known at a moment, told then and told with hindsight: the same to the byte, or known later by now."""
    before = {key: row for key, row in told.items() if row["available_at"] <= moment}
    after = {key: row for key, row in found.items() if row["available_at"] <= moment}
    assert after, f"at {moment} nothing is known: the story tells nothing"
    assert before.keys() <= found.keys(), f"at {moment}: {before.keys() - found.keys()} were known and are gone"
    assert after.keys() <= before.keys(), f"at {moment}: {after.keys() - before.keys()} are known from the future alone"
    differing = [(key, name, before[key][name], value) for key, row in after.items() for name, value in row.items()
                 if repr(value) != repr(before[key][name])]  # fmt: skip
    assert not differing, f"at {moment} the future decides on key, column, without it, with it: {differing[:3]}"


def of(ticks: Ticks, change: Change, moment: datetime) -> Ticks:
    """The story with another future."""
    return Ticks(change(ticks.options, moment), change(ticks.underlyings, moment))


def known(plant: Plant, ticks: Ticks) -> Known:
    """The features of some ticks."""
    return {tuple(row[name] for name in CONTRACTS[FEATURES].key): row for row in plant.rows(ticks)}
