"""Tables that only grow: nothing is lost, nothing is changed, and links hold."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.gates import Chain, Gate, Verdict, chain_gate, history_gate
from lakehouse_assets.lake.judging import judge
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import WHOLE, stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.lake.writing import write

STEPS = Contract(
    table="toy_steps",
    layer="models",
    description="Toy steps.",
    grain="one step",
    columns=(
        Column("walker", "string", "Who"),
        Column("number", "long", "Which"),
        Column("start", "long", "From"),
        Column("stop", "long", "To"),
    ),
    key=("walker", "number"),
    partition=(),
)
LINKED = chain_gate(STEPS, Chain(owner="walker", number="number", begins="start", ends="stop"))
KEPT = history_gate(STEPS)
ANN: tuple[Any, ...] = (("ann", 1, None, 5), ("ann", 2, 5, None), ("ann", 3, None, 7))


def steps(rows: tuple[Any, ...]) -> pa.Table:
    types = (pa.string(), pa.int64(), pa.int64(), pa.int64())
    columns = zip(*rows, strict=True) if rows else ((),) * len(types)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=list(STEPS.column_names))


def verdict(lake: Lake, gate: Gate, rows: tuple[Any, ...]) -> Verdict:
    """What a gate says of rows that were made of the table as it is."""
    staged = stage(lake, STEPS, Rows(steps(rows), {STEPS.table: pin(lake, STEPS)}), [WHOLE])
    (judged,) = judge([staged], {STEPS.table: (gate,)})
    assert judged.gate.is_blocking
    return judged.verdict


@pytest.mark.parametrize(
    ("rows", "lost"),
    [
        (ANN, 0),
        ((*ANN, ("bob", 1, None, 1)), 0),
        (ANN[:2], 1),
        ((*ANN[:2], ("ann", 3, None, 8)), 1),
        ((*ANN[:2], ("ann", 3, 0, 7)), 1),
        ((), 3),
    ],
)
def test_a_row_that_the_table_held_is_there_as_it_was(lake: Lake, rows: tuple[Any, ...], lost: int) -> None:
    write(lake, STEPS, (), Rows(steps(ANN)), "run-1")
    found = verdict(lake, KEPT, rows)
    assert (found.passed, found.values["rows_lost"], found.values["rows_before"]) == (not lost, lost, 3)


def test_a_row_that_was_there_twice_must_be_there_twice(lake: Lake) -> None:
    write(lake, STEPS, (), Rows(steps((*ANN, ANN[0]))), "run-1")
    assert not verdict(lake, KEPT, ANN).passed


def test_rows_made_without_reading_the_table_are_refused(lake: Lake) -> None:
    staged = stage(lake, STEPS, Rows(steps(ANN)), [WHOLE])
    (judged,) = judge([staged], {STEPS.table: (KEPT,)})
    assert judged.refuses
    assert "without reading toy_steps" in judged.verdict.words


@pytest.mark.parametrize(
    ("rows", "misplaced", "broken"),
    [
        ((), 0, 0),
        (ANN, 0, 0),
        ((*ANN, ("bob", 1, None, 1), ("bob", 2, 1, 2)), 0, 0),
        ((("ann", 1, 4, 5),), 0, 1),
        ((("ann", 2, None, 5),), 1, 0),
        ((("ann", 1, None, 5), ("ann", 3, 5, 6)), 1, 0),
        ((("ann", 1, None, 5), ("ann", 2, None, 6)), 0, 1),
        ((("ann", 1, None, 5), ("ann", 1, None, 6)), 1, 1),
    ],
)
def test_each_row_begins_where_the_one_before_it_ended(
    lake: Lake, rows: tuple[Any, ...], misplaced: int, broken: int
) -> None:
    found = verdict(lake, LINKED, rows)
    assert (found.values["misplaced"], found.values["broken"]) == (misplaced, broken)
    assert found.passed == (misplaced == broken == 0)


def test_the_names_of_the_gates_are_sentences_about_the_table() -> None:
    assert (KEPT.name, LINKED.name) == ("toy_steps_keep_what_they_held", "toy_steps_follow_one_another")
    one = replace(STEPS, table="toy_way")
    assert history_gate(one).name == "toy_way_keeps_what_it_held"
    assert chain_gate(one, Chain("walker", "number", "start", "stop")).name == "toy_way_follows_on"
