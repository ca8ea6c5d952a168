"""Dates that the source holds no rows of any more: production shows them as empty too, unless the rows are its own."""

import pytest

from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.lake.commit import PREFIX
from lakehouse_assets.lake.content_hash import content_hash
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.lake.inspection import snapshots
from lakehouse_assets.lake.table import pin, pin_at
from lakehouse_assets.services.copying import CopyRefused
from lakehouse_assets.services.copying.report import silent
from lakehouse_assets.services.copying.tables import TableCopy
from lakehouse_assets_tests.services.copying.conftest import Ends
from lakehouse_assets_tests.services.copying.days import DAYS, FIRST_KEY, SECOND_KEY, hashes, put_nothing
from lakehouse_assets_tests.services.trained import put_day


def test_a_date_that_the_source_made_again_as_empty_gives_way(two_days: Ends) -> None:
    two_days.run()
    source, target = two_days.source, two_days.target
    put_nothing(source, SECOND_KEY, **{f"{PREFIX}run-id": "run-8"})
    assert two_days.copy()["feature_option_labels"] == (1, 1, 0)
    assert list(hashes(target, FEATURE_OPTION_LABELS)) == [FIRST_KEY]
    assert list(hashes(target, FEATURE_OPTION_MINUTES)) == [FIRST_KEY, SECOND_KEY]
    newest = snapshots(target, FEATURE_OPTION_LABELS)[0]
    assert (newest.partitions, newest.run_id, newest.rows_total) == ((SECOND_KEY,), "run-8", 600)
    assert not two_days.run().is_new
    put_day(source, DAYS[1], seed=5)
    assert two_days.copy()["feature_option_labels"] == (1, 1, 0)
    assert hashes(target, FEATURE_OPTION_LABELS) == hashes(source, FEATURE_OPTION_LABELS)


def test_a_date_that_a_foreign_writer_deleted_at_the_source_gives_way(two_days: Ends) -> None:
    two_days.run()
    two_days.source.load(FEATURE_OPTION_LABELS.table).delete(f"trading_date = '{SECOND_KEY}'")
    assert two_days.copy()["feature_option_labels"] == (1, 1, 0)
    assert list(hashes(two_days.target, FEATURE_OPTION_LABELS)) == [FIRST_KEY]
    assert not two_days.run().is_new


def test_rows_of_productions_own_stay_where_the_source_has_none_any_more(two_days: Ends) -> None:
    put_nothing(two_days.source, SECOND_KEY)
    put_day(two_days.target, DAYS[1], seed=99)
    own = hashes(two_days.target, FEATURE_OPTION_LABELS)
    with pytest.raises(CopyRefused, match=rf"never were the source's: feature_option_labels {SECOND_KEY};"):
        two_days.run()
    assert two_days.copy(keep=True)["feature_option_labels"] == (1, 0, 1)
    assert hashes(two_days.target, FEATURE_OPTION_LABELS)[SECOND_KEY] == own[SECOND_KEY]


def test_states_of_models_are_shown_also_where_a_date_was_emptied_in_between(two_days: Ends) -> None:
    full = pin(two_days.source, FEATURE_OPTION_LABELS)
    put_nothing(two_days.source, FIRST_KEY)
    emptied = pin(two_days.source, FEATURE_OPTION_LABELS)
    put_day(two_days.source, DAYS[1], seed=7)
    wanted = [full.snapshot_id or 0, emptied.snapshot_id or 0]
    copied = TableCopy(FEATURE_OPTION_LABELS, Cut(two_days.source), two_days.source, two_days.target, wanted)
    copied.run(None, silent)
    for known in (full, emptied):
        shown = pin_at(two_days.target, FEATURE_OPTION_LABELS, known.snapshot_id or 0)
        assert content_hash(shown) == content_hash(known)
    assert hashes(two_days.target, FEATURE_OPTION_LABELS) == hashes(two_days.source, FEATURE_OPTION_LABELS)
