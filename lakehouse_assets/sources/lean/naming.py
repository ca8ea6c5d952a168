"""What Lean's paths and entry names say: security, ticker, date, kind of data, and the terms of a contract.

Belongs here: reading names, and refusing those that contradict one another. Does not: the rows (`lean`).
Source: the format notes that come with the data (Data/option/readme.md of QuantConnect Lean).
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, cast

from lakehouse_assets.sources.adapter import FileRefused
from lakehouse_assets.sources.symbols import BadSymbol, OptionType, osi_symbol

TickType = Literal["quote", "trade", "openinterest"]

PATH: Final = re.compile(
    r"(?:.*/)?(?P<security>option|equity)/usa/minute/(?P<ticker>[a-z0-9.]+)/"
    r"(?P<date>[0-9]{8})_(?P<tick_type>quote|trade|openinterest)(?:_(?P<style>american|european))?\.zip"
)
OTHER_SECURITY: Final = re.compile(
    r"(?:.*/)?(futureoption|future|forex|cfd|crypto|index|indexoption)/[^/]+/[^/]+/.*\.zip"
)

CONTRACT: Final = re.compile(r"(?P<option_type>call|put)_(?P<strike>[0-9]{1,10})_(?P<expiration>[0-9]{8})\.csv")

PRICE_SCALE: Final = 10_000
"""Prices, strikes included, are integers in ten-thousandths of a dollar."""

LAYOUT: Final = (
    "name it as Lean does: option/usa/minute/<ticker>/<yyyymmdd>_<quote|trade|openinterest>_american.zip "
    "or equity/usa/minute/<ticker>/<yyyymmdd>_<quote|trade>.zip"
)


@dataclass(frozen=True)
class LeanFile:
    """What the path of one zip says: one ticker, one New York date, one kind of data; `style` for options only."""

    security: Literal["option", "equity"]
    ticker: str
    date: dt.date
    tick_type: TickType
    style: str | None

    @property
    def stem(self) -> str:
        """How the names of its entries begin."""
        parts = (f"{self.date:%Y%m%d}", self.ticker, "minute", self.tick_type, *([self.style] if self.style else []))
        return "_".join(parts)


class Instrument(NamedTuple):
    """What an entry is about; an underlying has no terms."""

    symbol: str
    raw_symbol: str
    expiration: dt.date | None = None
    strike_price: float | None = None
    option_type: OptionType | None = None


def lean_file(name: str) -> LeanFile:
    """Reads a path relative to the landing zone.

    Raises:
        FileRefused: UNEXPECTED_NAME where it is not the path of US minute bars in Lean's layout.
    """
    match = PATH.fullmatch(name)
    if match is None:
        if other := OTHER_SECURITY.fullmatch(name):
            raise FileRefused(
                "UNEXPECTED_NAME",
                f"{name} holds {other[1]} data, and this adapter reads US equity options and equities only "
                "(prices, sessions and contract ids of other securities differ): leave it out of the landing zone",
            )
        raise FileRefused("UNEXPECTED_NAME", f"{name} is not where Lean keeps US minute data: {LAYOUT}")
    security = cast(Literal["option", "equity"], match["security"])
    has_style, is_option = match["style"] is not None, security == "option"
    if has_style != is_option or (not is_option and match["tick_type"] == "openinterest"):
        raise FileRefused("UNEXPECTED_NAME", f"{name} mixes the names of options and of equities: {LAYOUT}")
    date = _date(match["date"])
    if date is None:
        raise FileRefused("UNEXPECTED_NAME", f"{name} is named for {match['date']}, which is no date: {LAYOUT}")
    return LeanFile(security, match["ticker"], date, cast(TickType, match["tick_type"]), match["style"])


def instrument(entry: str, file: LeanFile, name: str) -> Instrument:
    """Reads the name of an entry, which must agree with the path of its zip.

    Args:
        entry: the entry's name inside the zip.
        file: what the zip's path says.
        name: how a message calls the zip.

    Raises:
        FileRefused: NOT_WHAT_IT_SAYS where the entry is about another ticker, date or kind of data than its zip,
            or its terms cannot be an option's.
    """
    if file.security == "equity":
        if entry != f"{file.stem}.csv":
            raise _lie(entry, name, f"{file.stem}.csv")
        return Instrument(file.ticker.upper(), file.ticker)
    terms = CONTRACT.fullmatch(entry.removeprefix(f"{file.stem}_")) if entry.startswith(f"{file.stem}_") else None
    expiration = _date(terms["expiration"]) if terms else None
    if terms is None or expiration is None:
        raise _lie(entry, name, f"{file.stem}_<call|put>_<strike x 10000>_<yyyymmdd>.csv")
    option_type: OptionType = "C" if terms["option_type"] == "call" else "P"
    strike = int(terms["strike"]) / PRICE_SCALE
    try:
        symbol = osi_symbol(file.ticker, expiration, option_type, strike)
    except BadSymbol as error:
        raise FileRefused("NOT_WHAT_IT_SAYS", f"entry {entry} of {name}: {error}; correct its name") from error
    raw_symbol = entry.removeprefix(f"{file.date:%Y%m%d}_").removesuffix(".csv")
    raw_symbol = raw_symbol.replace(f"_minute_{file.tick_type}", "", 1)
    return Instrument(symbol, raw_symbol, expiration, strike, option_type)


def _lie(entry: str, name: str, expected: str) -> FileRefused:
    return FileRefused(
        "NOT_WHAT_IT_SAYS",
        f"entry {entry} of {name} should be called {expected}: names hold the contract's terms, so nothing is taken",
    )


def _date(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None
