"""An honest model on minute features calls the direction of a contract's mid as well as on real ticks: 55 to 67 %."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from lakehouse_assets_tests.sources.simulator.landed import connect, land

FEATURES = ("imbalance", "last_imbalance", "imbalance_5m", "signed_trades", "spread", "own_return", "index_return")

MINUTES = """
WITH quotes AS (
    SELECT symbol, option_type, trading_date, timestamp, sequence, bid_px_00 AS bid, ask_px_00 AS ask,
           (bid_px_00 + ask_px_00) / 2 AS mid, (bid_sz_00 - ask_sz_00) / (bid_sz_00 + ask_sz_00) AS imbalance,
           time_bucket(INTERVAL 1 MINUTE, timestamp) AS minute
    FROM ticks WHERE event_type = 'quote' AND bid_px_00 > 0 AND ask_px_00 > bid_px_00 AND symbol IS NOT NULL
         AND bid_sz_00 > 0 AND ask_sz_00 > 0),
signed AS (
    SELECT t.symbol, time_bucket(INTERVAL 1 MINUTE, t.timestamp) AS minute,
           sum(t.last_size * sign(t.last_price - q.mid)) AS signed_trades
    FROM ticks AS t ASOF JOIN quotes AS q ON t.symbol = q.symbol AND t.timestamp >= q.timestamp
    WHERE t.event_type = 'trade' AND t.last_price > 0 GROUP BY ALL),
index_minutes AS (
    SELECT minute, ln(level / lag(level) OVER (ORDER BY minute)) AS move FROM (
        SELECT time_bucket(INTERVAL 1 MINUTE, timestamp) AS minute, arg_max(last_price, sequence) AS level
        FROM underlying WHERE event_type = 'trade' GROUP BY ALL)),
bars AS (
    SELECT symbol, option_type, trading_date, minute, arg_max(mid, sequence) AS mid, avg(imbalance) AS imbalance,
           arg_max(imbalance, sequence) AS last_imbalance, arg_max((ask - bid) / mid, sequence) AS spread
    FROM quotes GROUP BY ALL)
SELECT b.minute, b.imbalance, b.last_imbalance, b.spread, coalesce(s.signed_trades, 0) AS signed_trades,
       avg(b.imbalance) OVER (PARTITION BY b.symbol, b.trading_date ORDER BY b.minute ROWS 4 PRECEDING) AS imbalance_5m,
       coalesce(b.mid / lag(b.mid) OVER (PARTITION BY b.symbol, b.trading_date ORDER BY b.minute) - 1, 0) AS own_return,
       coalesce(CASE b.option_type WHEN 'C' THEN i.move ELSE -i.move END, 0) AS index_return,
       later.mid > b.mid AS is_up
FROM bars AS b LEFT JOIN signed AS s USING (symbol, minute) LEFT JOIN index_minutes AS i USING (minute)
ASOF JOIN quotes AS later ON later.symbol = b.symbol AND later.trading_date = b.trading_date
     AND b.minute + INTERVAL 6 MINUTE >= later.timestamp
WHERE later.mid <> b.mid ORDER BY b.minute, b.symbol
"""
"""A minute's features are known at its end; the label is the mid five minutes after that."""


def accuracy(connection: duckdb.DuckDBPyConnection) -> tuple[float, float]:
    """Out-of-sample accuracy of a logistic regression on the last 30 % of the time, and that of the majority."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = connection.execute(MINUTES).fetchnumpy()
    inputs = np.column_stack([rows[name] for name in FEATURES])
    is_up, minute = rows["is_up"].astype(int), rows["minute"]
    cut = minute[int(0.7 * len(minute))]
    past, future = minute < cut, minute > cut + np.timedelta64(6, "m")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(inputs[past], is_up[past])
    share_up = is_up[future].mean()
    return float(model.score(inputs[future], is_up[future])), float(max(share_up, 1 - share_up))


@pytest.mark.slow
@pytest.mark.parametrize(("rows_per_day", "seed"), [(60_000, 7), (100_000, 42)])
def test_an_honest_model_scores_between_55_and_67_percent(tmp_path: Path, rows_per_day: int, seed: int) -> None:
    with connect(land(tmp_path, days=3, rows_per_day=rows_per_day, seed=seed)) as connection:
        score, majority = accuracy(connection)
    assert majority < 0.56, seed
    assert 0.55 < score < 0.67, seed


def test_busy_contracts_are_quoted_in_nearly_every_minute_of_the_day_session(tmp_path: Path) -> None:
    with connect(land(tmp_path, days=1, rows_per_day=60_000, seed=7)) as connection:
        found = connection.execute(
            """SELECT count(DISTINCT minute) / 405 FROM (
                   SELECT symbol, time_bucket(INTERVAL 1 MINUTE, timestamp) AS minute FROM ticks
                   WHERE event_type = 'quote' AND bid_px_00 > 0 AND ask_px_00 > 0
                     AND (timestamp AT TIME ZONE 'Asia/Seoul')::TIME BETWEEN '09:00:00' AND '15:44:59')
               GROUP BY symbol ORDER BY 1 DESC LIMIT 10"""
        ).fetchall()
    assert all(share > 0.8 for (share,) in found)
