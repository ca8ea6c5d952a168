"""Two small tables that the tests of the transforms read: ticks and their underlyings' quotes."""

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.layers import BRONZE

TICKS = Contract(
    table="ticks",
    layer=BRONZE,
    description="Ticks.",
    grain="one tick",
    columns=(
        Column("symbol", "string", "Symbol"),
        Column("underlying", "string", "Underlying"),
        Column("sequence", "long", "Order of the ticks"),
        Column("size", "int", "Contracts"),
        Column("price", "double", "Price"),
        Column("bid", "double", "Bid"),
        Column("ts", "timestamptz", "Time of the event"),
        Column("trading_date", "date", "Trading date"),
        Column("expiration", "date", "Expiration"),
        Column("is_trade", "boolean", "Whether it is a trade"),
    ),
    key=("symbol", "sequence"),
)

QUOTES = Contract(
    table="quotes",
    layer=BRONZE,
    description="Quotes of the underlyings.",
    grain="one quote",
    columns=(
        Column("symbol", "string", "Symbol"),
        Column("sequence", "long", "Order of the quotes"),
        Column("mid", "double", "Mid price"),
        Column("ts", "timestamptz", "Time of the quote"),
        Column("trading_date", "date", "Trading date"),
    ),
    key=("symbol", "sequence"),
)

INPUTS = {"ticks": TICKS, "quotes": QUOTES}
