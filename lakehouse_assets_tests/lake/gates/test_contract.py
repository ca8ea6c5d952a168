"""The contract's gate refuses what a contract names, and nothing else."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakehouse_assets.contracts.contract import Column, Rule
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.courts import DuckDBCourt
from lakehouse_assets.lake.engine import connect
from lakehouse_assets.lake.gates import Case, Verdict, contract_gate, uniqueness
from lakehouse_assets.lake.query import Query
from lakehouse_assets.lake.staging import Staged, stage
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import BY_DATE, MONDAY, TOY, stage_ticks, ticks, verdicts

BREACHES = [
    ({"price": [1.0, math.nan, 2.0, 3.0]}, {"price_is_not_finite": 1, "price_is_above_1000": 1}),  # NaN sorts last
    ({"price": [1.0, math.inf, 2.0, 3.0]}, {"price_is_not_finite": 1, "price_is_above_1000": 1}),
    ({"price": [1.0, -math.inf, 2.0, 3.0]}, {"price_is_not_finite": 1, "price_is_below_0": 1}),
    ({"price": [1.0, -0.0, 0.0, 3.0]}, {"price_is_minus_zero": 1}),
    ({"price": -0.0}, {"price_is_minus_zero": 4}),
    ({"price": [1.0, -1e-300, 2.0, 3.0]}, {"price_is_below_0": 1}),
    ({"price": [1.0, 1000.5, 1000.0, 3.0]}, {"price_is_above_1000": 1}),
    ({"size": [1, 0, 2, None]}, {"size_is_below_1": 1}),
    ({"side": ["buy", "hold", "sell", None]}, {"side_is_not_allowed": 1}),
    ({"id": [0, 1, None, 3]}, {"id_is_null": 1}),
    ({"price": [None, 1.0, None, 1.0], "side": ["sell", "sell", None, "buy"]}, {"sells_have_a_price": 1}),
    ({"id": [0, 1, 0, 3]}, {"key_is_repeated": 1}),
    ({"id": 7}, {"key_is_repeated": 2}),
]


@pytest.mark.parametrize("contract", [TOY, BY_DATE])
@pytest.mark.parametrize(("columns", "breaches"), BREACHES)
def test_a_breach_is_refused_by_name_and_number(
    lake: Lake, contract: Any, columns: dict[str, Any], breaches: Mapping[str, int]
) -> None:
    found = verdict(stage_ticks(lake, ticks(MONDAY, 4, **columns), [MONDAY], contract))
    assert not found.passed
    assert {k: v for k, v in found.values.items() if k not in ("rows", "breaches")} == breaches
    assert found.values["breaches"] == sum(breaches.values())
    assert all(name in found.words for name in breaches)


@pytest.mark.parametrize(
    "columns",
    [{}, {"price": None}, {"price": 0.0}, {"price": [0.0, 1000.0, None, 5e-324]}, {"side": None, "size": None},
     {"size": 2**31 - 1}, {"id": [-5, 2**62, 0, -(2**62)]}],
)  # fmt: skip
def test_rows_within_their_bounds_pass(lake: Lake, columns: dict[str, Any]) -> None:
    assert verdict(stage_ticks(lake, ticks(MONDAY, 4, **columns), [MONDAY])).passed


def test_one_nan_among_many_values_is_found(lake: Lake) -> None:
    text = (
        f"SELECT 'a' AS source, DATE '{MONDAY}' AS trading_date, range AS id, NULL AS side, NULL AS size, "
        "CASE WHEN range = 250000 THEN CAST('nan' AS DOUBLE) WHEN range = 7 THEN -0e0 ELSE 1e0 END AS price "
        "FROM range(300000)"
    )
    found = verdict(stage(lake, TOY, Query(text, {}), [MONDAY]))
    assert (found.values["price_is_not_finite"], found.values["breaches"]) == (1, 2)


def test_an_empty_partition_honours_its_contract(lake: Lake) -> None:
    assert verdict(stage_ticks(lake, ticks(MONDAY, 0), [MONDAY])).words == "0 rows honour the contract"


def test_a_rule_that_warns_is_noted_and_passes(lake: Lake) -> None:
    doubtful = replace(TOY, rules=(Rule("prices_are_round", "price = ROUND(price)", "No cents", severity="warn"),))
    found = verdict(stage_ticks(lake, ticks(MONDAY), [MONDAY], doubtful))
    assert found.passed
    assert found.values["prices_are_round"] == 4
    assert found.words == "4 rows honour the contract; noted: prices_are_round: 4 of 4 rows"


def test_content_that_main_already_shows_is_judged_without_statistics(lake: Lake) -> None:
    publish(lake, stage_ticks(lake, ticks(MONDAY, price=-1.0), [MONDAY]), {})
    again = stage_ticks(lake, ticks(MONDAY, price=-1.0), [MONDAY])
    assert again.partitions[0].is_current
    assert verdict(again).values["price_is_below_0"] == 4


KEYS = st.lists(
    st.tuples(st.sampled_from(["krx", "opra"]), st.one_of(st.none(), st.integers(-3, 4), st.just(2**40))), max_size=12
)


@pytest.mark.slow
@given(keys=KEYS)
@example(keys=[("krx", None), ("krx", 1), ("krx", None), ("opra", None), ("opra", None), ("krx", 1)])
@settings(max_examples=25, deadline=None)
def test_both_ways_count_the_repeated_keys(tmp_path_factory: pytest.TempPathFactory, keys: list[Any]) -> None:
    loose = replace(TOY, columns=tuple(replace(c, required=False) if c.name == "id" else c for c in TOY.columns))
    lake = Lake(Settings(home=tmp_path_factory.mktemp("lake")))
    rows = ticks(MONDAY, len(keys), source=[s for s, _ in keys], id=[n for _, n in keys])
    staged = stage_ticks(lake, rows, [MONDAY], loose)
    expected = len(keys) - len(set(keys))
    with connect(lake.settings) as connection:
        staged.table(staged.partitions[0]).bind(connection)
        case = Case(staged, staged.partitions[0], DuckDBCourt(connection), {}, {})
        assert uniqueness.repeated_by_grouping(case) == expected
        assert uniqueness.repeated_keys(case) == expected
        numbers = [number for _, number in keys if number is not None]
        if numbers and max(numbers) < 2**40:
            assert uniqueness.repeated_by_bits(case, min(numbers), max(numbers)) == expected


def test_a_key_of_text_alone_is_grouped(lake: Lake) -> None:
    by_side = replace(TOY, key=("source", "side"))
    assert verdict(stage_ticks(lake, ticks(MONDAY, 4), [MONDAY], by_side)).values["key_is_repeated"] == 2


def test_a_key_of_one_number_has_one_group(lake: Lake) -> None:
    by_id = replace(TOY, key=("id",))
    assert verdict(stage_ticks(lake, ticks(MONDAY, 4), [MONDAY], by_id)).passed
    assert not verdict(stage_ticks(lake, ticks(MONDAY, 4, id=[1, 2, 3, 1]), [MONDAY], by_id)).passed


def test_a_whole_number_column_may_have_a_maximum(lake: Lake) -> None:
    bounded = replace(TOY, columns=(*TOY.columns[:-1], Column("size", "int", "Size", maximum=10)))
    assert verdict(stage_ticks(lake, ticks(MONDAY, 4, size=[10, 1, -3, None]), [MONDAY], bounded)).passed
    found = verdict(stage_ticks(lake, ticks(MONDAY, 4, size=[11, 1, -3, None]), [MONDAY], bounded))
    assert found.values["size_is_above_10"] == 1


def verdict(staged: Staged) -> Verdict:
    (judged,) = verdicts(staged)
    assert judged.gate.name == contract_gate(staged.contract).name
    return judged.verdict
