-- Grain: one underlying of one source, one expiration and trading date.
-- Caveat: contracts whose underlying, expiration or type no feed told are left out.
WITH sides AS (
    SELECT source, trading_date, underlying, expiration,
        SUM(CASE WHEN option_type = 'P' THEN on_grid(volume) ELSE 0 END) AS put_units,
        SUM(CASE WHEN option_type = 'C' THEN on_grid(volume) ELSE 0 END) AS call_units,
        SUM(CASE WHEN option_type = 'P' THEN on_grid(open_interest) END) AS put_open_units,
        SUM(CASE WHEN option_type = 'C' THEN on_grid(open_interest) END) AS call_open_units,
        SUM(CASE WHEN option_type = 'P' THEN quote_updates ELSE 0 END) AS put_quote_updates,
        SUM(CASE WHEN option_type = 'C' THEN quote_updates ELSE 0 END) AS call_quote_updates
    FROM gold_option_daily_summary
    WHERE underlying IS NOT NULL AND expiration IS NOT NULL AND option_type IN ('C', 'P')
    GROUP BY source, trading_date, underlying, expiration
)
SELECT source, trading_date, underlying, expiration,
    off_grid(put_units) AS put_volume,
    off_grid(call_units) AS call_volume,
    ratio(put_units, call_units) AS put_call_volume_ratio,
    off_grid(put_open_units) AS put_open_interest,
    off_grid(call_open_units) AS call_open_interest,
    ratio(put_open_units, call_open_units) AS put_call_open_interest_ratio,
    put_quote_updates, call_quote_updates,
    ratio(put_quote_updates, call_quote_updates) AS put_call_quote_ratio
FROM sides
