"""A table written in one call: published behind its gates, or left as it was with the reason."""

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict
from lakehouse_assets.lake.gates import contract_gate
from lakehouse_assets.lake.query import Rows
from lakehouse_assets.lake.table import pin
from lakehouse_assets.lake.writing import BatchRefused, accept, write
from lakehouse_assets_tests.lake.toys import MONDAY, TOY, data_files, head, published_files, seen, ticks

WHOLE_TOY = replace(TOY, table="toy_whole", partition=())
GATES = (contract_gate(WHOLE_TOY),)


def test_what_passes_is_published_in_the_name_of_the_run(lake: Lake) -> None:
    written = write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY)), "run-7")
    assert (written.staged.rows, written.published.is_new) == (4, True)
    assert written.published.snapshot_id == head(lake, WHOLE_TOY)
    assert [one.verdict.passed for one in written.verdicts] == [True]
    snapshot = lake.load("toy_whole").current_snapshot()
    assert snapshot is not None
    assert snapshot.summary is not None
    assert snapshot.summary["lakehouse.run-id"] == "run-7"
    again = write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY)), "run-8")
    assert (again.published.is_new, again.published.snapshot_id) == (False, snapshot.snapshot_id)


def test_what_is_refused_leaves_the_table_as_it_was_and_can_be_looked_at(lake: Lake) -> None:
    write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY)), "run-1")
    before = head(lake, WHOLE_TOY)
    with pytest.raises(BatchRefused, match=r"toy_whole stays as it was: .* price_is_below_0: 4 of 4 rows") as refused:
        write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY, price=-1.0)), "run-2")
    assert [one.refuses for one in refused.value.verdicts] == [True]
    assert head(lake, WHOLE_TOY) == before
    folder = str(refused.value).rpartition("the refused rows are in ")[2].removeprefix("file://")
    assert list(Path(folder).rglob("*.parquet"))


def test_what_is_accepted_is_invisible_until_it_is_published(lake: Lake) -> None:
    accepted = accept(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY)))
    assert (seen(lake, contract=WHOLE_TOY), len(data_files(lake, WHOLE_TOY))) == ([], 1)
    accepted.publish("run-1")
    assert len(seen(lake, contract=WHOLE_TOY)) == 4


def test_what_was_made_of_older_rows_replaces_no_newer_ones(lake: Lake) -> None:
    """Staging takes the table as it finds it: what came between reading and staging would be lost unseen."""
    write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY, 4)), "run-1")
    read = pin(lake, WHOLE_TOY)
    write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY, 5)), "run-2")
    with pytest.raises(PublishConflict, match="toy_whole: another run published since its rows were read"):
        write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY, 6), {"toy_whole": read}), "run-3")
    assert len(seen(lake, contract=WHOLE_TOY)) == 5
    assert data_files(lake, WHOLE_TOY) >= published_files(lake, WHOLE_TOY)
    assert len(data_files(lake, WHOLE_TOY)) == 2, "the files of the conflict were left behind"
    write(lake, WHOLE_TOY, GATES, Rows(ticks(MONDAY, 6), {"toy_whole": pin(lake, WHOLE_TOY)}), "run-4")
    assert len(seen(lake, contract=WHOLE_TOY)) == 6


def test_a_gate_that_breaks_leaves_no_files(lake: Lake) -> None:
    def fail(_: object) -> object:
        raise ZeroDivisionError

    broken = replace(GATES[0], judge=fail)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        accept(lake, WHOLE_TOY, (broken,), Rows(ticks(MONDAY)))
    assert not data_files(lake, WHOLE_TOY)
