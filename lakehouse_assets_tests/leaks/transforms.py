"""The way from ticks to any table, with one transform replaced: where leaks in features are planted.

Belongs here: running the texts one after another over ticks in memory, and changing one. Does not: what must hold.
"""

import re
from dataclasses import dataclass
from functools import cache

from lakehouse_assets.transforms.text import sql_text, tables_of
from lakehouse_assets_tests.transforms.stories import Row, run

FEATURES = "feature_option_minutes"
OPTION_BARS = "gold_option_minute_bars"


@dataclass(frozen=True)
class Ticks:
    """What was delivered: ticks of options and of their underlyings."""

    options: list[Row]
    underlyings: list[Row]


@dataclass(frozen=True)
class Plant:
    """A change of one transform's text; none by default, i.e. the transforms as they are."""

    table: str = FEATURES
    honest: str = ""
    leaking: str = ""

    def rows(self, ticks: Ticks, table: str = FEATURES) -> list[Row]:
        """A table's rows, by way of all the transforms before it."""
        made = {"bronze_option_ticks": ticks.options, "bronze_underlying_ticks": ticks.underlyings}
        return self._rows(table, made)

    def _rows(self, table: str, made: dict[str, list[Row]]) -> list[Row]:
        if table not in made:
            text = self.text(table)
            made[table] = run(table, None, text, **{name: self._rows(name, made) for name in read_by(text)})
        return made[table]

    def text(self, table: str) -> str:
        """A table's transform, as it is planted.

        Raises:
            AssertionError: the text does not hold what the plant replaces.
        """
        if not self.honest or table != self.table:
            return sql_text(table)
        text = plain(table)
        assert self.honest in text, f"{table}.sql no longer says {self.honest!r}: plant this leak elsewhere"
        return text.replace(self.honest, self.leaking)


@cache
def plain(table: str) -> str:
    """A transform's text on one line, without comments."""
    lines = (line for line in sql_text(table).splitlines() if not line.lstrip().startswith("--"))
    return re.sub(r"\s+", " ", " ".join(lines)).strip()


@cache
def read_by(text: str) -> tuple[str, ...]:
    """The tables that a text reads, by name."""
    return tuple(sorted(tables_of(text)))
