"""The property that catches every leak in a feature: what arrives after t changes nothing that was known at t.

Belongs here: a story with late ticks, ways to change its future, and the property. Does not: any leak.
The future is what *arrives* after t, however early it happened. Whatever it says, and however much of it there is,
every row known by t must be the same to the byte. Were it never to come, the same rows would be known: a tick that
happened before t and arrives after it may delay a row, but never add or remove one. It may also make a row rest on
older prices than were at hand, since a bar of the underlying that will be revised counts from its revision on; where no
tick of an elapsed minute is under way, the rows are those told at the time, to the byte.
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
"""Where it is asked what was known, seconds; at the first and the last, ticks of elapsed minutes are under way."""
SIDES: tuple[Row, ...] = ({}, {"symbol": ISIN_PUT, "option_type": "P"})

Change = Callable[[list[Row], datetime], list[Row]]
Features = dict[tuple[object, ...], Row]
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
            options.append(
                quote(start + 1 + side, mid - 0.1, mid + 0.1, bid_sz_00=1.0 + n % 9, source_seq=seq, **terms)
            )
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


def without(rows: list[Row], after: datetime) -> list[Row]:
    """No future."""
    return [row for row in rows if row["ts_recv"] <= after]


def changed(rows: list[Row], after: datetime) -> list[Row]:
    """A future of threefold prices, sizes and open interest."""
    names = ("bid_px_00", "ask_px_00", "last_price", "bid_sz_00", "ask_sz_00", "last_size", "open_interest")
    return [
        {**row, **{name: 3 * row[name] for name in names if row.get(name) is not None}}
        if row["ts_recv"] > after
        else row
        for row in rows
    ]


def added(rows: list[Row], after: datetime) -> list[Row]:
    """A future with a second tick beside each one."""
    more = [
        {**row, "source_seq": row["source_seq"] + 10_000, "sequence": row["sequence"] + 10_000,
         "bid_sz_00": 99.0 if row.get("bid_px_00") else None}
        for row in rows if row["ts_recv"] > after
    ]  # fmt: skip
    return rows + more


FUTURES: Mapping[str, Change] = {"without": without, "changed": changed, "added": added}


def assert_point_in_time(plant: Plant, future: str) -> None:
    """No feature row known at any of the moments depends on what arrives after it.

    Args:
        plant: what is changed in the transforms.
        future: the name of the future that is compared with the one that came.

    Raises:
        AssertionError: a row does depend; the message names it, the column, and both values.
    """
    ticks, change, whole = night_and_day(), FUTURES[future], as_it_came(plant)
    for moment in map(at, MOMENTS):
        when, came = f"at {moment}, {future}", known(whole, moment)
        assert came, f"{when}: nothing is known, so the story tells nothing"
        other = Ticks(change(ticks.options, moment), change(ticks.underlyings, moment))
        told = known(features_of(plant, other), moment)
        assert told.keys() <= whole.keys(), f"{when}: the future removes {told.keys() - whole.keys()}"
        assert came.keys() <= told.keys(), f"{when}: the future adds {came.keys() - told.keys()}"
        if change is not without or not under_way(ticks, moment):
            assert_same(told, came, when)


def assert_same(told: Features, came: Features, when: str) -> None:
    """The same values to the byte."""
    differing = [
        (key, name, told[key][name], value)
        for key, row in came.items()
        for name, value in row.items()
        if repr(value) != repr(told[key][name])
    ]
    assert not differing, (
        f"{when}: the future decides on key, column, with that one, with the one that came: {differing[:3]}"
    )


def under_way(ticks: Ticks, moment: datetime) -> bool:
    """Whether a tick of an elapsed minute has not arrived."""
    minute = moment.replace(second=0)
    return any(row["timestamp"] < minute and row["ts_recv"] > moment for row in [*ticks.options, *ticks.underlyings])


@cache
def as_it_came(plant: Plant) -> Features:
    """The features of the whole story."""
    return features_of(plant, night_and_day())


def features_of(plant: Plant, ticks: Ticks) -> Features:
    """The features of some ticks."""
    return {tuple(row[name] for name in CONTRACTS[FEATURES].key): row for row in plant.rows(ticks)}


def known(rows: Features, moment: datetime) -> Features:
    """Those that are known by then."""
    return {key: row for key, row in rows.items() if row["available_at"] <= moment}
