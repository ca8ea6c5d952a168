"""When things happen: trading dates, the two sessions, and arrivals that come in bursts.

Belongs here: time. Does not: what happens at a time.
Inside a trading date time is counted in seconds of trading: 0 is the opening of the night session, `NIGHT_SECONDS`
that of the day session. Asia/Seoul is UTC+9 all the year.
"""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SEOUL = timezone(timedelta(hours=9))
NIGHT_SECONDS = 12 * 3_600
"""18:00 to 06:00."""
DAY_SECONDS = 24_300
"""09:00 to 15:45."""
TRADING_SECONDS = NIGHT_SECONDS + DAY_SECONDS
NIGHT_SHARE = 0.24
"""Share of a trading date's rows in its night session."""
VARIANCE_TO_MEAN = 44.0
"""Of the rows a second, at a rate of 40 a second and more; thinner feeds come nearer to one."""


def trading_dates(days: int, last_date: date) -> list[date]:
    """The last `days` weekdays up to `last_date`, in order; holidays count as trading days."""
    dates: list[date] = []
    day = last_date
    while len(dates) < days:
        if day.weekday() < 5:
            dates.append(day)
        day -= timedelta(days=1)
    return dates[::-1]


def session_starts(trading_date: date) -> tuple[int, int]:
    """When the night and the day session of a trading date open, in microseconds since 1970 UTC.

    The night session opens at 18:00 of the weekday before: Monday's on Friday.
    """
    before = trading_date - timedelta(days=3 if trading_date.weekday() == 0 else 1)
    night = datetime(before.year, before.month, before.day, 18, tzinfo=SEOUL)
    day = datetime(trading_date.year, trading_date.month, trading_date.day, 9, tzinfo=SEOUL)
    return int(night.timestamp()) * 1_000_000, int(day.timestamp()) * 1_000_000


def to_microseconds(trading_date: date, seconds: Floats) -> Integers:
    """Seconds of trading as microseconds since 1970 UTC."""
    night, day = session_starts(trading_date)
    start = np.where(seconds < NIGHT_SECONDS, night, day - NIGHT_SECONDS * 1_000_000)
    stamps: Integers = start + (seconds * 1e6).astype(np.int64)
    return stamps


def cumulated_arrivals(rows: int, rng: np.random.Generator) -> Floats:
    """How the rows of a trading date spread over its seconds.

    The intensity is a profile (busy at opens and closes, and in the evening) times a gamma variable a second,
    which makes the counts overdispersed: variance / mean = 1 + mean x (squared variation of the intensity).

    Returns:
        Shape (TRADING_SECONDS + 1,): the share of rows before each second, from 0 to 1.
    """
    second = np.arange(TRADING_SECONDS)
    is_night = second < NIGHT_SECONDS
    through = np.where(is_night, second / NIGHT_SECONDS, (second - NIGHT_SECONDS) / DAY_SECONDS)
    evening = 0.4 + 1.2 * np.exp(-(((through - 0.4) / 0.2) ** 2))
    profile = np.where(is_night, evening, 0.7 + 1.2 * (2 * through - 1) ** 4)
    per_second = rows * (1.0 - NIGHT_SHARE) / DAY_SECONDS
    variation = min((VARIANCE_TO_MEAN - 1.0) / per_second, 1.0)
    weight = profile * rng.gamma(1.0 / variation, variation, TRADING_SECONDS)
    weight[is_night] *= NIGHT_SHARE / weight[is_night].sum()
    weight[~is_night] *= (1.0 - NIGHT_SHARE) / weight[~is_night].sum()
    return np.concatenate([[0.0], np.cumsum(weight)])
