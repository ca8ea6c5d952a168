-- Grain: one contract of one source and trading date. `average_price` is the AVG(last_price) that people ask for.
-- Caveats: it is a mean over rows, not weighted by volume; prints that do not mark the price are in it and in the
-- volume, but not in open, high, low and close. Rows without symbol are left out.
WITH ticks AS (
    SELECT source, trading_date, symbol, underlying, expiration, strike_price, option_type, contract_multiplier,
        currency, last_price, last_size, open_interest,
        timestamp, COALESCE(sequence, source_seq) AS place, source_file, source_seq,
        is_print(event_type) AS is_print,
        is_quote(event_type) AS is_quote,
        CASE WHEN is_print(event_type) AND NOT names_code(soft_codes, '%BAD_CONDITION%')
             THEN last_price END AS marking_price
    FROM silver_option_ticks
    WHERE symbol IS NOT NULL
),
marks AS (
    SELECT source, symbol, marking_price, open_interest,
        ROW_NUMBER() OVER (PARTITION BY source, symbol ORDER BY timestamp, place, source_file, source_seq) AS tick_number
    FROM ticks
    WHERE marking_price IS NOT NULL OR open_interest IS NOT NULL
),
marked AS (
    SELECT source, symbol,
        first_by(marking_price, tick_number) AS open_price,
        MAX(marking_price) AS high_price,
        MIN(marking_price) AS low_price,
        last_by(marking_price, tick_number) AS close_price,
        last_by(open_interest, tick_number) AS open_interest
    FROM marks
    GROUP BY source, symbol
),
totals AS (
    SELECT source, trading_date, symbol,
        MAX(underlying) AS underlying,
        MAX(expiration) AS expiration,
        MAX(strike_price) AS strike_price,
        MAX(option_type) AS option_type,
        MAX(contract_multiplier) AS contract_multiplier,
        MAX(currency) AS currency,
        SUM(on_grid(last_price)) AS price_units,
        COUNT(last_price) AS price_count,
        COUNT(*) AS tick_count,
        SUM(CASE WHEN is_print THEN 1 ELSE 0 END) AS trade_count,
        SUM(CASE WHEN is_quote THEN 1 ELSE 0 END) AS quote_updates,
        SUM(CASE WHEN is_print THEN on_grid(last_size) END) AS volume_units,
        MIN(timestamp) AS first_tick_at,
        MAX(timestamp) AS last_tick_at
    FROM ticks
    GROUP BY source, trading_date, symbol
)
SELECT t.source, t.trading_date, t.symbol, t.underlying, t.expiration, t.strike_price, t.option_type,
    t.contract_multiplier, t.currency,
    ratio(t.price_units, t.price_count) / 1e6 AS average_price,
    t.tick_count, t.trade_count, t.quote_updates,
    COALESCE(off_grid(t.volume_units), 0e0) AS volume,
    m.open_price, m.high_price, m.low_price, m.close_price, m.open_interest,
    t.first_tick_at, t.last_tick_at
FROM totals AS t
LEFT JOIN marked AS m ON m.source = t.source AND m.symbol = t.symbol
