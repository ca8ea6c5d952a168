"""From which columns each column comes."""

import pytest

from lakehouse_assets.transforms.lineage import column_lineage, output_columns
from lakehouse_assets_tests.transforms.market import INPUTS, TICKS

STORY = """
WITH bars AS (
    SELECT symbol, underlying, MAX(price) AS high, MIN(CASE WHEN is_trade THEN bid END) AS low, COUNT(*) AS ticks
    FROM ticks
    GROUP BY symbol, underlying
),
mids AS (
    SELECT symbol, MAX(mid) AS mid FROM quotes GROUP BY symbol
)
SELECT b.symbol, b.high - b.low AS spread, b.ticks, m.mid, $label AS label, moved(b.high, m.mid) AS moved
FROM bars AS b
LEFT JOIN mids AS m ON m.symbol = b.underlying
"""

MACROS = """
CREATE MACRO moved(a, b) AS (a - b) / NULLIF(b, 0);
CREATE MACRO latest(source) AS TABLE SELECT symbol, MAX(ts) AS ts FROM query_table(source) GROUP BY symbol;
"""


def test_a_column_names_every_column_it_comes_from() -> None:
    assert column_lineage("story", STORY, INPUTS, MACROS) == {
        "symbol": (("ticks", "symbol"),),
        "spread": (("ticks", "bid"), ("ticks", "is_trade"), ("ticks", "price")),
        "ticks": (),
        "mid": (("quotes", "mid"),),
        "label": (),
        "moved": (("quotes", "mid"), ("ticks", "price")),
    }


def test_both_sides_of_a_union_are_named() -> None:
    text = "SELECT symbol, price AS value FROM ticks UNION ALL SELECT symbol, mid FROM quotes"
    assert column_lineage("both", text, INPUTS, "")["value"] == (("quotes", "mid"), ("ticks", "price"))


def test_a_star_is_spelled_out() -> None:
    text = "WITH a AS (SELECT * FROM ticks) SELECT a.* FROM a"
    assert output_columns("copy", text, INPUTS, "") == TICKS.column_names
    assert column_lineage("copy", text, INPUTS, "")["bid"] == (("ticks", "bid"),)


def test_an_alias_of_a_table_is_seen_through() -> None:
    text = "SELECT b.ts AS early, a.ts AS late FROM ticks AS a JOIN ticks AS b ON a.sequence = b.sequence + 1"
    assert column_lineage("pairs", text, INPUTS, "") == {"early": (("ticks", "ts"),), "late": (("ticks", "ts"),)}


def test_a_table_macro_is_seen_through() -> None:
    text = "WITH q AS (SELECT symbol, ts FROM quotes) SELECT l.symbol, l.ts FROM latest(q) AS l"
    assert column_lineage("last", text, INPUTS, MACROS)["ts"] == (("quotes", "ts"),)


def test_windows_name_what_orders_them() -> None:
    text = "SELECT LAG(price) OVER (PARTITION BY symbol ORDER BY sequence) AS previous FROM ticks"
    assert column_lineage("w", text, INPUTS, "")["previous"] == (
        ("ticks", "price"), ("ticks", "sequence"), ("ticks", "symbol"),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["SELECT cost FROM ticks", "SELECT price FROM (", "DROP TABLE ticks"])
def test_a_text_that_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"costs\.sql: "):
        column_lineage("costs", text, INPUTS, "")
