"""Volatilities of real quotes: Lean's US options, from their files to the features."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import duckdb
import pytest

from lakehouse_assets.settings import Settings
from lakehouse_assets.sources.adapter import KINDS
from lakehouse_assets.sources.landing import scan, tick_batches
from lakehouse_assets.sources.samples import LEAN_SAMPLE
from lakehouse_assets.transforms.called import register
from lakehouse_assets.transforms.text import macros_text, parameters_of, sql_text
from lakehouse_assets_tests.paths import real_data
from lakehouse_assets_tests.transforms.stories import parameters

pytestmark = pytest.mark.slow

STEPS = (
    "silver_option_ticks", "silver_underlying_ticks", "gold_option_minute_bars", "gold_underlying_minute_bars",
    "gold_option_chains", "feature_option_minutes",
)  # fmt: skip


def refined(home: Path, day: date) -> duckdb.DuckDBPyConnection:
    """An engine with the tables of one trading date of a landing zone."""
    settings, raw = Settings(home=home), home / "raw"
    files = scan(raw, settings, None, datetime(2026, 11, 21, tzinfo=UTC)).to_pylist()
    accepted = [row for row in files if row["status"] == "accepted" and row["trading_date"] == day]
    engine = duckdb.connect(config={"threads": 2, "preserve_insertion_order": False})
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute(macros_text())
    register(engine)
    for kind in KINDS:
        engine.register("ticks", tick_batches(kind, accepted, raw, settings, day).read_all())
        engine.execute(f"CREATE TABLE bronze_{kind}_ticks AS SELECT * FROM ticks")
        engine.unregister("ticks")
    for table in STEPS:
        text = sql_text(table)
        given = {name: parameters()[name] for name in parameters_of(text)}
        engine.execute(f"CREATE TABLE {table} AS {text}", given or None)
    return engine


def asked(engine: duckdb.DuckDBPyConnection, text: str) -> Any:
    return engine.execute(text).fetchall()


@pytest.fixture(scope="module")
def twx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("twx")
    copytree(LEAN_SAMPLE, home / "raw" / "lean")
    with refined(home, date(2014, 6, 5)) as engine:
        yield engine


def test_the_bundled_quotes_have_their_volatilities_and_the_others_a_reason(twx: duckdb.DuckDBPyConnection) -> None:
    reasons = dict(asked(twx, "SELECT implied_volatility_reason, COUNT(*) FROM feature_option_minutes GROUP BY ALL"))
    rows = sum(reasons.values())
    assert reasons[None] / rows > 0.88
    assert set(reasons) <= {None, "NO_FORWARD", "BELOW_INTRINSIC", "NO_VEGA"}
    # in the money to the bone: calls and puts whose mid lies below what exercise gives, by less than their spread
    assert asked(twx, """
        SELECT COUNT(*) FROM feature_option_minutes
        WHERE implied_volatility_reason = 'BELOW_INTRINSIC' AND (ABS(log_forward_moneyness) < 0.05
            OR (is_call = 1) <> (strike_price < forward_price))
    """)[0][0] < 0.01 * rows  # fmt: skip


def test_at_the_money_the_share_moves_eighteen_to_twenty_three_percent_a_year(twx: duckdb.DuckDBPyConnection) -> None:
    """Calm, rising with the term, and dearer below the money: what shares look like."""
    found = asked(twx, """
        SELECT expiration, MEDIAN(at_the_money_volatility), MIN(at_the_money_volatility),
            MAX(at_the_money_volatility), MEDIAN(skew_25_delta)
        FROM gold_option_chains WHERE at_the_money_volatility IS NOT NULL GROUP BY expiration ORDER BY expiration
    """)  # fmt: skip
    assert len(found) >= 4
    assert all(0.17 < low <= middle <= high < 0.25 for _, middle, low, high, _ in found)
    assert found[0][1] < found[-1][1]
    assert all(skew > 0 for *_, skew in found if skew is not None)


def test_the_forward_lies_below_the_share_by_its_dividends(twx: duckdb.DuckDBPyConnection) -> None:
    """0.3175 USD a quarter: under half a percent in a month, about two in a year and a half."""
    found = asked(twx, """
        SELECT expiration, MEDIAN(forward_price / underlying_price) - 1, MEDIAN(forward_strikes)
        FROM gold_option_chains WHERE forward_price IS NOT NULL GROUP BY expiration ORDER BY expiration
    """)  # fmt: skip
    assert abs(found[0][1]) < 0.002
    assert -0.03 < found[-1][1] < -0.01


def test_a_call_and_a_put_of_one_strike_have_nearly_one_volatility(twx: duckdb.DuckDBPyConnection) -> None:
    """Parity holds where the forward is theirs: near the money, within what the spreads leave open."""
    (gap,) = asked(twx, """
        SELECT MEDIAN(ABS(c.implied_volatility - p.implied_volatility))
        FROM feature_option_minutes AS c
        JOIN feature_option_minutes AS p ON p.feature_time = c.feature_time AND p.expiration = c.expiration
            AND p.strike_price = c.strike_price AND p.is_call = 0
        WHERE c.is_call = 1 AND ABS(c.log_forward_moneyness) < 0.05
    """)[0]  # fmt: skip
    assert gap < 0.006


def shared(home: Path, ticker: str) -> None:
    """Land the shared files of a ticker."""
    for kind in ("option", "equity"):
        folder = f"usa/minute/{ticker}"
        copytree(real_data(f"lean_us_options/Data/{kind}/{folder}"), home / "raw" / "lean" / "Data" / kind / folder)


def test_five_in_six_quotes_of_a_half_day_have_a_volatility(tmp_path: Path) -> None:
    """The rest expire that day, lie deep in the money within their spread, or have no forward known yet."""
    shared(tmp_path, "goog")
    with refined(tmp_path, date(2015, 12, 24)) as engine:
        reasons = dict(
            asked(engine, "SELECT implied_volatility_reason, COUNT(*) FROM feature_option_minutes GROUP BY 1")
        )
        levels = asked(engine, """
            SELECT expiration, MEDIAN(at_the_money_volatility) FROM gold_option_chains GROUP BY 1 ORDER BY 1
        """)  # fmt: skip
    assert reasons[None] / sum(reasons.values()) > 0.83
    assert set(reasons) <= {None, "BELOW_INTRINSIC", "EXPIRES_WITHIN_A_DAY", "NO_FORWARD", "NO_VEGA"}
    assert levels[0] == (date(2015, 12, 24), None)
    assert all(0.15 < level < 0.31 for _, level in levels[1:])
    # the quarter's figures were due at the end of January: what expires after them costs more
    by_day = dict(levels)
    assert by_day[date(2016, 1, 29)] > by_day[date(2016, 1, 22)] + 0.05


def test_where_nobody_delivered_quotes_there_are_no_chains(tmp_path: Path) -> None:
    shared(tmp_path, "aapl")
    with refined(tmp_path, date(2014, 6, 6)) as engine:
        assert asked(engine, "SELECT COUNT(*) > 0 FROM gold_option_minute_bars") == [(True,)]
        for table in ("gold_option_chains", "feature_option_minutes"):
            assert asked(engine, f"SELECT COUNT(*) FROM {table}") == [(0,)]
