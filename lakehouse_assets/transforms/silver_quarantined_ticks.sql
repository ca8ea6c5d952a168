-- Grain: one bronze row, of an option or an underlying, that a hard rule refuses; it keeps every column.
-- Together with silver every bronze row is in exactly one table: all three read the same judgement (macros.sql).
-- Caveat: soft codes are not looked for here.
WITH option_repeats AS (
    SELECT * FROM repeated_keys(bronze_option_ticks)
),
underlying_repeats AS (
    SELECT * FROM repeated_keys(bronze_underlying_ticks)
),
judged_options AS (
    SELECT * FROM judged_option_ticks(bronze_option_ticks, option_repeats, $validation_rules)
),
judged_underlyings AS (
    SELECT * FROM judged_underlying_ticks(bronze_underlying_ticks, underlying_repeats, $validation_rules)
)
SELECT
    'option' AS instrument_type,
    source, source_file, source_seq, ingest_id, ingested_at, event_type,
    symbol, raw_symbol, underlying, expiration, strike_price, option_type, contract_multiplier, currency, venue,
    timestamp, ts_recv, trading_date, sequence, ts_event_ns,
    last_price, last_size, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00,
    open_interest, volume, mark_price, mark_iv, underlying_price, condition, flags,
    reason_codes, 1 AS rule_version
FROM judged_options
WHERE reason_codes IS NOT NULL
UNION ALL
SELECT
    'underlying' AS instrument_type,
    source, source_file, source_seq, ingest_id, ingested_at, event_type,
    symbol, raw_symbol, CAST(NULL AS VARCHAR) AS underlying, CAST(NULL AS DATE) AS expiration,
    CAST(NULL AS DOUBLE) AS strike_price, CAST(NULL AS VARCHAR) AS option_type,
    CAST(NULL AS DOUBLE) AS contract_multiplier, currency, venue,
    timestamp, ts_recv, trading_date, sequence, ts_event_ns,
    last_price, last_size, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00,
    CAST(NULL AS DOUBLE) AS open_interest, volume, CAST(NULL AS DOUBLE) AS mark_price,
    CAST(NULL AS DOUBLE) AS mark_iv, CAST(NULL AS DOUBLE) AS underlying_price, condition, flags,
    reason_codes, 1 AS rule_version
FROM judged_underlyings
WHERE reason_codes IS NOT NULL
