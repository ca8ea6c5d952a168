-- Named expressions and relations that several transforms need.
-- Numbers: sums are of whole numbers on a grid (fixed point), so that every engine adds up to the same bits.
-- Relations: what a table macro reads is the canonical tick of bronze, or what the macro above it makes of it.

-- ---------------------------------------------------------------- numbers

-- A price, a size or a value on the grid of 1e-6; beyond 9.2e12 it is null.
CREATE OR REPLACE MACRO on_grid(x) AS
    CASE WHEN x > -9.2e12 AND x < 9.2e12 THEN CAST(ROUND(x * 1e6) AS BIGINT) END;

CREATE OR REPLACE MACRO off_grid(units) AS CAST(units AS DOUBLE) / 1e6;

CREATE OR REPLACE MACRO ratio(a, b) AS CAST(a AS DOUBLE) / NULLIF(CAST(b AS DOUBLE), 0);

-- ln(a / b) on the grid of 1e-12; null unless both are positive.
CREATE OR REPLACE MACRO log_ratio(a, b) AS
    CASE WHEN a > 0 AND b > 0 AND a / NULLIF(b, 0) > 0 AND a / NULLIF(b, 0) < 1e300
         THEN CAST(ROUND(LN(a / NULLIF(b, 0)) * 1e12) AS BIGINT) / 1e12 END;

-- On the grid of 1e-9: volatilities and what is made of them.
CREATE OR REPLACE MACRO rounded(x) AS
    CASE WHEN x > -9.2e9 AND x < 9.2e9 THEN CAST(ROUND(x * 1e9) AS BIGINT) / 1e9 END;

-- The value at x on the straight line through (x0, y0) and (x1, y1), on the grid of 1e-9.
CREATE OR REPLACE MACRO interpolated(x, x0, y0, x1, y1) AS rounded(y0 + (y1 - y0) * ratio(x - x0, x1 - x0));

-- Equal, two nulls being equal.
CREATE OR REPLACE MACRO same(a, b) AS COALESCE(a = b, a IS NULL AND b IS NULL);

-- ---------------------------------------------------------------- time

-- Minutes since 1970 of an instant's minute.
CREATE OR REPLACE MACRO minute_number(instant) AS CAST(FLOOR(EPOCH_US(instant) / 60000000) AS BIGINT);

CREATE OR REPLACE MACRO minute_time(number) AS MAKE_TIMESTAMPTZ(number * 60000000);

CREATE OR REPLACE MACRO day_number(day) AS DATE_DIFF('day', DATE '1970-01-01', day);

-- Minutes since ten days before the trading date: small, and above zero for a night session after a holiday.
CREATE OR REPLACE MACRO minute_of_date(minute, day) AS minute - day_number(day) * 1440 + 14400;

-- Options listed before 2015-02 expire on a Saturday and trade until the Friday; day 2 after 1970-01-01 was one.
CREATE OR REPLACE MACRO last_trading_day_number(expiration) AS
    day_number(expiration) - CASE WHEN MOD(day_number(expiration), 7) = 2 THEN 1 ELSE 0 END;

-- By the calendar, as volatilities count: 365 days.
CREATE OR REPLACE MACRO years_of(minutes) AS minutes / 525600e0;

-- Hours that New York is behind UTC: 4 from the second Sunday of March to before the first of November, else 5.
CREATE OR REPLACE MACRO new_york_hours(day) AS
    CASE
        WHEN EXTRACT(MONTH FROM day) BETWEEN 4 AND 10 THEN 4
        WHEN EXTRACT(MONTH FROM day) = 3
             AND EXTRACT(DAY FROM day) - MOD(day_number(day) + 4, 7) >= 8 THEN 4
        WHEN EXTRACT(MONTH FROM day) = 11
             AND EXTRACT(DAY FROM day) - MOD(day_number(day) + 4, 7) < 1 THEN 4
        ELSE 5
    END;

-- Microseconds since local midnight, by the venue's hours from UTC.
CREATE OR REPLACE MACRO local_clock(instant, hours) AS MOD(EPOCH_US(instant) + hours * 3600000000, 86400000000);

-- The longest regular and night hours of each venue; the closing instant is inside. Null: the venue is not known here.
CREATE OR REPLACE MACRO in_session(venue, day, instant) AS
    CASE
        WHEN venue = 'KRX' THEN
            local_clock(instant, 9) BETWEEN 32400000000 AND 56700000000        -- 09:00-15:45
            OR local_clock(instant, 9) >= 64800000000                          -- 18:00-06:00
            OR local_clock(instant, 9) <= 21600000000
        WHEN venue IN ('OPRA', 'XNYS') THEN                               -- 09:30-16:15, index options' close
            local_clock(instant, 0 - new_york_hours(day)) BETWEEN 34200000000 AND 58500000000
    END;

