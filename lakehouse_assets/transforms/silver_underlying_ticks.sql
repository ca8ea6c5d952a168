-- Grain: one tick of an underlying that no hard rule refuses (reason codes: contracts/silver.py; rules: macros.sql).
-- Caveat: cancels are not known here: condition codes of equity tapes mean other things than OPRA's.
WITH repeats AS (
    SELECT * FROM repeated_keys(bronze_underlying_ticks)
),
judged AS (
    SELECT * FROM judged_underlying_ticks(bronze_underlying_ticks, repeats, $validation_rules)
),
trusted AS (
    SELECT * FROM judged_underlying_ticks(bronze_underlying_ticks, repeats, $validation_rules)
),
doubts AS (
    SELECT * FROM doubted_ticks(trusted, $mid_outlier_window, $mid_outlier_deviations, $mid_outlier_share,
                                $wide_spread_multiple)
)
SELECT
    source, source_file, source_seq, ingest_id, ingested_at, event_type,
    symbol, raw_symbol, currency, venue,
    timestamp, ts_recv, trading_date, sequence, ts_event_ns,
    last_price, last_size, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00,
    volume, condition, flags,
    mid_price, available_at, prevailing_mid, soft_codes
FROM flagged_ticks(judged, doubts, $max_relative_spread, $late_arrival_ms, $clock_skew_ms) AS flagged
