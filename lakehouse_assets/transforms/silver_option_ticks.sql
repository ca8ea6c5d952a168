-- Grain: one option tick that no hard rule refuses (reason codes: contracts/silver.py; the rules: macros.sql).
-- Caveats: a print that is cancelled later is gone from the start, which a live reader could not have known (0.02 %
-- of rows); the usual spread and mid are means of the contract's last ticks, so after a burst of errors a few go unseen.
WITH repeats AS (
    SELECT * FROM repeated_keys(bronze_option_ticks)
),
judged AS (
    SELECT * FROM judged_option_ticks(bronze_option_ticks, repeats, $validation_rules)
),
trusted AS (
    SELECT * FROM judged_option_ticks(bronze_option_ticks, repeats, $validation_rules)
),
doubts AS (
    SELECT * FROM doubted_ticks(trusted, $mid_outlier_window, $mid_outlier_deviations, $mid_outlier_share,
                                $wide_spread_multiple)
)
SELECT
    source, source_file, source_seq, ingest_id, ingested_at, event_type,
    symbol, raw_symbol, underlying, expiration, strike_price, option_type, contract_multiplier, currency, venue,
    timestamp, ts_recv, trading_date, sequence, ts_event_ns,
    last_price, last_size, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00,
    open_interest, volume, mark_price, mark_iv, underlying_price, condition, flags,
    mid_price, available_at, prevailing_mid, soft_codes
FROM flagged_ticks(judged, doubts, $max_relative_spread, $late_arrival_ms, $clock_skew_ms) AS flagged