-- ---------------------------------------------------------------- kinds of ticks

CREATE OR REPLACE MACRO is_print(event_type) AS event_type IN ('trade', 'trade_bar_1m');
CREATE OR REPLACE MACRO is_quote(event_type) AS event_type IN ('quote', 'quote_bar_1m', 'chain_snapshot');
CREATE OR REPLACE MACRO is_bar(event_type) AS event_type IN ('trade_bar_1m', 'quote_bar_1m');

-- OPRA: A, C, E, G cancel an earlier print.
CREATE OR REPLACE MACRO is_cancel(event_type, condition) AS
    event_type = 'trade' AND condition IN ('A', 'C', 'E', 'G');

-- Not before it happened, whatever the receiver's clock says; a bar 60 s after its start.
CREATE OR REPLACE MACRO known_at(event_type, instant, received) AS
    CASE
        WHEN is_bar(event_type) AND received > instant + INTERVAL 60 SECOND THEN received
        WHEN is_bar(event_type) THEN instant + INTERVAL 60 SECOND
        WHEN received > instant THEN received
        ELSE instant
    END;

CREATE OR REPLACE MACRO two_sided_mid(bid, ask) AS
    CASE WHEN bid > 0 AND ask >= bid THEN (bid + ask) / 2 END;

-- ---------------------------------------------------------------- symbols

CREATE OR REPLACE MACRO looks_osi(symbol) AS
    COALESCE(LENGTH(symbol) = 21
             AND REGEXP_MATCHES(symbol, '^[A-Z0-9][A-Z0-9. ]{5}[0-9]{6}[CP][0-9]{8}$'), FALSE);

-- Months and days that there are; that the day is the expiration is asked where the terms are compared.
CREATE OR REPLACE MACRO has_osi_day(symbol) AS
    COALESCE(REGEXP_MATCHES(SUBSTR(symbol, 7, 6), '^[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])$'), FALSE);

CREATE OR REPLACE MACRO looks_isin(symbol) AS
    COALESCE(REGEXP_MATCHES(symbol, '^[A-Z]{2}[A-Z0-9]{9}[0-9]$'), FALSE);

-- The minute since 1970 at which a contract's last trading day ends: 15:20 in Seoul for KRX's symbols, 16:00 in New
-- York for OSI's, else midnight UTC.
CREATE OR REPLACE MACRO expiry_minute(symbol, expiration) AS
    last_trading_day_number(expiration) * 1440
    + CASE WHEN looks_isin(symbol) AND COALESCE(symbol LIKE 'KR4%', FALSE) THEN 380
           WHEN looks_osi(symbol) THEN 960 + 60 * new_york_hours(expiration)
           ELSE 1440 END;

-- A character as ISO 6166 counts it: digits as they are, letters from A = 10.
CREATE OR REPLACE MACRO isin_digits(character) AS
    CASE character
        WHEN 'A' THEN '10' WHEN 'B' THEN '11' WHEN 'C' THEN '12' WHEN 'D' THEN '13' WHEN 'E' THEN '14'
        WHEN 'F' THEN '15' WHEN 'G' THEN '16' WHEN 'H' THEN '17' WHEN 'I' THEN '18' WHEN 'J' THEN '19'
        WHEN 'K' THEN '20' WHEN 'L' THEN '21' WHEN 'M' THEN '22' WHEN 'N' THEN '23' WHEN 'O' THEN '24'
        WHEN 'P' THEN '25' WHEN 'Q' THEN '26' WHEN 'R' THEN '27' WHEN 'S' THEN '28' WHEN 'T' THEN '29'
        WHEN 'U' THEN '30' WHEN 'V' THEN '31' WHEN 'W' THEN '32' WHEN 'X' THEN '33' WHEN 'Y' THEN '34'
        WHEN 'Z' THEN '35' ELSE character
    END;

CREATE OR REPLACE MACRO isin_number(symbol) AS
    CONCAT_WS('',
        isin_digits(SUBSTR(symbol, 1, 1)), isin_digits(SUBSTR(symbol, 2, 1)), isin_digits(SUBSTR(symbol, 3, 1)),
        isin_digits(SUBSTR(symbol, 4, 1)), isin_digits(SUBSTR(symbol, 5, 1)), isin_digits(SUBSTR(symbol, 6, 1)),
        isin_digits(SUBSTR(symbol, 7, 1)), isin_digits(SUBSTR(symbol, 8, 1)), isin_digits(SUBSTR(symbol, 9, 1)),
        isin_digits(SUBSTR(symbol, 10, 1)), isin_digits(SUBSTR(symbol, 11, 1)), isin_digits(SUBSTR(symbol, 12, 1)));

