"""Contract ids: what is written can be read back, and what is wrong is refused in words."""

import datetime as dt
import string
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse_assets.sources.symbols import (
    BadSymbol,
    OptionTerms,
    is_isin,
    isin_check_digit,
    krx_expiration,
    krx_option_isin,
    krx_option_terms,
    osi_symbol,
    osi_terms,
)

roots = st.text(string.ascii_uppercase + string.digits + ".", min_size=1, max_size=6)
dates = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))
types = st.sampled_from(["C", "P"])


def test_an_osi_symbol_has_21_characters_in_five_fixed_places() -> None:
    symbol = osi_symbol("twx", dt.date(2014, 6, 21), "C", 60.0)
    assert symbol == "TWX   140621C00060000"
    assert len(symbol) == 21
    assert osi_symbol("SPXW", dt.date(2026, 12, 31), "P", 4127.5) == "SPXW  261231P04127500"
    assert osi_symbol("NWSA", dt.date(2013, 7, 20), "C", 0.0) == "NWSA  130720C00000000"


@given(roots, dates, types, st.integers(0, 10**8 - 1))
def test_an_osi_symbol_holds_exactly_the_terms_it_was_made_of(
    root: str, expiration: dt.date, option_type: Literal["C", "P"], thousandths: int
) -> None:
    symbol = osi_symbol(root, expiration, option_type, thousandths / 1000)
    assert osi_terms(symbol) == OptionTerms(root, expiration, option_type, thousandths / 1000)


@pytest.mark.parametrize(
    ("root", "expiration", "strike"),
    [
        ("TOOLONG", dt.date(2014, 6, 21), 60.0),
        ("", dt.date(2014, 6, 21), 60.0),
        ("T WX", dt.date(2014, 6, 21), 60.0),
        ("TWX", dt.date(1999, 6, 21), 60.0),
        ("TWX", dt.date(2100, 6, 21), 60.0),
        ("TWX", dt.date(2014, 6, 21), 17.1875),
        ("TWX", dt.date(2014, 6, 21), 100_000.0),
        ("TWX", dt.date(2014, 6, 21), -1.0),
    ],
)
def test_terms_that_do_not_fit_an_osi_symbol_are_refused(root: str, expiration: dt.date, strike: float) -> None:
    with pytest.raises(BadSymbol):
        osi_symbol(root, expiration, "C", strike)


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "TWX140621C00060000",  # the root is not padded
        "TWX   140621X00060000",
        "TWX   140231C00060000",  # 31 February
        "TWX   141321C00060000",
        "TWX   140621C0006000",
        "TWX   140621C000600000",
        "twx   140621C00060000",
        "T  WX 140621C00060000",
        "TWX   140621C0006000٣",  # a digit, but not an ASCII one
    ],
)
def test_what_is_not_an_osi_symbol_is_refused(symbol: str) -> None:
    with pytest.raises(BadSymbol, match=r"OSI|does not exist"):
        osi_terms(symbol)


@pytest.mark.parametrize("isin", ["US0378331005", "AU0000XVGZA3", "GB0002634946", "KR4201F32705", "KR4301F32471"])
def test_published_isins_have_the_right_check_digit(isin: str) -> None:
    assert is_isin(isin)
    assert isin_check_digit(isin[:-1]) == isin[-1]


@pytest.mark.parametrize("isin", ["KR4201F32704", "KR4201F3270", "kr4201F32705", "KR4201F3270A", "", "K14201F32705"])
def test_a_wrong_check_digit_or_shape_is_not_an_isin(isin: str) -> None:
    assert not is_isin(isin)


@given(st.integers(0, 10), st.sampled_from(string.digits))
def test_any_one_wrong_digit_is_noticed(place: int, digit: str) -> None:
    isin = "KR4201632705"
    body = isin[:-1]
    body += isin_check_digit(body)
    changed = body[:place] + digit + body[place + 1 :]
    assert is_isin(changed) == (changed == body)


def test_the_body_of_an_isin_has_eleven_characters() -> None:
    with pytest.raises(BadSymbol, match="not the body of an ISIN"):
        isin_check_digit("KR4201F3270Z5")


def test_a_krx_isin_tells_type_month_and_half_point_strikes() -> None:
    on = dt.date(2011, 2, 16)
    assert krx_option_terms("KR4201F32705", on) == OptionTerms("KOSPI200", dt.date(2011, 3, 10), "C", 270.0)
    assert krx_option_terms("KR4301F32471", on) == OptionTerms("KOSPI200", dt.date(2011, 3, 10), "P", 247.5)
    assert krx_option_terms("KR4301F62528", on).expiration == dt.date(2011, 6, 9)


def test_the_check_digit_is_not_needed_to_read_the_terms() -> None:
    on = dt.date(2011, 2, 16)
    assert krx_option_terms("KR4201F32700", on) == krx_option_terms("KR4201F32705", on)


@pytest.mark.parametrize(
    ("year", "code"), [(1996, "6"), (2000, "0"), (2006, "A"), (2011, "F"), (2014, "J"), (2025, "W"), (2026, "6")]
)
def test_year_codes_repeat_after_thirty_years(year: int, code: str) -> None:
    isin = krx_option_isin("C", year, 12, 250.0)
    assert isin[6] == code
    assert krx_option_terms(isin, dt.date(year, 6, 1)).expiration.year == year
    assert krx_option_terms(isin, dt.date(year - 1, 6, 1)).expiration.year == year


@settings(deadline=None)  # the first one builds calendars
@given(types, st.integers(2001, 2045), st.integers(1, 12), st.integers(1, 399))
def test_a_krx_isin_holds_exactly_the_terms_it_was_made_of(
    option_type: Literal["C", "P"], year: int, month: int, steps: int
) -> None:
    isin = krx_option_isin(option_type, year, month, 2.5 * steps)
    assert is_isin(isin)
    terms = krx_option_terms(isin, dt.date(year, 1, 15))
    assert (terms.option_type, terms.strike_price) == (option_type, 2.5 * steps)
    assert (terms.expiration.year, terms.expiration.month) == (year, month)


@pytest.mark.parametrize("strike", [251.0, 0.0, -2.5, 1000.0])
def test_a_strike_off_the_grid_has_no_isin(strike: float) -> None:
    with pytest.raises(BadSymbol, match=r"multiples of 2\.5"):
        krx_option_isin("C", 2026, 9, strike)


@pytest.mark.parametrize(
    "isin", ["KR4101F30006", "KR4209F32705", "KR4201I32705", "KR4201FD2705", "KR4201F32715", "KR7005930003", ""]
)
def test_what_is_not_the_isin_of_a_kospi_option_has_no_terms(isin: str) -> None:
    with pytest.raises(BadSymbol):
        krx_option_terms(isin, dt.date(2011, 2, 16))


@pytest.mark.parametrize(
    ("year", "month", "last_day"),
    [
        (2011, 3, "2011-03-10"),
        (2014, 10, "2014-10-08"),  # the second Thursday was Hangul Day
        (2026, 10, "2026-10-08"),
        (2026, 1, "2026-01-08"),
        (2024, 8, "2024-08-08"),
    ],
)
def test_krx_options_expire_on_the_second_thursday_or_the_trading_day_before(
    year: int, month: int, last_day: str
) -> None:
    assert krx_expiration(year, month) == dt.date.fromisoformat(last_day)
