-- Grain: one contract of one source and one minute that has a mid. Point in time: `available_at` is the latest arrival
-- among the inputs, and the underlying is joined backward on it, the latest minute known by then. A minute of the
-- underlying is known when the ones before it are: which of its mids are outliers depends on the mids before.
-- Caveats: what lies one or five minutes back is the last mid known then, at most ten minutes older, else null; mids
-- above 1.09 million in currency have no returns; minutes_to_expiry runs to midnight UTC, not to the venue's hour.
WITH quoted AS (
    SELECT *,
        minute_of_date(minute_number(bar_start), trading_date) AS clock,
        on_grid(mid_price) AS mid_units,
        on_grid(order_flow_imbalance) AS flow_units
    FROM gold_option_minute_bars
    WHERE mid_price > 0
),
lagged AS (
    SELECT *,
        packed_units(MAX(packed(clock, mid_units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING)) AS units_1m,
        packed_units(MAX(packed(clock, mid_units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 15 PRECEDING AND 5 PRECEDING)) AS units_5m,
        SUM(flow_units) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 4 PRECEDING AND CURRENT ROW) AS flow_units_5m,
        MAX(available_at) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 25 PRECEDING AND CURRENT ROW) AS known_from
    FROM quoted
),
moved AS (
    SELECT *, CAST(ROUND(log_ratio(mid_units, units_1m) * log_ratio(mid_units, units_1m) * 1e12) AS BIGINT) AS square_units
    FROM lagged
),
described AS (
    SELECT *,
        SUM(square_units) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 14 PRECEDING AND CURRENT ROW) AS square_units_15m
    FROM moved
),
priced AS (
    SELECT source, symbol,
        minute_of_date(minute_number(bar_start), trading_date) AS clock,
        COALESCE(close_price, mid_price) AS price,
        on_grid(COALESCE(close_price, mid_price)) AS units,
        MAX(available_at) OVER (
            PARTITION BY source, symbol ORDER BY bar_start RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS known_from
    FROM gold_underlying_minute_bars
),
underlyings AS (
    SELECT source, symbol, clock, price, units, known_from,
        packed_units(MAX(packed(clock, units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING)) AS units_1m,
        packed_units(MAX(packed(clock, units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 15 PRECEDING AND 5 PRECEDING)) AS units_5m
    FROM priced
    WHERE price > 0
),
questions AS (
    SELECT source, underlying, known_from
    FROM described
    WHERE underlying IS NOT NULL
    GROUP BY source, underlying, known_from
),
moments AS (
    SELECT source, underlying, known_from, CAST(NULL AS BIGINT) AS clock, TRUE AS is_question
    FROM questions
    UNION ALL
    SELECT source, symbol AS underlying, known_from, clock, FALSE AS is_question
    FROM underlyings
),
carried AS (
    SELECT source, underlying, known_from, is_question,
        MAX(clock) OVER (
            PARTITION BY source, underlying ORDER BY known_from
            RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS clock
    FROM moments
),
answered AS (
    SELECT c.source, c.underlying, c.known_from, u.price,
        ratio(u.units, u.units_1m) - 1 AS return_1m,
        ratio(u.units, u.units_5m) - 1 AS return_5m
    FROM carried AS c
    JOIN underlyings AS u ON u.source = c.source AND u.symbol = c.underlying AND u.clock = c.clock
    WHERE c.is_question
)
SELECT d.source, d.trading_date, d.symbol, d.underlying, d.expiration, d.strike_price, d.option_type,
    d.contract_multiplier,
    d.bar_start + INTERVAL 60 SECOND AS feature_time,
    d.known_from AS available_at,
    COALESCE(a.price, d.underlying_price) AS underlying_price,
    CASE d.option_type WHEN 'C' THEN 1 WHEN 'P' THEN 0 END AS is_call,
    CAST((last_trading_day_number(d.expiration) + 1) * 1440 - minute_number(d.bar_start) - 1 AS DOUBLE)
        AS minutes_to_expiry,
    log_ratio(d.strike_price, COALESCE(a.price, d.underlying_price)) AS log_moneyness,
    d.mid_price,
    ratio(d.ask_px_00 - d.bid_px_00, two_sided_mid(d.bid_px_00, d.ask_px_00)) AS relative_spread,
    ratio(d.bid_sz_00 - d.ask_sz_00, d.bid_sz_00 + d.ask_sz_00) AS queue_imbalance,
    ratio(ratio(d.bid_px_00 * d.ask_sz_00 + d.ask_px_00 * d.bid_sz_00, d.bid_sz_00 + d.ask_sz_00),
          two_sided_mid(d.bid_px_00, d.ask_px_00)) - 1 AS microprice_offset,
    d.order_flow_imbalance,
    off_grid(d.flow_units_5m) AS order_flow_imbalance_5m,
    d.signed_volume,
    ratio(d.mid_units, d.units_1m) - 1 AS mid_return_1m,
    ratio(d.mid_units, d.units_5m) - 1 AS mid_return_5m,
    CASE WHEN d.square_units_15m >= 0 THEN SQRT(d.square_units_15m / 1e12) END AS realised_volatility_15m,
    d.volume, d.trade_count, d.quote_updates,
    a.return_1m AS underlying_return_1m,
    a.return_5m AS underlying_return_5m
FROM described AS d
LEFT JOIN answered AS a
    ON a.source = d.source AND a.underlying = d.underlying AND a.known_from = d.known_from
