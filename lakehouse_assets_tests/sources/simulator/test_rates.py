"""The shapes and rates of real sets that a realistic simulation shows."""

from collections.abc import Iterator

import duckdb
import numpy as np
import pytest

from lakehouse_assets.sources.simulator.books import Day, draw_books
from lakehouse_assets.sources.simulator.chain import list_chain
from lakehouse_assets.sources.simulator.clock import DAY_SECONDS, NIGHT_SECONDS, cumulated_arrivals
from lakehouse_assets.sources.simulator.faults import REALISTIC
from lakehouse_assets.sources.simulator.market import open_market
from lakehouse_assets_tests.sources.simulator.landed import SATURDAY, connected, land, one, share


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    yield from connected(land(tmp_path_factory.mktemp("rates"), days=1, rows_per_day=300_000))


@pytest.mark.parametrize(
    ("what", "condition", "low", "high"),
    [
        ("bid missing", "event_type = 'quote' AND bid_px_00 IS NULL AND ask_px_00 IS NOT NULL", 0.05, 0.25),
        ("ask missing", "event_type = 'quote' AND ask_px_00 IS NULL AND bid_px_00 IS NOT NULL", 0.02, 0.17),
        ("empty", "event_type = 'quote' AND bid_px_00 IS NULL AND ask_px_00 IS NULL", 0.0002, 0.013),
        ("crossed", "bid_px_00 > ask_px_00", 0.0004, 0.0006),
        ("underlying missing", "underlying_price IS NULL", 0.08, 0.10),
        ("night", "(timestamp AT TIME ZONE 'Asia/Seoul')::TIME NOT BETWEEN '06:00:01' AND '17:59:59'", 0.23, 0.25),
        ("trades", "event_type = 'trade'", 0.08, 0.12),
        ("relative spread above one", "bid_px_00 > 0 AND ask_px_00 > 3 * bid_px_00", 0.011, 0.016),
    ],
)  # fmt: skip
def test_a_share_of_rows_is_as_in_real_sets(
    feed: duckdb.DuckDBPyConnection, what: str, condition: str, low: float, high: float
) -> None:
    assert low <= share(feed, condition) <= high, what


@pytest.mark.parametrize(
    ("code", "rate"),
    [("CANCELLED", 0.0004), ("OUT_OF_SESSION", 0.001), ("EXPIRED", 0.0001), ("BAD_SYMBOL", 0.00014),
     ("DUP_SOURCE_KEY", 0.005), ("LOCKED", 0.0001), ("MID_OUTLIER", 0.00005)],
)  # fmt: skip
def test_a_code_is_as_frequent_as_promised(feed: duckdb.DuckDBPyConnection, code: str, rate: float) -> None:
    found = one(feed, f"SELECT count(*) FROM truth WHERE code = '{code}'")
    assert abs(found - rate * 300_000) < 4 * np.sqrt(rate * 300_000) + 2


def test_repeated_content_and_stamps_are_frequent_and_legitimate(feed: duckdb.DuckDBPyConnection) -> None:
    assert 0.15 < one(feed, "SELECT count(*) FROM truth WHERE code = 'DUP_CONTENT'") / 300_000 < 0.45
    assert 0.12 < one(feed, "SELECT count(*) FROM truth WHERE code = 'SAME_TS'") / 300_000 < 0.66


def test_the_top_of_the_book_often_stays_as_it_was(feed: duckdb.DuckDBPyConnection) -> None:
    unchanged = one(feed, """SELECT avg(CASE WHEN book = before THEN 1.0 ELSE 0.0 END) FROM (
        SELECT book, lag(book) OVER (PARTITION BY symbol ORDER BY sequence) AS before FROM (
            SELECT symbol, sequence, row(bid_px_00, bid_sz_00, ask_px_00, ask_sz_00)::VARCHAR AS book
            FROM ticks WHERE event_type = 'quote'))""")  # fmt: skip
    assert 0.30 < unchanged < 0.42


def test_rows_gather_in_a_few_contracts(feed: duckdb.DuckDBPyConnection) -> None:
    shares = feed.execute("SELECT count(*) / 300000 FROM ticks GROUP BY symbol ORDER BY 1 DESC LIMIT 10").fetchnumpy()
    top = next(iter(shares.values()))
    assert 0.055 < top[0] < 0.065
    assert 0.42 < top.sum() < 0.48


def test_prices_lie_on_the_ticks_of_the_venue(feed: duckdb.DuckDBPyConnection) -> None:
    sound = "ANTI JOIN truth USING (file, source_seq)"
    off = one(feed, f"""SELECT count(*) FROM ticks {sound} WHERE bid_px_00 >= 10.05
                        AND round(bid_px_00 * 100) % 5 <> 0""")  # fmt: skip
    assert off == 0
    assert one(feed, f"SELECT min(bid_px_00) FROM ticks {sound}") >= 0.01


def dense_books(seconds: int, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contract, time and receipt (µs) of a stretch of the day session at a rate of books a second."""
    rng = np.random.default_rng(2)
    chain = list_chain(SATURDAY.replace(day=20), 420.0, rng)
    day = Day(0, chain, open_market(chain, 420.0, rng), cumulated_arrivals(rate * DAY_SECONDS, rng))
    middle = NIGHT_SECONDS + DAY_SECONDS // 2
    span = (float(day.arrivals[middle]), float(day.arrivals[middle + seconds]))
    books = draw_books(day, span, rate * seconds, REALISTIC, rng)
    return books.contract, books.timestamp, books.received


def test_late_ticks_are_two_fifths_across_contracts_and_none_within_one_at_scale() -> None:
    contract, timestamp, received = dense_books(200, 300)
    order = np.argsort(received, kind="stable")
    stamps = timestamp[order]
    assert 0.33 < np.mean(stamps < np.maximum.accumulate(stamps)) < 0.47
    for one_contract in np.unique(contract):
        assert np.all(np.diff(stamps[contract[order] == one_contract]) >= 0)
    assert (received - timestamp).max() <= 803_000


def test_arrivals_are_overdispersed_as_in_real_sets_at_scale() -> None:
    rate = 300
    weight = np.diff(cumulated_arrivals(round(rate * DAY_SECONDS / 0.76), np.random.default_rng(3)))[NIGHT_SECONDS:]
    quiet = slice(DAY_SECONDS // 3, 2 * DAY_SECONDS // 3)  # where the profile is flat
    counts = np.random.default_rng(4).poisson(weight[quiet] / weight[quiet].mean() * rate)
    assert 35 < counts.var() / counts.mean() < 55
