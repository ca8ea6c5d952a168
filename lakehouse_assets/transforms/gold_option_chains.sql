-- Grain: one underlying of one source, one expiration and five minutes of event time in which a contract was quoted.
-- The forward is strike + call - put of the strikes nearest the money, both quoted in the same minute and brought to the
-- end of the five minutes by the underlying's move: the median of up to five strikes, so that one stray quote moves
-- nothing. Each strike then gives the volatility of its side out of the money. At the money and at 25 delta are
-- interpolated between neighbours, never beyond them.
-- Caveats: no interest and no early exercise (Black 1976 on the parity-implied forward); time runs to the venue's close
-- of the last trading day. Contracts of the same terms (adjusted ones) count as one: the one quoted last.
-- A chain is known when all quotes of its five minutes, and the underlying's minutes, are: one late contract delays it.
WITH bars AS (
    SELECT source, trading_date, symbol, underlying, expiration, strike_price, option_type, currency, available_at,
        minute_number(bar_start) AS minute,
        minute_of_date(minute_number(bar_start), trading_date) AS clock,
        on_grid(strike_price) AS strike_units,
        on_grid(mid_price) AS mid_units,
        on_grid(two_sided_mid(bid_px_00, ask_px_00)) AS quote_units,
        CASE WHEN bid_px_00 IS NULL OR ask_px_00 IS NULL OR bid_px_00 <= 0 THEN 'ONE_SIDED'
             WHEN bid_px_00 > ask_px_00 THEN 'CROSSED' END AS fault
    FROM gold_option_minute_bars
    WHERE quote_updates > 0 AND underlying IS NOT NULL AND expiration IS NOT NULL AND strike_price > 0
        AND strike_price < 1e6 AND option_type IN ('C', 'P')
),
quoted AS (
    SELECT source, trading_date, symbol, underlying, expiration, strike_price, option_type, currency, available_at,
        minute, clock, strike_units,
        clock - MOD(clock, 5) + 5 AS end_clock,
        minute - MOD(clock, 5) + 5 AS end_minute,
        CASE WHEN fault IS NOT NULL THEN fault WHEN same(quote_units, mid_units) THEN NULL ELSE 'OUTLIER' END AS fault,
        CASE WHEN fault IS NULL AND quote_units = mid_units THEN mid_units END AS mid_units
    FROM bars
),
moments AS (
    SELECT source, symbol AS underlying,
        minute_of_date(minute_number(bar_start), trading_date) AS clock,
        on_grid(COALESCE(close_price, mid_price)) AS units, available_at, FALSE AS is_question
    FROM gold_underlying_minute_bars
    UNION ALL
    SELECT source, underlying, clock, CAST(NULL AS BIGINT) AS units,
        CAST(NULL AS TIMESTAMPTZ) AS available_at, TRUE AS is_question
    FROM quoted
    GROUP BY source, underlying, clock
    UNION ALL
    SELECT source, underlying, end_clock - 1 AS clock, CAST(NULL AS BIGINT) AS units,
        CAST(NULL AS TIMESTAMPTZ) AS available_at, TRUE AS is_question
    FROM quoted
    GROUP BY source, underlying, end_clock
),
carried AS (
    SELECT source, underlying, clock, is_question,
        packed_units(MAX(packed(clock, NULLIF(units, 0))) OVER so_far) AS units,
        MAX(available_at) OVER so_far AS known_from
    FROM moments
    WINDOW so_far AS (PARTITION BY source, underlying ORDER BY clock RANGE BETWEEN 10 PRECEDING AND CURRENT ROW)
),
spots AS (
    SELECT source, underlying, clock, MAX(units) AS units, MAX(known_from) AS known_from
    FROM carried
    WHERE is_question
    GROUP BY source, underlying, clock
),
chains AS (
    SELECT q.source, q.trading_date, q.underlying, q.expiration, q.end_clock, q.end_minute,
        MAX(q.currency) AS currency,
        MAX(q.available_at) AS quotes_known_from,
        MAX(s.known_from) AS spot_known_from,
        MAX(s.units) AS spot_units
    FROM quoted AS q
    LEFT JOIN spots AS s ON s.source = q.source AND s.underlying = q.underlying AND s.clock = q.end_clock - 1
    GROUP BY q.source, q.trading_date, q.underlying, q.expiration, q.end_clock, q.end_minute
),
strikes AS (
    SELECT source, underlying, expiration, end_clock, clock, strike_units,
        MAX(CASE WHEN option_type = 'C' THEN mid_units END) AS call_units,
        MAX(CASE WHEN option_type = 'P' THEN mid_units END) AS put_units
    FROM quoted
    GROUP BY source, underlying, expiration, end_clock, clock, strike_units
),
pairs AS (
    SELECT source, underlying, expiration, end_clock, clock, strike_units,
        strike_units + call_units - put_units AS forward_units,
        ABS(call_units - put_units) AS distance_units,
        ROW_NUMBER() OVER (
            PARTITION BY source, underlying, expiration, end_clock, strike_units ORDER BY clock DESC) AS age
    FROM strikes
    WHERE call_units IS NOT NULL AND put_units IS NOT NULL
),
nearest AS (
    SELECT p.source, p.underlying, p.expiration, p.end_clock, p.strike_units,
        CAST(ROUND(p.forward_units * COALESCE(ratio(c.spot_units, s.units), 1e0)) AS BIGINT) AS forward_units,
        ROW_NUMBER() OVER (
            PARTITION BY p.source, p.underlying, p.expiration, p.end_clock ORDER BY p.distance_units, p.strike_units
        ) AS place
    FROM pairs AS p
    JOIN chains AS c ON c.source = p.source AND c.underlying = p.underlying AND c.expiration = p.expiration
        AND c.end_clock = p.end_clock
    LEFT JOIN spots AS s ON s.source = p.source AND s.underlying = p.underlying AND s.clock = p.clock
    WHERE p.age = 1
),
ranked AS (
    SELECT source, underlying, expiration, end_clock, forward_units,
        ROW_NUMBER() OVER (
            PARTITION BY source, underlying, expiration, end_clock ORDER BY forward_units, strike_units) AS place,
        COUNT(*) OVER (PARTITION BY source, underlying, expiration, end_clock) AS strikes
    FROM nearest
    WHERE place <= 5
),
medians AS (
    SELECT source, underlying, expiration, end_clock, MAX(strikes) AS strikes,
        CAST(ROUND(ratio(SUM(forward_units), COUNT(*))) AS BIGINT) AS forward_units
    FROM ranked
    WHERE 2 * place BETWEEN strikes AND strikes + 2
    GROUP BY source, underlying, expiration, end_clock
),
latest AS (
    SELECT *,
        ROW_NUMBER() OVER (
            PARTITION BY source, underlying, expiration, end_clock, strike_units, option_type
            ORDER BY clock DESC, symbol) AS age
    FROM quoted
),
priced AS (
    SELECT l.source, l.underlying, l.expiration, l.end_clock, l.strike_price, l.option_type, l.fault,
        l.option_type = 'C' AS is_call,
        off_grid(l.mid_units) AS mid_price,
        off_grid(m.forward_units) * COALESCE(ratio(s.units, c.spot_units), 1e0) AS forward,
        expiry_minute(l.symbol, l.expiration) AS expiry_minute,
        years_of(expiry_minute(l.symbol, l.expiration) - l.minute - 1) AS years,
        ROW_NUMBER() OVER (
            PARTITION BY l.source, l.underlying, l.expiration, l.end_clock ORDER BY l.strike_units, l.option_type
        ) AS place
    FROM latest AS l
    JOIN chains AS c ON c.source = l.source AND c.underlying = l.underlying AND c.expiration = l.expiration
        AND c.end_clock = l.end_clock
    LEFT JOIN medians AS m ON m.source = l.source AND m.underlying = l.underlying AND m.expiration = l.expiration
        AND m.end_clock = l.end_clock AND m.forward_units > 0
    LEFT JOIN spots AS s ON s.source = l.source AND s.underlying = l.underlying AND s.clock = l.clock
    WHERE l.age = 1
),
sided AS (
    SELECT *,
        CASE WHEN fault IS NOT NULL THEN fault WHEN forward IS NULL THEN 'NO_FORWARD'
             WHEN is_call AND strike_price < forward THEN 'IN_THE_MONEY'
             WHEN NOT is_call AND strike_price >= forward THEN 'IN_THE_MONEY' END AS doubt
    FROM priced
),
judged AS (
    SELECT *,
        CASE WHEN doubt IS NULL THEN black_volatility(mid_price, forward, strike_price, years, is_call) END AS volatility,
        CASE WHEN doubt IS NOT NULL THEN doubt
             ELSE black_refusal(mid_price, forward, strike_price, years, is_call) END AS reason
    FROM sided
),
measured AS (
    SELECT *,
        CASE WHEN volatility IS NOT NULL THEN log_ratio(strike_price, forward) END AS log_moneyness,
        ABS(black_delta(forward, strike_price, years, volatility, is_call)) AS steepness
    FROM judged
),
placed AS (
    SELECT *,
        CASE WHEN is_call THEN place END AS call_place,
        CASE WHEN is_call THEN NULL ELSE place END AS put_place,
        CASE WHEN steepness >= 25e-2 THEN CAST(ROUND(steepness * 1e9) AS BIGINT) * 10000 + place END AS inner_place,
        CASE WHEN steepness < 25e-2 THEN CAST(ROUND(steepness * 1e9) AS BIGINT) * 10000 + place END AS outer_place
    FROM measured
),
smiles AS (
    SELECT source, underlying, expiration, end_clock,
        MAX(expiry_minute) AS expiry_minute,
        COUNT(*) AS quotes,
        COUNT(volatility) AS quotes_used,
        count_of(reason, 'ONE_SIDED') AS one_sided_quotes,
        count_of(reason, 'CROSSED') AS crossed_quotes,
        count_of(reason, 'OUTLIER') AS outlier_quotes,
        count_of(reason, 'NO_FORWARD') AS unpaired_quotes,
        count_of(reason, 'IN_THE_MONEY') AS in_the_money_quotes,
        count_of(reason, 'EXPIRES_WITHIN_A_DAY') AS expiring_quotes,
        count_of(reason, 'NO_VEGA') AS no_vega_quotes,
        last_by(volatility, put_place) AS below_volatility,
        last_by(log_moneyness, put_place) AS below_moneyness,
        first_by(volatility, call_place) AS above_volatility,
        first_by(log_moneyness, call_place) AS above_moneyness,
        first_by(CASE WHEN is_call THEN volatility END, inner_place) AS call_inner,
        first_by(CASE WHEN is_call THEN steepness END, inner_place) AS call_inner_delta,
        last_by(CASE WHEN is_call THEN volatility END, outer_place) AS call_outer,
        last_by(CASE WHEN is_call THEN steepness END, outer_place) AS call_outer_delta,
        first_by(CASE WHEN NOT is_call THEN volatility END, inner_place) AS put_inner,
        first_by(CASE WHEN NOT is_call THEN steepness END, inner_place) AS put_inner_delta,
        last_by(CASE WHEN NOT is_call THEN volatility END, outer_place) AS put_outer,
        last_by(CASE WHEN NOT is_call THEN steepness END, outer_place) AS put_outer_delta
    FROM placed
    GROUP BY source, underlying, expiration, end_clock
),
levels AS (
    SELECT *,
        interpolated(0e0, below_moneyness, below_volatility, above_moneyness, above_volatility)
            AS at_the_money_volatility,
        interpolated(25e-2, put_inner_delta, put_inner, put_outer_delta, put_outer) AS put_25_delta_volatility,
        interpolated(25e-2, call_inner_delta, call_inner, call_outer_delta, call_outer) AS call_25_delta_volatility
    FROM smiles
)
SELECT c.source, c.trading_date, c.underlying, c.expiration, c.currency,
    minute_time(c.end_minute) AS chain_time,
    known_after(CASE WHEN c.spot_known_from > c.quotes_known_from THEN c.spot_known_from ELSE c.quotes_known_from END,
                c.end_minute - 1) AS available_at,
    CAST(l.expiry_minute - c.end_minute AS DOUBLE) AS minutes_to_expiry,
    off_grid(c.spot_units) AS underlying_price,
    off_grid(m.forward_units) AS forward_price,
    COALESCE(m.strikes, 0) AS forward_strikes,
    l.at_the_money_volatility, l.put_25_delta_volatility, l.call_25_delta_volatility,
    rounded(l.put_25_delta_volatility - l.call_25_delta_volatility) AS skew_25_delta,
    l.quotes, l.quotes_used, l.one_sided_quotes, l.crossed_quotes, l.outlier_quotes, l.unpaired_quotes,
    l.in_the_money_quotes, l.expiring_quotes, l.no_vega_quotes,
    l.quotes - l.quotes_used - l.one_sided_quotes - l.crossed_quotes - l.outlier_quotes - l.unpaired_quotes
        - l.in_the_money_quotes - l.expiring_quotes - l.no_vega_quotes AS no_root_quotes
FROM chains AS c
JOIN levels AS l ON l.source = c.source AND l.underlying = c.underlying AND l.expiration = c.expiration
    AND l.end_clock = c.end_clock
LEFT JOIN medians AS m ON m.source = c.source AND m.underlying = c.underlying AND m.expiration = c.expiration
    AND m.end_clock = c.end_clock AND m.forward_units > 0
