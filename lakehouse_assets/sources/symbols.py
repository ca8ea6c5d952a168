"""Contract ids and the terms they hold: OSI-21 for US options, ISIN for KRX.

Belongs here: building, reading and checking an id. Does not: what becomes of a wrong one (silver's BAD_SYMBOL),
nor any feed's own spelling (its adapter).
"""

import datetime as dt
import re
from bisect import bisect_right
from functools import lru_cache
from typing import Final, Literal, NamedTuple, cast

from lakehouse_assets.sources.calendars import trading_days

OptionType = Literal["C", "P"]

OSI: Final = re.compile(r"([A-Z0-9.]{1,6}) *([0-9]{2})([0-9]{2})([0-9]{2})([CP])([0-9]{8})", re.ASCII)
OSI_LENGTH: Final = 21
OSI_ROOT_LENGTH: Final = 6

ISIN: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]", re.ASCII)

KRX_OPTION: Final = re.compile(r"KR4([23BC])(01)([0-9A-HJ-NP-TVW])([1-9ABC])([0-9]{3})[0-9]", re.ASCII)
"""KR, 4 for derivatives, 2 or B for calls and 3 or C for puts, 01 for KOSPI 200, year, month, strike, check digit."""

KRX_YEARS: Final = "6789012345ABCDEFGHJKLMNPQRSTVW"
"""Year codes from 1996 on, repeated every 30 years: 2025 is W, 2026 is 6 again (no I, O, U, X, Y, Z)."""

KRX_FIRST_YEAR: Final = 1996
KRX_MONTHS: Final = "123456789ABC"
KRX_UNDERLYINGS: Final = {"01": "KOSPI200"}
THURSDAY: Final = 3


class BadSymbol(ValueError):
    """An id is not what it should be, or terms cannot be written as one; the message says why."""


class OptionTerms(NamedTuple):
    """What an option's id says of it: `strike_price` in units of the quoted price."""

    underlying: str
    expiration: dt.date
    option_type: OptionType
    strike_price: float


def osi_symbol(root: str, expiration: dt.date, option_type: OptionType, strike_price: float) -> str:
    """The 21 characters of the Options Symbology Initiative, e.g. `TWX   140621C00060000`.

    Args:
        root: the option's root, at most six characters; written in capitals.
        expiration: as listed, from 2000 to 2099.
        option_type: C or P.
        strike_price: in dollars, with at most three decimals, below 100,000.

    Raises:
        BadSymbol: a term does not fit into its place.
    """
    thousandths = round(strike_price * 1000)
    if abs(strike_price * 1000 - thousandths) > 1e-6 or not 0 <= thousandths < 10**8:
        raise BadSymbol(f"strike {strike_price} of {root} does not fit OSI's five digits and three decimals")
    symbol = f"{root.upper():<{OSI_ROOT_LENGTH}}{expiration:%y%m%d}{option_type}{thousandths:08d}"
    if len(symbol) != OSI_LENGTH or not OSI.fullmatch(symbol) or not 2000 <= expiration.year < 2100:
        raise BadSymbol(f"{root!r} {expiration} {option_type} cannot be written as an OSI symbol of 21 characters")
    return symbol


def osi_terms(symbol: str) -> OptionTerms:
    """The terms that an OSI-21 symbol holds; the root stands for the underlying.

    Raises:
        BadSymbol: it is not an OSI-21 symbol, or its date does not exist.
    """
    match = OSI.fullmatch(symbol) if len(symbol) == OSI_LENGTH else None
    if match is None:
        raise BadSymbol(f"{symbol!r} is not an OSI symbol: six characters of root, yymmdd, C or P, eight digits")
    root, year, month, day, option_type, strike = match.groups()
    try:
        expiration = dt.date(2000 + int(year), int(month), int(day))
    except ValueError as error:
        raise BadSymbol(f"{symbol!r} expires on a date that does not exist") from error
    return OptionTerms(root, expiration, cast(OptionType, option_type), int(strike) / 1000)