CREATE OR REPLACE MACRO plain_digit(character) AS
    CASE character WHEN '1' THEN 1 WHEN '2' THEN 2 WHEN '3' THEN 3 WHEN '4' THEN 4 WHEN '5' THEN 5
                   WHEN '6' THEN 6 WHEN '7' THEN 7 WHEN '8' THEN 8 WHEN '9' THEN 9 ELSE 0 END;

-- Doubled, with its own digits added up.
CREATE OR REPLACE MACRO doubled_digit(character) AS
    CASE character WHEN '1' THEN 2 WHEN '2' THEN 4 WHEN '3' THEN 6 WHEN '4' THEN 8 WHEN '5' THEN 1
                   WHEN '6' THEN 3 WHEN '7' THEN 5 WHEN '8' THEN 7 WHEN '9' THEN 9 ELSE 0 END;

CREATE OR REPLACE MACRO plain_digits(number, is_odd) AS
    CASE WHEN is_odd THEN
        plain_digit(SUBSTR(number, 1, 1)) + plain_digit(SUBSTR(number, 3, 1)) + plain_digit(SUBSTR(number, 5, 1))
        + plain_digit(SUBSTR(number, 7, 1)) + plain_digit(SUBSTR(number, 9, 1)) + plain_digit(SUBSTR(number, 11, 1))
        + plain_digit(SUBSTR(number, 13, 1)) + plain_digit(SUBSTR(number, 15, 1)) + plain_digit(SUBSTR(number, 17, 1))
        + plain_digit(SUBSTR(number, 19, 1)) + plain_digit(SUBSTR(number, 21, 1)) + plain_digit(SUBSTR(number, 23, 1))
    ELSE
        plain_digit(SUBSTR(number, 2, 1)) + plain_digit(SUBSTR(number, 4, 1)) + plain_digit(SUBSTR(number, 6, 1))
        + plain_digit(SUBSTR(number, 8, 1)) + plain_digit(SUBSTR(number, 10, 1)) + plain_digit(SUBSTR(number, 12, 1))
        + plain_digit(SUBSTR(number, 14, 1)) + plain_digit(SUBSTR(number, 16, 1)) + plain_digit(SUBSTR(number, 18, 1))
        + plain_digit(SUBSTR(number, 20, 1)) + plain_digit(SUBSTR(number, 22, 1))
    END;

CREATE OR REPLACE MACRO doubled_digits(number, is_odd) AS
    CASE WHEN is_odd THEN
        doubled_digit(SUBSTR(number, 1, 1)) + doubled_digit(SUBSTR(number, 3, 1)) + doubled_digit(SUBSTR(number, 5, 1))
        + doubled_digit(SUBSTR(number, 7, 1)) + doubled_digit(SUBSTR(number, 9, 1)) + doubled_digit(SUBSTR(number, 11, 1))
        + doubled_digit(SUBSTR(number, 13, 1)) + doubled_digit(SUBSTR(number, 15, 1)) + doubled_digit(SUBSTR(number, 17, 1))
        + doubled_digit(SUBSTR(number, 19, 1)) + doubled_digit(SUBSTR(number, 21, 1)) + doubled_digit(SUBSTR(number, 23, 1))
    ELSE
        doubled_digit(SUBSTR(number, 2, 1)) + doubled_digit(SUBSTR(number, 4, 1)) + doubled_digit(SUBSTR(number, 6, 1))
        + doubled_digit(SUBSTR(number, 8, 1)) + doubled_digit(SUBSTR(number, 10, 1)) + doubled_digit(SUBSTR(number, 12, 1))
        + doubled_digit(SUBSTR(number, 14, 1)) + doubled_digit(SUBSTR(number, 16, 1)) + doubled_digit(SUBSTR(number, 18, 1))
        + doubled_digit(SUBSTR(number, 20, 1)) + doubled_digit(SUBSTR(number, 22, 1))
    END;

-- Luhn over up to 23 digits: from the right, every second digit counts doubled.
CREATE OR REPLACE MACRO passes_luhn(number) AS
    MOD(plain_digits(number, MOD(LENGTH(number), 2) = 1) + doubled_digits(number, MOD(LENGTH(number), 2) = 0), 10) = 0;

-- Digits of a text as a number, null where it is anything else.
CREATE OR REPLACE MACRO whole_number(digits) AS
    CASE WHEN REGEXP_MATCHES(digits, '^-?[0-9]{1,18}$') THEN TRY_CAST(digits AS BIGINT) END;

