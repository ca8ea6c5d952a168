-- Grain: one contract of one source and one minute that has a mid. Point in time: `available_at` is the latest arrival
-- among the contract's inputs, and what else is joined is the latest that was known by then: the underlying's minute, the
-- chain, the prints and quotes of all contracts of the underlying.
-- Caveats: what lies one, five or fifteen minutes back is the last mid known then, at most ten minutes older, else null;
-- mids above 1.09 million in currency have no returns. A chain serves for ten minutes after its end; its forward moves
-- with the underlying since. Realised volatility counts 252 sessions of 390 minutes a year, implied volatility 365 days.
WITH quoted AS (
    SELECT *,
        minute_of_date(minute_number(bar_start), trading_date) AS clock,
        on_grid(CASE WHEN mid_price > 0 THEN mid_price END) AS mid_units,
        on_grid(order_flow_imbalance) AS flow_units,
        on_grid(signed_volume) AS signed_units
    FROM gold_option_minute_bars
),
lagged AS (
    SELECT *,
        packed_units(MAX(packed(clock, mid_units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING)) AS units_1m,
        packed_units(MAX(packed(clock, mid_units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 15 PRECEDING AND 5 PRECEDING)) AS units_5m,
        SUM(flow_units) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 4 PRECEDING AND CURRENT ROW) AS flow_units_5m,
        SUM(signed_units) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 4 PRECEDING AND CURRENT ROW) AS signed_units_5m,
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
    SELECT source, symbol, available_at AS known_from,
        minute_of_date(minute_number(bar_start), trading_date) AS clock,
        COALESCE(close_price, mid_price) AS price,
        on_grid(COALESCE(close_price, mid_price)) AS units
    FROM gold_underlying_minute_bars
    WHERE COALESCE(close_price, mid_price) > 0
),
stepped AS (
    SELECT *,
        clock - LAG(clock) OVER (PARTITION BY source, symbol ORDER BY clock) AS elapsed,
        LAG(units) OVER (PARTITION BY source, symbol ORDER BY clock) AS units_before
    FROM priced
),
squared AS (
    SELECT *,
        CASE WHEN elapsed <= 10 AND units_before > 0 THEN elapsed END AS minutes,
        CASE WHEN elapsed <= 10 THEN CAST(ROUND(
            log_ratio(units, units_before) * log_ratio(units, units_before) * 1e12) AS BIGINT) END AS square_units
    FROM stepped
),
underlyings AS (
    SELECT source, symbol, clock, price, units, known_from,
        packed_units(MAX(packed(clock, units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 11 PRECEDING AND 1 PRECEDING)) AS units_1m,
        packed_units(MAX(packed(clock, units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 15 PRECEDING AND 5 PRECEDING)) AS units_5m,
        packed_units(MAX(packed(clock, units)) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 25 PRECEDING AND 15 PRECEDING)) AS units_15m,
        SUM(square_units) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 29 PRECEDING AND CURRENT ROW) AS square_units_30m,
        SUM(minutes) OVER (
            PARTITION BY source, symbol ORDER BY clock RANGE BETWEEN 29 PRECEDING AND CURRENT ROW) AS minutes_30m
    FROM squared
),
questions AS (
    SELECT source, underlying, expiration, known_from
    FROM described
    WHERE underlying IS NOT NULL AND mid_units IS NOT NULL
    GROUP BY source, underlying, expiration, known_from
),
moments AS (
    SELECT source, underlying, known_from, CAST(NULL AS BIGINT) AS clock, TRUE AS is_question,
        0 AS put_units, 0 AS call_units, 0 AS put_quotes, 0 AS call_quotes
    FROM questions
    GROUP BY source, underlying, known_from
    UNION ALL
    SELECT source, symbol AS underlying, known_from, clock, FALSE AS is_question,
        0 AS put_units, 0 AS call_units, 0 AS put_quotes, 0 AS call_quotes
    FROM underlyings
    UNION ALL
    SELECT source, underlying, available_at AS known_from, CAST(NULL AS BIGINT) AS clock, FALSE AS is_question,
        SUM(CASE WHEN option_type = 'P' THEN on_grid(volume) ELSE 0 END) AS put_units,
        SUM(CASE WHEN option_type = 'C' THEN on_grid(volume) ELSE 0 END) AS call_units,
        SUM(CASE WHEN option_type = 'P' THEN quote_updates ELSE 0 END) AS put_quotes,
        SUM(CASE WHEN option_type = 'C' THEN quote_updates ELSE 0 END) AS call_quotes
    FROM quoted
    WHERE underlying IS NOT NULL
    GROUP BY source, underlying, available_at
),
carried AS (
    SELECT source, underlying, known_from, is_question,
        MAX(clock) OVER so_far AS clock,
        SUM(put_units) OVER so_far AS put_units,
        SUM(call_units) OVER so_far AS call_units,
        SUM(put_quotes) OVER so_far AS put_quotes,
        SUM(call_quotes) OVER so_far AS call_quotes
    FROM moments
    WINDOW so_far AS (
        PARTITION BY source, underlying ORDER BY known_from RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
answered AS (
    SELECT c.source, c.underlying, c.known_from, u.price, u.clock,
        ratio(u.units, u.units_1m) - 1 AS return_1m,
        ratio(u.units, u.units_5m) - 1 AS return_5m,
        ratio(u.units, u.units_15m) - 1 AS return_15m,
        CASE WHEN u.minutes_30m >= 10 AND u.square_units_30m >= 0
             THEN SQRT(u.square_units_30m / 1e12 / NULLIF(u.minutes_30m, 0) * 98280) END AS realised_volatility_30m,
        ratio(c.put_units, c.call_units) AS put_call_volume_ratio,
        ratio(c.put_quotes, c.call_quotes) AS put_call_quote_ratio
    FROM carried AS c
    LEFT JOIN underlyings AS u ON u.source = c.source AND u.symbol = c.underlying AND u.clock = c.clock
    WHERE c.is_question
),
chains AS (
    SELECT source, underlying, expiration, available_at AS known_from, forward_price, underlying_price,
        at_the_money_volatility, skew_25_delta,
        minute_of_date(minute_number(chain_time), trading_date) AS clock
    FROM gold_option_chains
    WHERE forward_price > 0
),
chain_moments AS (
    SELECT source, underlying, expiration, known_from, CAST(NULL AS BIGINT) AS clock, TRUE AS is_question
    FROM questions
    UNION ALL
    SELECT source, underlying, expiration, known_from, clock, FALSE AS is_question
    FROM chains
),
chain_carried AS (
    SELECT source, underlying, expiration, known_from, is_question,
        MAX(clock) OVER (
            PARTITION BY source, underlying, expiration ORDER BY known_from
            RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS clock
    FROM chain_moments
),
chained AS (
    SELECT q.source, q.underlying, q.expiration, q.known_from, c.clock, c.forward_price, c.underlying_price,
        c.at_the_money_volatility, c.skew_25_delta
    FROM chain_carried AS q
    JOIN chains AS c ON c.source = q.source AND c.underlying = q.underlying AND c.expiration = q.expiration
        AND c.clock = q.clock
    WHERE q.is_question
),
joined AS (
    SELECT d.*,
        a.price AS spot, a.return_1m, a.return_5m, a.return_15m, a.realised_volatility_30m,
        a.put_call_volume_ratio, a.put_call_quote_ratio,
        c.at_the_money_volatility, c.skew_25_delta,
        c.forward_price * COALESCE(CASE WHEN a.clock >= c.clock THEN ratio(a.price, c.underlying_price) END, 1e0)
            AS forward,
        d.option_type = 'C' AS is_call,
        expiry_minute(d.symbol, d.expiration) - minute_number(d.bar_start) - 1 AS minutes_left
    FROM described AS d
    LEFT JOIN answered AS a
        ON a.source = d.source AND a.underlying = d.underlying AND a.known_from = d.known_from
    LEFT JOIN chained AS c
        ON c.source = d.source AND c.underlying = d.underlying AND c.expiration = d.expiration
        AND c.known_from = d.known_from AND c.clock >= d.clock - 9
    WHERE d.mid_units IS NOT NULL
),
solved AS (
    SELECT *,
        years_of(minutes_left) AS years,
        black_volatility(mid_price, forward, strike_price, years_of(minutes_left), is_call) AS volatility,
        black_refusal(mid_price, forward, strike_price, years_of(minutes_left), is_call) AS refusal
    FROM joined
)
SELECT source, trading_date, symbol, underlying, expiration, strike_price, option_type, contract_multiplier,
    bar_start + INTERVAL 60 SECOND AS feature_time,
    known_from AS available_at,
    COALESCE(spot, underlying_price) AS underlying_price,
    forward AS forward_price,
    ratio(bid_px_00 * ask_sz_00 + ask_px_00 * bid_sz_00, bid_sz_00 + ask_sz_00) AS microprice,
    CASE WHEN volatility IS NOT NULL THEN NULL
         WHEN is_call IS NULL OR expiration IS NULL OR strike_price IS NULL THEN 'NO_TERMS'
         WHEN forward IS NULL THEN 'NO_FORWARD'
         ELSE COALESCE(refusal, 'NO_ROOT') END AS implied_volatility_reason,
    CASE option_type WHEN 'C' THEN 1 WHEN 'P' THEN 0 END AS is_call,
    CAST(minutes_left AS DOUBLE) AS minutes_to_expiry,
    log_ratio(strike_price, COALESCE(spot, underlying_price)) AS log_moneyness,
    log_ratio(strike_price, forward) AS log_forward_moneyness,
    mid_price,
    CASE WHEN bid_px_00 > 0 AND ask_px_00 >= bid_px_00 THEN off_grid(on_grid(ask_px_00) - on_grid(bid_px_00)) END AS spread,
    ratio(ask_px_00 - bid_px_00, two_sided_mid(bid_px_00, ask_px_00)) AS relative_spread,
    ratio(bid_sz_00 - ask_sz_00, bid_sz_00 + ask_sz_00) AS queue_imbalance,
    ratio(ratio(bid_px_00 * ask_sz_00 + ask_px_00 * bid_sz_00, bid_sz_00 + ask_sz_00),
          two_sided_mid(bid_px_00, ask_px_00)) - 1 AS microprice_offset,
    order_flow_imbalance,
    off_grid(flow_units_5m) AS order_flow_imbalance_5m,
    signed_volume,
    off_grid(signed_units_5m) AS signed_volume_5m,
    ratio(mid_units, units_1m) - 1 AS mid_return_1m,
    ratio(mid_units, units_5m) - 1 AS mid_return_5m,
    CASE WHEN square_units_15m >= 0 THEN SQRT(square_units_15m / 1e12) END AS realised_volatility_15m,
    volume, trade_count, quote_updates,
    return_1m AS underlying_return_1m,
    return_5m AS underlying_return_5m,
    return_15m AS underlying_return_15m,
    realised_volatility_30m AS underlying_realised_volatility_30m,
    volatility AS implied_volatility,
    black_delta(forward, strike_price, years, volatility, is_call) AS delta,
    black_gamma(forward, strike_price, years, volatility) AS gamma,
    black_vega(forward, strike_price, years, volatility) AS vega,
    black_theta(forward, strike_price, years, volatility) AS theta,
    rounded(volatility - realised_volatility_30m) AS implied_minus_realised,
    at_the_money_volatility, skew_25_delta,
    put_call_volume_ratio, put_call_quote_ratio
FROM solved