def isin_check_digit(body: str) -> str:
    """The last digit of an ISIN from its first eleven characters (ISO 6166: Luhn over letters as 10 to 35).

    Raises:
        BadSymbol: the body is not two letters and nine letters or digits.
    """
    if not ISIN.fullmatch(f"{body}0"):
        raise BadSymbol(f"{body!r} is not the body of an ISIN: two capital letters and nine capitals or digits")
    digits = "".join(str(int(character, 36)) for character in body)
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::-2])
    return str(-(doubled + sum(int(digit) for digit in digits[-2::-2])) % 10)


def is_isin(symbol: str) -> bool:
    """Whether this is an ISIN with the right check digit."""
    return bool(ISIN.fullmatch(symbol)) and isin_check_digit(symbol[:-1]) == symbol[-1]


@lru_cache(maxsize=4096)
def krx_expiration(year: int, month: int) -> dt.date:
    """The last trading day of KRX's monthly options: the second Thursday, or the trading day before a holiday."""
    first = dt.date(year, month, 1)
    second_thursday = first + dt.timedelta(days=(THURSDAY - first.weekday()) % 7 + 7)
    days = trading_days("XKRX", year)
    return days[bisect_right(days, second_thursday) - 1]


def krx_option_isin(option_type: OptionType, year: int, month: int, strike_price: float) -> str:
    """The ISIN of a monthly KOSPI 200 option, with its check digit.

    Args:
        option_type: C or P.
        year: of the expiration, from 1996.
        month: of the expiration, 1 to 12.
        strike_price: in index points on the grid of 2.5, below 1,000.

    Raises:
        BadSymbol: the strike or the year has no code.
    """
    if strike_price % 2.5 or not 0 < strike_price < 1000 or year < KRX_FIRST_YEAR:
        raise BadSymbol(f"no ISIN for a strike of {strike_price} in {year}: KRX lists multiples of 2.5 below 1,000")
    codes = KRX_YEARS[(year - KRX_FIRST_YEAR) % len(KRX_YEARS)] + KRX_MONTHS[month - 1]
    body = f"KR4{'2' if option_type == 'C' else '3'}01{codes}{int(strike_price):03d}"
    return body + isin_check_digit(body)


@lru_cache(maxsize=65_536)
def krx_option_terms(isin: str, on: dt.date) -> OptionTerms:
    """The terms that the ISIN of a monthly KOSPI 200 option holds.

    Year codes repeat after 30 years, so the year nearest to `on` is taken. The strike's code is its integer part;
    strikes lie 2.5 points apart, so 247 stands for 247.5. The check digit is not looked at: `is_isin` does that.

    Args:
        isin: twelve characters.
        on: a date on which the contract was traded.

    Raises:
        BadSymbol: it is not such an ISIN.
    """
    match = KRX_OPTION.fullmatch(isin)
    if match is None:
        raise BadSymbol(f"{isin!r} is not the ISIN of a KOSPI 200 option (KR4, 2 or 3, 01, year, month, strike, digit)")
    kind, underlying, year_code, month_code, strike_code = match.groups()
    strike = int(strike_code)
    if strike % 5 not in (0, 2):
        raise BadSymbol(
            f"{isin!r} has a strike code of {strike_code}, which is not the integer part of a multiple of 2.5"
        )
    year = _nearest_year(KRX_FIRST_YEAR + KRX_YEARS.index(year_code), on.year)
    expiration = krx_expiration(year, KRX_MONTHS.index(month_code) + 1)
    option_type: OptionType = "C" if kind in "2B" else "P"
    return OptionTerms(KRX_UNDERLYINGS[underlying], expiration, option_type, strike + 0.5 * (strike % 5 == 2))


def _nearest_year(code_year: int, year: int) -> int:
    cycle = len(KRX_YEARS)
    return code_year + cycle * round((year - code_year) / cycle)
