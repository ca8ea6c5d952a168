"""The truth about faults, judged by queries that know the definitions and nothing of the injection."""

from collections.abc import Iterator
from dataclasses import asdict

import duckdb
import pytest

from lakehouse_assets.sources.simulator.faults import CODES, HARD_CODES, HOSTILE, REALISTIC, SOFT_CODES
from lakehouse_assets.sources.symbols import is_isin
from lakehouse_assets_tests.sources.simulator.landed import connected, land, one, rows_of

CONTENT = "event_type, last_price, last_size, bid_px_00, bid_sz_00, ask_px_00, ask_sz_00, condition"

HARD_DEFINITIONS = {
    "BAD_SYMBOL": "NOT is_good",
    "EXPIRED": "trading_date > expiration",
    "DUP_SOURCE_KEY": """row_number() OVER (
        PARTITION BY symbol, event_type, sequence ORDER BY file, source_seq) > 1""",
    "NEG_PRICE": "last_price < 0 OR bid_px_00 < 0 OR ask_px_00 < 0",
    "NEG_SIZE": "last_size < 0 OR bid_sz_00 < 0 OR ask_sz_00 < 0",
    "CROSSED": "bid_px_00 > ask_px_00",
    "ZERO_TRADE": "event_type = 'trade' AND (coalesce(last_price, 0) = 0 OR coalesce(last_size, 0) = 0)",
    "CANCELLED": """event_type = 'trade' AND (condition IN ('A', 'C', 'E', 'G') OR coalesce(max(
        CASE WHEN condition IN ('A', 'C', 'E', 'G') THEN sequence END) OVER (
        PARTITION BY symbol, event_type, timestamp, last_price, last_size) > sequence, false))""",
}

SOFT_DEFINITIONS = {
    "EMPTY_BOOK": "event_type = 'quote' AND bid_px_00 IS NULL AND ask_px_00 IS NULL",
    "ONE_SIDED": "event_type = 'quote' AND (bid_px_00 IS NULL) <> (ask_px_00 IS NULL)",
    "ZERO_BID": "event_type = 'quote' AND bid_px_00 IS NULL AND ask_px_00 IS NOT NULL",
    "LOCKED": "bid_px_00 = ask_px_00",
    "BAD_CONDITION": "condition IN ('B', 'F', 'H')",
    "LATE_ARRIVAL": "ts_recv - timestamp > INTERVAL 100 MILLISECOND",
    "CLOCK_SKEW": "timestamp - ts_recv > INTERVAL 1 SECOND",
    "WIDE_SPREAD": "bid_px_00 > 0 AND (ask_px_00 - bid_px_00) / ((ask_px_00 + bid_px_00) / 2) > 1.0",
    "OUT_OF_SESSION": """strftime(timezone('Asia/Seoul', timestamp), '%H:%M:%S') BETWEEN '06:00:01' AND '08:59:59'
        OR strftime(timezone('Asia/Seoul', timestamp), '%H:%M:%S') BETWEEN '15:45:01' AND '17:59:59'""",
    "SAME_TS": "coalesce(timestamp = lag(timestamp) OVER contract, false)",
    "DUP_CONTENT": """coalesce(timestamp = lag(timestamp) OVER contract, false) AND coalesce(
        content = lag(content) OVER contract, false)""",
}
"""All but the two that are judged by what surrounds a row: MID_OUTLIER and OUTSIDE_QUOTE."""


def says_its_terms(symbol: str, expiration: str, strike: float, option_type: str) -> bool:
    """Whether a symbol of 2026 or 2027 is an ISIN that says what the columns say."""
    year, month = expiration[:4], int(expiration[5:7])
    right, code = {"C": "2", "P": "3"}[option_type], {"2026": "6", "2027": "7"}[year]
    return is_isin(symbol) and symbol[3:11] == f"{right}01{code}{'123456789ABC'[month - 1]}{int(strike):03d}"


@pytest.fixture(scope="module", params=["realistic", "hostile"])
def feed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    landed = land(tmp_path_factory.mktemp("feed"), request.param, days=2, rows_per_day=40_000)
    for connection in connected(landed):
        terms = "symbol, CAST(expiration AS VARCHAR), strike_price, option_type"
        known = connection.execute(f"SELECT DISTINCT {terms} FROM ticks WHERE symbol IS NOT NULL").fetchall()
        connection.execute("CREATE TABLE good (s VARCHAR, e VARCHAR, k DOUBLE, o VARCHAR)")
        connection.executemany("INSERT INTO good VALUES (?, ?, ?, ?)", [row for row in known if says_its_terms(*row)])
        connection.execute(
            f"""CREATE TABLE judged AS
                SELECT t.*, g.s IS NOT NULL AS is_good, coalesce(h.is_hard, false) AS is_hard,
                       row({CONTENT})::VARCHAR AS content
                FROM ticks AS t LEFT JOIN good AS g ON g.s = t.symbol AND g.e = CAST(t.expiration AS VARCHAR)
                     AND g.k = t.strike_price AND g.o = t.option_type
                LEFT JOIN (SELECT DISTINCT file, source_seq, true AS is_hard FROM truth
                           WHERE list_contains(?, code)) AS h USING (file, source_seq)""",
            [list(HARD_CODES)],
        )
        yield connection


