"""Somebody publishes in production while a copy is under way: what a copy did not see when it began stays."""

from collections.abc import Callable

import pytest

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS
from lakehouse_assets.lake.commit import PublishConflict
from lakehouse_assets.services.copying.report import Progress
from lakehouse_assets_tests.services.copying.conftest import Ends
from lakehouse_assets_tests.services.copying.days import DAYS, FIRST_KEY, SECOND_KEY, TABLES, hashes, put_nothing
from lakehouse_assets_tests.services.trained import put_day


def interrupting(where: str, step: Callable[[], None]) -> Progress:
    """Progress in which somebody does something else, once, when a piece of that name is copied."""
    done: list[str] = []

    def tell(what: str, _: int) -> None:
        if what == where and not done:
            done.append(what)
            step()

    return tell


@pytest.mark.parametrize("is_first_copy", [True, False])
@pytest.mark.parametrize("contract", TABLES)
def test_what_production_publishes_while_a_copy_is_under_way_is_never_replaced(
    contract: Contract, is_first_copy: bool, two_days: Ends
) -> None:
    if not is_first_copy:
        two_days.run()
        for number, day in enumerate(DAYS):
            put_day(two_days.source, day, seed=10 + number)
    progress = interrupting(f"{contract.table} {FIRST_KEY}", lambda: put_day(two_days.target, DAYS[1], seed=99))
    with pytest.raises(PublishConflict, match=f"{contract.table} {SECOND_KEY}: another run published this partition"):
        two_days.run(progress=progress)
    shown, ours = hashes(two_days.target, contract), hashes(two_days.source, contract)
    assert shown[FIRST_KEY] == ours[FIRST_KEY]
    put_day(two_days.source, DAYS[1], seed=99)
    assert shown[SECOND_KEY] == hashes(two_days.source, contract)[SECOND_KEY]


def test_the_same_rows_published_meanwhile_are_no_conflict(two_days: Ends) -> None:
    progress = interrupting(f"feature_option_labels {FIRST_KEY}", lambda: put_day(two_days.target, DAYS[1], seed=1))
    two_days.run(progress=progress)
    assert hashes(two_days.target, FEATURE_OPTION_LABELS) == hashes(two_days.source, FEATURE_OPTION_LABELS)


def test_an_emptied_date_that_production_makes_meanwhile_stays(two_days: Ends) -> None:
    two_days.run()
    put_day(two_days.source, DAYS[0], seed=10)
    put_nothing(two_days.source, SECOND_KEY)
    progress = interrupting(f"feature_option_labels {FIRST_KEY}", lambda: put_day(two_days.target, DAYS[1], seed=99))
    with pytest.raises(PublishConflict, match=f"{SECOND_KEY}: another run published this partition meanwhile"):
        two_days.run(progress=progress)
    assert SECOND_KEY in hashes(two_days.target, FEATURE_OPTION_LABELS)