-- ---------------------------------------------------------------- reason codes

-- `code` where the condition holds, else null; null first: a condition that is null does not hold.
CREATE OR REPLACE MACRO code_if(holds, code) AS CASE WHEN COALESCE(holds, FALSE) THEN code END;

-- An aggregate: rows of one code.
CREATE OR REPLACE MACRO count_of(found, code) AS COUNT(CASE WHEN found = code THEN 1 END);

-- Whether joined codes name the one that the pattern spells: '%MID_OUTLIER%'.
CREATE OR REPLACE MACRO names_code(codes, pattern) AS COALESCE(codes LIKE pattern, FALSE);

-- A code that the settings enforce quarantines the row; one that they waive flags it.
CREATE OR REPLACE MACRO enforced(code, rules, pattern) AS CASE WHEN rules LIKE pattern THEN code END;
CREATE OR REPLACE MACRO waived(code, rules, pattern) AS CASE WHEN rules LIKE pattern THEN NULL ELSE code END;

-- ---------------------------------------------------------------- judging bronze: which ticks a hard rule refuses

-- Rows whose (source, symbol, event_type, sequence) was delivered before. Few numbers repeat, so only these are ranked.
CREATE OR REPLACE MACRO repeated_keys(ticks) AS TABLE
WITH repeated_numbers AS (
    SELECT t.source, t.sequence
    FROM query_table(ticks) AS t
    WHERE t.sequence IS NOT NULL
    GROUP BY t.source, t.sequence
    HAVING COUNT(*) > 1
),
repeated_deliveries AS (
    SELECT t.source, t.source_file, t.source_seq,
        ROW_NUMBER() OVER (
            PARTITION BY t.source, t.symbol, t.event_type, t.sequence ORDER BY t.source_file, t.source_seq
        ) AS delivery
    FROM query_table(ticks) AS t
    JOIN repeated_numbers AS r ON r.source = t.source AND r.sequence = t.sequence
)
SELECT d.source, d.source_file, d.source_seq FROM repeated_deliveries AS d WHERE d.delivery > 1;

