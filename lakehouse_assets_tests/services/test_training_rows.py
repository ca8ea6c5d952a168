"""Which rows a learner reads: labelled ones, in the order of time, features by role and nothing else."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import publish
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.staging import stage
from lakehouse_assets.lake.table import pin
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.services.environment import LOCK_FILE
from lakehouse_assets.services.training_rows import KnownTooLate, columns_of, identity_of, training_inputs
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import TYPES

DAY = dt.date(2026, 11, 18)
OPENING = dt.datetime(2026, 11, 18, 0, 0, tzinfo=dt.UTC)
LABEL = columns_of(FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS).label
MINUTES = 6


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(Settings(home=tmp_path / "home"))


def value_of(contract: Contract, column: str, minute: int) -> Any:
    """Something of the column's type that tells the minute."""
    moment = OPENING + dt.timedelta(minutes=minute)
    known = {"trading_date": DAY, "source": "krx", "symbol": "AAA", "t1": moment + dt.timedelta(minutes=5)}
    if column in known:
        return known[column]
    of_type = {
        "string": "x", "long": minute, "int": minute, "double": float(minute), "boolean": True, "date": DAY,
        "timestamptz": moment,
    }  # fmt: skip
    return of_type[contract.by_name[column].type]


def put(lake: Lake, contract: Contract, minutes: list[int], **columns: Any) -> None:
    """Publish one row a minute, in the order given."""
    rows = {
        column.name: pa.array(
            columns.get(column.name) or [value_of(contract, column.name, minute) for minute in minutes],
            TYPES[column.type],
        )
        for column in contract.columns
    }
    publish(lake, stage(lake, contract, Rows(pa.table(rows)), [DAY.isoformat()]), {})


def inputs(lake: Lake) -> Any:
    return training_inputs(pin(lake, FEATURE_OPTION_MINUTES), pin(lake, FEATURE_OPTION_LABELS))


def test_rows_are_joined_in_the_order_of_time_and_those_without_label_left_out(lake: Lake) -> None:
    backwards = list(reversed(range(MINUTES)))
    put(lake, FEATURE_OPTION_MINUTES, backwards)
    put(lake, FEATURE_OPTION_LABELS, backwards, **{LABEL: [1, None, 0, 1, None, 0]})
    found = inputs(lake)
    rows = pa.Table.from_batches(list(found.rows())).to_pylist()
    assert [row[found.columns.t0].minute for row in rows] == [0, 2, 3, 5]
    assert [row[LABEL] for row in rows] == [0, 1, 0, 1]
    assert set(found.columns.features) <= set(rows[0])


def test_a_label_without_features_and_features_without_label_are_no_rows(lake: Lake) -> None:
    put(lake, FEATURE_OPTION_MINUTES, [0, 1, 2])
    put(lake, FEATURE_OPTION_LABELS, [2, 3, 4], **{LABEL: [1, 1, 1]})
    assert sum(batch.num_rows for batch in inputs(lake).rows()) == 1


def test_a_learner_reads_no_column_that_the_contract_does_not_call_a_feature() -> None:
    columns = columns_of(FEATURE_OPTION_MINUTES, FEATURE_OPTION_LABELS)
    assert set(columns.features) == set(FEATURE_OPTION_MINUTES.features)
    assert not set(columns.features) & set(FEATURE_OPTION_LABELS.column_names)
    assert {"available_at", "trading_date", "symbol"}.isdisjoint(columns.features)


def test_a_contract_without_exactly_one_label_is_refused() -> None:
    without = replace(
        FEATURE_OPTION_LABELS, columns=tuple(replace(c, role="plain") for c in FEATURE_OPTION_LABELS.columns)
    )
    with pytest.raises(ValueError, match="exactly one label"):
        columns_of(FEATURE_OPTION_MINUTES, without)


@pytest.mark.parametrize("name", ["is_up", "mid_t1", "last_direction"])
def test_a_feature_that_is_a_column_of_the_labels_is_refused(name: str) -> None:
    column = replace(FEATURE_OPTION_LABELS.by_name[name], role="feature")
    leaking = replace(FEATURE_OPTION_MINUTES, columns=(*FEATURE_OPTION_MINUTES.columns, column))
    with pytest.raises(ValueError, match=f"feature_option_minutes: {name} must not be a feature"):
        columns_of(leaking, FEATURE_OPTION_LABELS)


@pytest.mark.parametrize(("minutes", "message"), [([0, 1, 2], None), ([0, 0, 0], None), ([0, 1, 3], "1 of 3 rows")])
def test_features_revised_after_their_labels_are_refused(lake: Lake, minutes: list[int], message: str | None) -> None:
    put(lake, FEATURE_OPTION_LABELS, [0, 1, 2], **{LABEL: [1, 0, 1]})
    put(lake, FEATURE_OPTION_MINUTES, [0, 1, 2], available_at=[OPENING + dt.timedelta(minutes=n) for n in minutes])
    if message is None:
        assert sum(batch.num_rows for batch in inputs(lake).rows()) == 3
        return
    with pytest.raises(
        KnownTooLate, match=rf"{message} have features that were known only after t0, e\.g\. at .*00:03"
    ):
        list(inputs(lake).rows())


def test_an_empty_table_is_too_little_history_and_named(lake: Lake) -> None:
    with pytest.raises(TooLittleHistory, match="feature_option_minutes is empty"):
        inputs(lake)
    put(lake, FEATURE_OPTION_MINUTES, [0])
    with pytest.raises(TooLittleHistory, match="feature_option_labels is empty"):
        inputs(lake)


def test_the_inputs_name_the_snapshots_that_are_read_even_after_a_later_write(lake: Lake) -> None:
    put(lake, FEATURE_OPTION_MINUTES, [0, 1])
    put(lake, FEATURE_OPTION_LABELS, [0, 1], **{LABEL: [1, 0]})
    found = inputs(lake)
    before = pin(lake, FEATURE_OPTION_MINUTES).snapshot_id
    put(lake, FEATURE_OPTION_MINUTES, [0])
    assert sum(batch.num_rows for batch in found.rows()) == 2
    assert found.tables[0].snapshot_id == before
    assert found.tables[0].identifier == "option_ticks_db.feature_option_minutes"
    assert inputs(lake).tables[0].content_key != found.tables[0].content_key


def test_a_run_says_which_code_and_which_lock_it_ran_with() -> None:
    from hashlib import sha256

    who = identity_of("run-1", "model_xgboost")
    assert who.lock_sha256 == sha256(LOCK_FILE.read_bytes()).hexdigest()
    assert who.git_sha == "unknown" or len(who.git_sha.removesuffix("-dirty")) == 40
