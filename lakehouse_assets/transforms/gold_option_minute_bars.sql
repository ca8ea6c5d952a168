-- Grain: one contract of one source and one minute of event time in which a tick happened.
-- Caveats: a delivered minute bar carries its close and volume only, so open, high and low are its close; a feed is
-- expected to deliver prints or trade bars, not both. Prints that do not mark the price (BAD_CONDITION) count as
-- volume but not as a price; quotes flagged MID_OUTLIER do not give the mid. Rows without symbol are left out.
-- A tick that arrives late revises its bar and may revise later ones: flows and signs look at the tick before, outliers at
-- the mids before. So a bar is known when every tick of its contract up to the minute's end has arrived; an hour's delay
-- of one tick makes the bars of that hour known an hour late, never too early.
WITH ticks AS (
    SELECT source, trading_date, symbol, underlying, expiration, strike_price, option_type, contract_multiplier,
        currency, available_at, underlying_price, last_price, last_size,
        bid_px_00, bid_sz_00, ask_px_00, ask_sz_00,
        timestamp, COALESCE(sequence, source_seq) AS place, source_file, source_seq,
        minute_number(timestamp) AS minute,
        CASE WHEN event_type = 'trade' THEN prevailing_mid END AS prevailing_mid,
        is_print(event_type) AS is_print,
        is_quote(event_type) AS is_quote,
        CASE WHEN is_print(event_type) AND NOT names_code(soft_codes, '%BAD_CONDITION%')
             THEN last_price END AS marking_price,
        CASE WHEN is_quote(event_type) AND NOT names_code(soft_codes, '%MID_OUTLIER%')
             THEN mid_price END AS marking_mid,
        CASE WHEN is_quote(event_type) AND mid_price IS NOT NULL
             THEN on_grid(ask_px_00 - bid_px_00) END AS spread_units
    FROM silver_option_ticks
    WHERE symbol IS NOT NULL
),
ordered AS (
    SELECT *,
        ROW_NUMBER() OVER in_time AS tick_number,
        LAG(last_price) OVER in_time AS last_price_before,
        LAG(bid_px_00) OVER in_time AS bid_px_before,
        LAG(bid_sz_00) OVER in_time AS bid_sz_before,
        LAG(ask_px_00) OVER in_time AS ask_px_before,
        LAG(ask_sz_00) OVER in_time AS ask_sz_before
    FROM ticks
    WINDOW in_time AS (
        PARTITION BY source, symbol, is_print, is_quote ORDER BY timestamp, place, source_file, source_seq)
),
flows AS (
    SELECT *,
        CASE WHEN is_quote THEN tick_number END AS quote_number,
        CASE WHEN is_print THEN tick_number END AS print_number,
        CASE WHEN is_quote THEN on_grid(
            queue_change(bid_px_00, bid_sz_00, bid_px_before, bid_sz_before)
            - queue_change(0 - ask_px_00, ask_sz_00, 0 - ask_px_before, ask_sz_before)) END AS flow_units,
        CASE WHEN is_print THEN
            trade_sign(last_price, prevailing_mid, last_price_before) * on_grid(last_size) END AS signed_units
    FROM ordered
),
minutes AS (
    SELECT source, trading_date, symbol, minute,
        MAX(underlying) AS underlying,
        MAX(expiration) AS expiration,
        MAX(strike_price) AS strike_price,
        MAX(option_type) AS option_type,
        MAX(contract_multiplier) AS contract_multiplier,
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
        COUNT(spread_units) AS spread_count,
        SUM(flow_units) AS flow_units,
        SUM(signed_units) AS signed_units,
        COALESCE(last_by(underlying_price, quote_number), last_by(underlying_price, print_number)) AS underlying_price
    FROM flows
    GROUP BY source, trading_date, symbol, minute
),
settled AS (
    SELECT *,
        MAX(last_arrival) OVER (
            PARTITION BY source, symbol ORDER BY minute RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS arrived_by
    FROM minutes
)
SELECT source, trading_date, symbol, underlying, expiration, strike_price, option_type, contract_multiplier, currency,
    minute_time(minute) AS bar_start,
    known_after(arrived_by, minute) AS available_at,
    open_price, high_price, low_price, close_price,
    COALESCE(off_grid(volume_units), 0e0) AS volume,
    trade_count,
    ratio(value_units, volume_units) AS vwap_price,
    quote_updates, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00, mid_price,
    ratio(spread_units, spread_count) / 1e6 AS average_spread,
    off_grid(flow_units) AS order_flow_imbalance,
    COALESCE(off_grid(signed_units), 0e0) AS signed_volume,
    underlying_price
FROM settled