-- Option ticks with `reason_codes` (enforced) and `waived_codes`; `repeats` are the repeated_keys of the same ticks.
-- The root of an OSI symbol is not compared: weeklies and adjusted contracts differ from their underlying.
-- US options have OSI symbols and KRX's have ISINs; any other venue's own id is taken as it is, but what has the shape
-- of either must be one.
CREATE OR REPLACE MACRO judged_option_ticks(ticks, repeats, rules) AS TABLE
WITH listed_symbols AS (
    SELECT t.symbol, isin_number(t.symbol) AS number FROM query_table(ticks) AS t GROUP BY t.symbol
),
read_symbols AS (
    SELECT l.symbol,
        looks_osi(l.symbol) AND has_osi_day(l.symbol) AS is_osi,
        looks_isin(l.symbol) AND passes_luhn(l.number) AS is_isin,
        looks_osi(l.symbol) OR looks_isin(l.symbol) AS has_known_shape,
        CASE WHEN looks_osi(l.symbol) THEN SUBSTR(l.symbol, 13, 1)
             WHEN looks_isin(l.symbol) AND l.symbol LIKE 'KR42%' THEN 'C'
             WHEN looks_isin(l.symbol) AND l.symbol LIKE 'KR43%' THEN 'P' END AS symbol_type,
        CASE WHEN looks_osi(l.symbol) THEN whole_number(SUBSTR(l.symbol, 7, 6)) + 20000000 END AS symbol_day,
        CASE WHEN looks_osi(l.symbol) THEN whole_number(SUBSTR(l.symbol, 14, 8)) END AS symbol_strike
    FROM listed_symbols AS l
),
cancel_messages AS (
    SELECT t.source, t.symbol, t.timestamp, t.last_price, t.last_size,
        MAX(COALESCE(t.sequence, t.source_seq)) AS cancelled_before
    FROM query_table(ticks) AS t
    WHERE is_cancel(t.event_type, t.condition)
    GROUP BY t.source, t.symbol, t.timestamp, t.last_price, t.last_size
),
judged_rows AS (
    SELECT t.*,
        code_if(t.timestamp IS NULL, 'PARSE_ERROR') AS parse_error,
        code_if(
            t.event_type IS NULL OR NOT (is_print(t.event_type) OR is_quote(t.event_type)
                                         OR t.event_type = 'open_interest')
            OR t.option_type NOT IN ('C', 'P'), 'SCHEMA_DRIFT') AS schema_drift,
        code_if(
            t.symbol IS NULL OR t.symbol = ''
            OR (COALESCE(t.venue IN ('OPRA', 'XNYS'), FALSE) AND NOT s.is_osi)
            OR (COALESCE(t.venue = 'KRX', FALSE) AND NOT s.is_isin)
            OR (s.has_known_shape AND NOT s.is_osi AND NOT s.is_isin)
            OR t.option_type <> s.symbol_type
            OR EXTRACT(YEAR FROM t.expiration) * 10000 + EXTRACT(MONTH FROM t.expiration) * 100
               + EXTRACT(DAY FROM t.expiration) <> s.symbol_day
            OR on_grid(t.strike_price) <> s.symbol_strike * 1000, 'BAD_SYMBOL') AS bad_symbol,
        code_if(day_number(t.trading_date) > last_trading_day_number(t.expiration), 'EXPIRED') AS expired,
        code_if(r.source_seq IS NOT NULL, 'DUP_SOURCE_KEY') AS dup_source_key,
        code_if(t.last_price < 0 OR t.bid_px_00 < 0 OR t.ask_px_00 < 0, 'NEG_PRICE') AS neg_price,
        code_if(t.last_size < 0 OR t.bid_sz_00 < 0 OR t.ask_sz_00 < 0, 'NEG_SIZE') AS neg_size,
        code_if(t.bid_px_00 > t.ask_px_00, 'CROSSED') AS crossed,
        code_if(is_print(t.event_type) AND (t.last_price IS NULL OR t.last_price = 0 OR t.last_size = 0),
                'ZERO_TRADE') AS zero_trade,
        code_if(
            is_cancel(t.event_type, t.condition)
            OR (t.event_type = 'trade' AND COALESCE(t.sequence, t.source_seq) < c.cancelled_before),
            'CANCELLED') AS cancelled
    FROM query_table(ticks) AS t
    LEFT JOIN read_symbols AS s ON s.symbol = t.symbol
    LEFT JOIN query_table(repeats) AS r
        ON r.source = t.source AND r.source_file = t.source_file AND r.source_seq = t.source_seq
    LEFT JOIN cancel_messages AS c
        ON c.source = t.source AND c.symbol = t.symbol AND c.timestamp = t.timestamp
        AND c.last_price = t.last_price AND c.last_size = t.last_size
)
SELECT j.*,
    NULLIF(CONCAT_WS(',', j.parse_error, enforced(j.schema_drift, rules, '%SCHEMA_DRIFT%'), enforced(j.bad_symbol, rules, '%BAD_SYMBOL%'),
        enforced(j.expired, rules, '%EXPIRED%'), enforced(j.dup_source_key, rules, '%DUP_SOURCE_KEY%'), enforced(j.neg_price, rules, '%NEG_PRICE%'),
        enforced(j.neg_size, rules, '%NEG_SIZE%'), enforced(j.crossed, rules, '%CROSSED%'), enforced(j.zero_trade, rules, '%ZERO_TRADE%'),
        enforced(j.cancelled, rules, '%CANCELLED%')), '') AS reason_codes,
    NULLIF(CONCAT_WS(',', waived(j.schema_drift, rules, '%SCHEMA_DRIFT%'), waived(j.bad_symbol, rules, '%BAD_SYMBOL%'), waived(j.expired, rules, '%EXPIRED%'),
        waived(j.dup_source_key, rules, '%DUP_SOURCE_KEY%'), waived(j.neg_price, rules, '%NEG_PRICE%'), waived(j.neg_size, rules, '%NEG_SIZE%'),
        waived(j.crossed, rules, '%CROSSED%'), waived(j.zero_trade, rules, '%ZERO_TRADE%'), waived(j.cancelled, rules, '%CANCELLED%')), '') AS waived_codes
FROM judged_rows AS j;

