-- Grain: one row of the features, with where its mid goes between t0 (features known) and t1 (horizon later).
-- Caveats: a pause of all contracts of a source for more than an hour ends a session, and no label reaches past a
-- session's last minute; a mid that did not move, or was not quoted again, has no direction; mids above 1.09 million
-- in currency have none either. Only `last_direction` may be used at t0: it is the persistence baseline.
WITH quoted AS (
    SELECT source, trading_date, symbol, underlying, feature_time, available_at,
        minute_of_date(minute_number(feature_time), trading_date) AS clock,
        on_grid(mid_price) AS units,
        EPOCH_US(available_at) AS from_us,
        EPOCH_US(available_at) + CAST($horizon_minutes AS BIGINT) * 60000000 AS until_us
    FROM feature_option_minutes
),
active AS (
    SELECT source, clock, MAX(EPOCH_US(feature_time)) AS end_us
    FROM quoted
    GROUP BY source, clock
),
paused AS (
    SELECT source, clock, end_us, clock - LAG(clock) OVER (PARTITION BY source ORDER BY clock) AS pause
    FROM active
),
numbered AS (
    SELECT source, clock, end_us,
        SUM(CASE WHEN pause > 60 THEN 1 ELSE 0 END) OVER (
            PARTITION BY source ORDER BY clock ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session
    FROM paused
),
closed AS (
    SELECT source, clock, MAX(end_us) OVER (PARTITION BY source, session) AS close_us
    FROM numbered
),
moves AS (
    SELECT source, symbol, clock, units, from_us, until_us,
        LAG(units) OVER (PARTITION BY source, symbol ORDER BY clock) AS units_before
    FROM quoted
),
moments AS (
    SELECT source, symbol, clock, from_us AS at_us, FALSE AS is_question,
        packed(clock, units) AS mid_pack,
        packed(clock, CASE WHEN units > units_before THEN 1 WHEN units < units_before THEN 0 END) AS move_pack
    FROM moves
    UNION ALL
    SELECT source, symbol, clock, until_us AS at_us, TRUE AS is_question,
        CAST(NULL AS BIGINT) AS mid_pack, CAST(NULL AS BIGINT) AS move_pack
    FROM moves
),
carried AS (
    SELECT source, symbol, clock, is_question,
        MAX(mid_pack) OVER so_far AS mid_pack,
        MAX(move_pack) OVER so_far AS move_pack
    FROM moments
    WINDOW so_far AS (
        PARTITION BY source, symbol ORDER BY at_us RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
answered AS (
    SELECT source, symbol, clock,
        MAX(CASE WHEN is_question THEN packed_units(mid_pack) END) AS units_then,
        MAX(CASE WHEN NOT is_question THEN packed_units(move_pack) END) AS rose_before
    FROM carried
    GROUP BY source, symbol, clock
),
labelled AS (
    SELECT q.source, q.trading_date, q.symbol, q.underlying, q.feature_time, q.available_at, q.until_us, q.units,
        a.rose_before,
        CASE WHEN q.until_us <= c.close_us THEN a.units_then END AS units_then
    FROM quoted AS q
    JOIN closed AS c ON c.source = q.source AND c.clock = q.clock
    JOIN answered AS a ON a.source = q.source AND a.symbol = q.symbol AND a.clock = q.clock
)
SELECT source, trading_date, symbol, underlying, feature_time,
    available_at AS t0,
    MAKE_TIMESTAMPTZ(until_us) AS t1,
    off_grid(units) AS mid_t0,
    off_grid(units_then) AS mid_t1,
    CASE WHEN units_then > units THEN 1 WHEN units_then < units THEN 0 END AS is_up,
    CASE rose_before WHEN 1 THEN 1 WHEN 0 THEN -1 END AS last_direction
FROM labelled