def injected(feed: duckdb.DuckDBPyConnection, code: str) -> set[tuple[str, int]]:
    return rows_of(feed, f"SELECT file, source_seq FROM truth WHERE code = '{code}'")


@pytest.mark.parametrize("code", HARD_CODES)
def test_a_hard_code_is_the_truth_exactly_where_its_definition_holds(
    feed: duckdb.DuckDBPyConnection, code: str
) -> None:
    found = rows_of(feed, f"SELECT file, source_seq FROM judged QUALIFY {HARD_DEFINITIONS[code]}"
                    if "OVER" in HARD_DEFINITIONS[code]
                    else f"SELECT file, source_seq FROM judged WHERE {HARD_DEFINITIONS[code]}")  # fmt: skip
    assert found
    assert found == injected(feed, code)


@pytest.mark.parametrize("code", SOFT_DEFINITIONS)
def test_a_soft_code_is_the_truth_exactly_where_its_definition_holds_on_sound_rows(
    feed: duckdb.DuckDBPyConnection, code: str
) -> None:
    found = rows_of(
        feed,
        f"""SELECT file, source_seq FROM (
                SELECT file, source_seq, is_hard, ({SOFT_DEFINITIONS[code]}) AS is_hit FROM judged
                ANTI JOIN (FROM truth WHERE code = 'DUP_SOURCE_KEY') USING (file, source_seq)
                WINDOW contract AS (PARTITION BY underlying, expiration, strike_price, option_type
                                    ORDER BY timestamp, sequence))
            WHERE is_hit AND NOT is_hard""",
    )
    assert found
    assert found == injected(feed, code)


def test_every_code_is_there_and_no_other(feed: duckdb.DuckDBPyConnection) -> None:
    assert {code for (code,) in feed.execute("SELECT DISTINCT code FROM truth").fetchall()} == set(CODES)


def test_a_row_with_a_hard_code_has_no_other_code(feed: duckdb.DuckDBPyConnection) -> None:
    assert one(
        feed,
        """SELECT count(*) FROM (SELECT file, source_seq FROM judged JOIN truth USING (file, source_seq)
                                 WHERE is_hard GROUP BY ALL HAVING count(*) > 1)""",
    ) == 0  # fmt: skip


def test_a_repeated_range_is_what_was_delivered_before(feed: duckdb.DuckDBPyConnection) -> None:
    columns = "* EXCLUDE (file, source_seq, is_hard)"
    again = "SELECT t.* FROM judged AS t JOIN truth USING (file, source_seq) WHERE code = 'DUP_SOURCE_KEY'"
    assert one(feed, f"SELECT count(*) FROM ({again})") > 100
    assert one(feed, f"""SELECT count(*) FROM (SELECT {columns} FROM ({again})
                         EXCEPT SELECT {columns} FROM judged WHERE NOT is_hard)""") == 0  # fmt: skip


def test_a_fat_finger_is_far_from_the_quotes_around_it(feed: duckdb.DuckDBPyConnection) -> None:
    ratio = one(
        feed,
        """WITH mids AS (
               SELECT file, source_seq, (bid_px_00 + ask_px_00) / 2 AS mid,
                      median((bid_px_00 + ask_px_00) / 2) OVER (PARTITION BY trading_date, symbol ORDER BY sequence
                          ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING) AS usual
               FROM judged WHERE bid_px_00 > 0 AND NOT is_hard)
           SELECT quantile_cont(greatest(mid / usual, usual / mid), 0.2) FROM mids JOIN truth USING (file, source_seq)
           WHERE code = 'MID_OUTLIER'""",
    )
    assert ratio > 5  # the rest are in contracts that are quoted too rarely to have a usual mid


def test_a_trade_is_outside_the_quote_just_before_it_only_where_the_truth_says_so(
    feed: duckdb.DuckDBPyConnection,
) -> None:
    found = rows_of(
        feed,
        """SELECT file, source_seq FROM (
               SELECT *, lag(bid_px_00) OVER contract AS bid, lag(ask_px_00) OVER contract AS ask FROM judged
               WHERE NOT is_hard
               WINDOW contract AS (PARTITION BY underlying, expiration, strike_price, option_type
                                   ORDER BY timestamp, sequence))
           WHERE event_type = 'trade' AND (last_price < bid OR last_price > ask)""",
    )
    wanted = injected(feed, "OUTSIDE_QUOTE")
    bare = rows_of(feed, """SELECT b.file, b.source_seq + 1 FROM truth AS b
                            WHERE b.code IN ('ONE_SIDED', 'EMPTY_BOOK')""")  # fmt: skip
    assert found <= wanted
    assert wanted - found <= bare  # behind a quote without the side it should be compared with


def test_hostile_is_ten_times_realistic_and_frequent_faults_are_at_the_upper_end() -> None:
    realistic, hostile = asdict(REALISTIC), asdict(HOSTILE)
    frequent = {"no_bid", "no_ask", "empty_book", "wide_spread"}
    assert all(hostile[name] == pytest.approx(10 * realistic[name]) for name in set(realistic) - frequent)
    assert all(hostile[name] > 2 * realistic[name] for name in frequent)
    assert set(HARD_CODES).isdisjoint(SOFT_CODES)