-- Ticks of underlyings with the same two columns; a ticker is only asked for, and no cancel codes are known.
CREATE OR REPLACE MACRO judged_underlying_ticks(ticks, repeats, rules) AS TABLE
WITH judged_rows AS (
    SELECT t.*,
        code_if(t.timestamp IS NULL, 'PARSE_ERROR') AS parse_error,
        code_if(
            t.event_type IS NULL OR NOT (is_print(t.event_type) OR is_quote(t.event_type)
                                         OR t.event_type = 'open_interest'), 'SCHEMA_DRIFT') AS schema_drift,
        code_if(t.symbol IS NULL OR t.symbol = '', 'BAD_SYMBOL') AS bad_symbol,
        code_if(r.source_seq IS NOT NULL, 'DUP_SOURCE_KEY') AS dup_source_key,
        code_if(t.last_price < 0 OR t.bid_px_00 < 0 OR t.ask_px_00 < 0, 'NEG_PRICE') AS neg_price,
        code_if(t.last_size < 0 OR t.bid_sz_00 < 0 OR t.ask_sz_00 < 0, 'NEG_SIZE') AS neg_size,
        code_if(t.bid_px_00 > t.ask_px_00, 'CROSSED') AS crossed,
        code_if(is_print(t.event_type) AND (t.last_price IS NULL OR t.last_price = 0 OR t.last_size = 0),
                'ZERO_TRADE') AS zero_trade
    FROM query_table(ticks) AS t
    LEFT JOIN query_table(repeats) AS r
        ON r.source = t.source AND r.source_file = t.source_file AND r.source_seq = t.source_seq
)
SELECT j.*,
    NULLIF(CONCAT_WS(',', j.parse_error, enforced(j.schema_drift, rules, '%SCHEMA_DRIFT%'), enforced(j.bad_symbol, rules, '%BAD_SYMBOL%'),
        enforced(j.dup_source_key, rules, '%DUP_SOURCE_KEY%'), enforced(j.neg_price, rules, '%NEG_PRICE%'), enforced(j.neg_size, rules, '%NEG_SIZE%'),
        enforced(j.crossed, rules, '%CROSSED%'), enforced(j.zero_trade, rules, '%ZERO_TRADE%')), '') AS reason_codes,
    NULLIF(CONCAT_WS(',', waived(j.schema_drift, rules, '%SCHEMA_DRIFT%'), waived(j.bad_symbol, rules, '%BAD_SYMBOL%'),
        waived(j.dup_source_key, rules, '%DUP_SOURCE_KEY%'), waived(j.neg_price, rules, '%NEG_PRICE%'), waived(j.neg_size, rules, '%NEG_SIZE%'),
        waived(j.crossed, rules, '%CROSSED%'), waived(j.zero_trade, rules, '%ZERO_TRADE%')), '') AS waived_codes
FROM judged_rows AS j;

-- ---------------------------------------------------------------- flagging silver: what to doubt in a trusted tick

-- The latest of some values, by a running MAX: (number of the value, value on the grid) in one BIGINT.
-- Numbers stay below 2^23, values below 2^40 units (1.09 million in currency); what is above is null.
CREATE OR REPLACE MACRO packed(number, units) AS
    CASE WHEN units BETWEEN 0 AND 1099511627775 THEN number * 1099511627776 + units END;
CREATE OR REPLACE MACRO packed_units(pack) AS MOD(pack, 1099511627776);
CREATE OR REPLACE MACRO packed_number(pack) AS CAST(FLOOR(pack / 1099511627776) AS BIGINT);

