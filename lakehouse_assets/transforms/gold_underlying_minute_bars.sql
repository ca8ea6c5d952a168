-- Grain: one underlying of one source and one minute of event time in which a tick happened.
-- Caveats: as in gold_option_minute_bars: a delivered bar's open, high and low are its close. A late tick revises its bar,
-- and which later mids are outliers: so a bar is known when every tick up to the minute's end has arrived.
WITH ticks AS (
    SELECT source, trading_date, symbol, currency, available_at, last_price, last_size,
        bid_px_00, bid_sz_00, ask_px_00, ask_sz_00,
        timestamp, COALESCE(sequence, source_seq) AS place, source_file, source_seq,
        minute_number(timestamp) AS minute,
        is_print(event_type) AS is_print,
        is_quote(event_type) AS is_quote,
        CASE WHEN is_print(event_type) AND NOT names_code(soft_codes, '%BAD_CONDITION%')
             THEN last_price END AS marking_price,
        CASE WHEN is_quote(event_type) AND NOT names_code(soft_codes, '%MID_OUTLIER%')
             THEN mid_price END AS marking_mid,
        CASE WHEN is_quote(event_type) AND mid_price IS NOT NULL
             THEN on_grid(ask_px_00 - bid_px_00) END AS spread_units
    FROM silver_underlying_ticks
    WHERE symbol IS NOT NULL
),
ordered AS (
    SELECT *,
        ROW_NUMBER() OVER (PARTITION BY source, symbol ORDER BY timestamp, place, source_file, source_seq) AS tick_number
    FROM ticks
),
numbered AS (
    SELECT *, CASE WHEN is_quote THEN tick_number END AS quote_number
    FROM ordered
),
minutes AS (
    SELECT source, trading_date, symbol, minute,
        MAX(currency) AS currency,
        MAX(available_at) AS last_arrival,
        first_by(marking_price, tick_number) AS open_price,
        MAX(marking_price) AS high_price,
        MIN(marking_price) AS low_price,
        last_by(marking_price, tick_number) AS close_price,
        SUM(CASE WHEN is_print THEN on_grid(last_size) END) AS volume_units,
        SUM(CASE WHEN is_print THEN 1 ELSE 0 END) AS trade_count,
        SUM(CASE WHEN is_print THEN on_grid(last_price * last_size) END) AS value_units,
        SUM(CASE WHEN is_quote THEN 1 ELSE 0 END) AS quote_updates,
        last_or_null(bid_px_00, quote_number) AS bid_px_00,
        last_or_null(bid_sz_00, quote_number) AS bid_sz_00,
        last_or_null(ask_px_00, quote_number) AS ask_px_00,
        last_or_null(ask_sz_00, quote_number) AS ask_sz_00,
        last_by(marking_mid, tick_number) AS mid_price,
        SUM(spread_units) AS spread_units,
        COUNT(spread_units) AS spread_count
    FROM numbered
    GROUP BY source, trading_date, symbol, minute
),
settled AS (
    SELECT *,
        MAX(last_arrival) OVER (
            PARTITION BY source, symbol ORDER BY minute RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS arrived_by
    FROM minutes
)
SELECT source, trading_date, symbol, currency,
    minute_time(minute) AS bar_start,
    known_after(arrived_by, minute) AS available_at,
    open_price, high_price, low_price, close_price,
    COALESCE(off_grid(volume_units), 0e0) AS volume,
    trade_count,
    ratio(value_units, volume_units) AS vwap_price,
    quote_updates, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00, mid_price,
    ratio(spread_units, spread_count) / 1e6 AS average_spread
FROM settled