-- What the ticks before a trusted tick say of it: `doubts`, its soft codes, and the prevailing mid; only rows that have
-- either. It reads few columns, since it sorts each instrument's ticks, and is joined back by file and row.
-- A mid is an outlier only beyond the usual spread and a share of the usual mid too: in a still market the mean
-- absolute deviation is nothing, and a fast one moves on without any error.
CREATE OR REPLACE MACRO doubted_ticks(judged, look_back, deviations, least_share, multiple) AS TABLE
WITH measured_ticks AS (
    SELECT j.source, j.symbol, j.timestamp, COALESCE(j.sequence, j.source_seq) AS place, j.source_file, j.source_seq,
        j.event_type, j.condition, j.last_price, j.last_size, j.bid_px_00, j.bid_sz_00, j.ask_px_00, j.ask_sz_00,
        on_grid(two_sided_mid(j.bid_px_00, j.ask_px_00)) AS mid_units,
        CASE WHEN two_sided_mid(j.bid_px_00, j.ask_px_00) IS NOT NULL
             THEN on_grid(j.ask_px_00 - j.bid_px_00) END AS spread_units
    FROM query_table(judged) AS j
    WHERE j.reason_codes IS NULL
),
compared_ticks AS (
    SELECT m.source, m.symbol, m.timestamp, m.place, m.source_file, m.source_seq,
        m.mid_units, m.spread_units, is_print(m.event_type) AS is_print,
        CASE WHEN is_print(m.event_type) THEN on_grid(m.last_price) END AS print_units,
        CASE WHEN is_quote(m.event_type) AND m.bid_px_00 > 0 THEN on_grid(m.bid_px_00) END AS bid_units,
        CASE WHEN is_quote(m.event_type) AND m.ask_px_00 > 0 THEN on_grid(m.ask_px_00) END AS ask_units,
        m.timestamp = LAG(m.timestamp) OVER in_time AS is_same_time,
        m.event_type = LAG(m.event_type) OVER in_time
            AND same(m.condition, LAG(m.condition) OVER in_time)
            AND same(m.last_price, LAG(m.last_price) OVER in_time)
            AND same(m.last_size, LAG(m.last_size) OVER in_time)
            AND same(m.bid_px_00, LAG(m.bid_px_00) OVER in_time)
            AND same(m.bid_sz_00, LAG(m.bid_sz_00) OVER in_time)
            AND same(m.ask_px_00, LAG(m.ask_px_00) OVER in_time)
            AND same(m.ask_sz_00, LAG(m.ask_sz_00) OVER in_time) AS is_same_content,
        COUNT(CASE WHEN is_quote(m.event_type) THEN 1 END) OVER so_far AS quotes_so_far,
        SUM(m.mid_units) OVER recent AS recent_mids,
        SUM(m.spread_units) OVER recent AS recent_spreads,
        COUNT(m.mid_units) OVER recent AS recent_count
    FROM measured_ticks AS m
    WINDOW in_time AS (PARTITION BY m.source, m.symbol ORDER BY m.timestamp, m.place, m.source_file, m.source_seq),
        so_far AS (PARTITION BY m.source, m.symbol ORDER BY m.timestamp, m.place, m.source_file, m.source_seq
                   ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        recent AS (PARTITION BY m.source, m.symbol ORDER BY m.timestamp, m.place, m.source_file, m.source_seq
                   ROWS BETWEEN look_back PRECEDING AND 1 PRECEDING)
),
deviating_ticks AS (
    SELECT c.source, c.symbol, c.timestamp, c.place, c.source_file, c.source_seq, c.is_print, c.print_units,
        c.quotes_so_far, c.bid_units, c.ask_units,
        COALESCE(c.is_same_time, FALSE) AS is_same_time,
        COALESCE(c.is_same_time AND c.is_same_content, FALSE) AS is_same_content,
        COALESCE(c.recent_count >= 10 AND c.spread_units > multiple * ratio(c.recent_spreads, c.recent_count), FALSE)
            AS is_wide,
        COALESCE(ABS(c.mid_units - ratio(c.recent_mids, c.recent_count)) > ratio(c.recent_spreads, c.recent_count)
                 AND ABS(c.mid_units - ratio(c.recent_mids, c.recent_count))
                     > least_share * ratio(c.recent_mids, c.recent_count), FALSE) AS is_far,
        CAST(ROUND(ABS(c.mid_units - ratio(c.recent_mids, c.recent_count))) AS BIGINT) AS deviation_units
    FROM compared_ticks AS c
),
usual_ticks AS (
    SELECT d.source_file, d.source_seq, d.is_print, d.print_units, d.quotes_so_far,
        d.is_same_time, d.is_same_content, d.is_wide, d.is_far, d.deviation_units,
        SUM(d.deviation_units) OVER recent AS recent_deviations,
        COUNT(d.deviation_units) OVER recent AS recent_count,
        MAX(packed(d.quotes_so_far, d.bid_units)) OVER so_far AS bid_pack,
        MAX(packed(d.quotes_so_far, d.ask_units)) OVER so_far AS ask_pack
    FROM deviating_ticks AS d
    WINDOW so_far AS (PARTITION BY d.source, d.symbol ORDER BY d.timestamp, d.place, d.source_file, d.source_seq
                      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        recent AS (PARTITION BY d.source, d.symbol ORDER BY d.timestamp, d.place, d.source_file, d.source_seq
                   ROWS BETWEEN look_back PRECEDING AND 1 PRECEDING)
),
told_ticks AS (
    SELECT u.source_file, u.source_seq, u.is_same_time, u.is_same_content, u.is_wide,
        COALESCE(u.is_far AND u.recent_count >= 10
                 AND u.deviation_units > deviations * ratio(u.recent_deviations, u.recent_count), FALSE) AS is_outlier,
        COALESCE(packed_number(u.bid_pack) = u.quotes_so_far AND u.print_units < packed_units(u.bid_pack), FALSE)
        OR COALESCE(packed_number(u.ask_pack) = u.quotes_so_far AND u.print_units > packed_units(u.ask_pack), FALSE)
            AS is_outside,
        CASE WHEN u.is_print AND packed_number(u.bid_pack) = u.quotes_so_far
                  AND packed_number(u.ask_pack) = u.quotes_so_far
                  AND packed_units(u.bid_pack) <= packed_units(u.ask_pack)
             THEN off_grid(packed_units(u.bid_pack) + packed_units(u.ask_pack)) / 2 END AS prevailing_mid
    FROM usual_ticks AS u
)
SELECT t.source_file, t.source_seq, t.is_same_time, t.is_same_content, t.is_wide, t.is_outlier, t.is_outside,
    t.prevailing_mid
FROM told_ticks AS t
WHERE t.is_same_time OR t.is_wide OR t.is_outlier OR t.is_outside OR t.prevailing_mid IS NOT NULL;

-- Judged ticks that no rule refuses, with mid_price, available_at, prevailing_mid and soft_codes.
CREATE OR REPLACE MACRO flagged_ticks(judged, doubts, widest, late_ms, skew_ms) AS TABLE
SELECT j.*,
    two_sided_mid(j.bid_px_00, j.ask_px_00) AS mid_price,
    known_at(j.event_type, j.timestamp, j.ts_recv) AS available_at,
    d.prevailing_mid,
    NULLIF(CONCAT_WS(',', j.waived_codes,
        code_if(NOT in_session(j.venue, j.trading_date, j.timestamp), 'OUT_OF_SESSION'),
        code_if(EPOCH_US(j.ts_recv) - EPOCH_US(j.timestamp) > late_ms * 1000, 'LATE_ARRIVAL'),
        code_if(EPOCH_US(j.timestamp) - EPOCH_US(j.ts_recv) > skew_ms * 1000, 'CLOCK_SKEW'),
        code_if(d.is_same_time, 'SAME_TS'),
        code_if(d.is_same_content, 'DUP_CONTENT'),
        code_if(is_quote(j.event_type) AND j.bid_px_00 IS NULL AND j.ask_px_00 IS NULL, 'EMPTY_BOOK'),
        code_if(is_quote(j.event_type) AND ((j.bid_px_00 IS NULL AND j.ask_px_00 IS NOT NULL)
                OR (j.bid_px_00 IS NOT NULL AND j.ask_px_00 IS NULL)), 'ONE_SIDED'),
        code_if(is_quote(j.event_type) AND j.ask_px_00 IS NOT NULL AND COALESCE(j.bid_px_00, 0) = 0, 'ZERO_BID'),
        code_if(is_quote(j.event_type) AND j.bid_px_00 > 0 AND j.bid_px_00 = j.ask_px_00, 'LOCKED'),
        code_if(d.is_wide OR j.ask_px_00 - j.bid_px_00 > widest * two_sided_mid(j.bid_px_00, j.ask_px_00),
                'WIDE_SPREAD'),
        code_if(d.is_outlier, 'MID_OUTLIER'),
        code_if(j.event_type = 'trade' AND REGEXP_MATCHES(j.condition, '^[BDFHcdf-u]$'), 'BAD_CONDITION'),
        code_if(d.is_outside, 'OUTSIDE_QUOTE')), '') AS soft_codes
FROM query_table(judged) AS j
LEFT JOIN query_table(doubts) AS d ON d.source_file = j.source_file AND d.source_seq = j.source_seq
WHERE j.reason_codes IS NULL;

-- ---------------------------------------------------------------- bars

-- Lee and Ready 1991: against the prevailing mid, on the mid against the print before it.
CREATE OR REPLACE MACRO trade_sign(price, mid, price_before) AS
    CASE WHEN price > mid THEN 1 WHEN price < mid THEN -1
         WHEN price > price_before THEN 1 WHEN price < price_before THEN -1 ELSE 0 END;

-- Cont, Kukanov and Stoikov 2014: size that a quote adds to its side of the book; for asks give prices negated.
CREATE OR REPLACE MACRO queue_change(price, size, price_before, size_before) AS
    CASE WHEN price > price_before THEN size
         WHEN price = price_before THEN size - size_before
         WHEN price < price_before THEN 0 - size_before END;

-- An aggregate: the value of the row with the highest (lowest) number, among the rows that have both.
CREATE OR REPLACE MACRO last_by(x, number) AS ARG_MAX(x, CASE WHEN x IS NOT NULL THEN number END);
CREATE OR REPLACE MACRO first_by(x, number) AS ARG_MIN(x, CASE WHEN x IS NOT NULL THEN number END);

-- The same, but null where that row has none. No price or size is below zero.
CREATE OR REPLACE MACRO last_or_null(x, number) AS
    NULLIF(ARG_MAX(COALESCE(x, -1e0), CASE WHEN COALESCE(x, -1e0) IS NOT NULL THEN number END), -1e0);

-- The later of an arrival and a minute's end.
CREATE OR REPLACE MACRO known_after(arrival, minute) AS
    CASE WHEN arrival > minute_time(minute + 1) THEN arrival ELSE minute_time(minute + 1) END;
