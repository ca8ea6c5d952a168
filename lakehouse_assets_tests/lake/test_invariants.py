"""Attack the lake in any order, then check the invariants after every step."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lakehouse_assets.contracts.contract import Column, Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PublishConflict, publish
from lakehouse_assets.lake.table import pin
from lakehouse_assets.settings import Settings
from lakehouse_assets_tests.lake.toys import TOY, data_files, head, published_files, stage_ticks, ticks, verdicts

DAYS = ["2026-11-16", "2026-11-17"]
days, counts = st.sampled_from(DAYS), st.integers(0, 4)
prices = st.sampled_from([1.0, 2.0])


class AttackedLake(RuleBasedStateMachine):
    """The lake beside a plain dictionary of what must be seen: (rows, price) a day."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.lake = Lake(Settings(home=Path(self.folder.name)))
        self.contract: Contract = TOY
        self.expected: dict[str, tuple[int, float]] = {}
        self.is_exact = True  # refused files stay until they are swept

    def content(self, day: str, count: int, price: float) -> Any:
        return ticks(day, count, price=price, contract=self.contract)

    @rule(day=days, count=counts, price=prices)
    def write(self, day: str, count: int, price: float) -> None:
        before = head(self.lake, self.contract) if self.lake.exists("toy_ticks") else None
        staged = stage_ticks(self.lake, self.content(day, count, price), [day], self.contract)
        was_current = staged.partitions[0].is_current
        assert not any(judged.refuses for judged in verdicts(staged))
        published = publish(self.lake, staged, {})
        changed = head(self.lake, self.contract) != before
        assert published.is_new == changed
        assert not (was_current and changed)
        self.expected[day] = (count, price)

    @rule(day=days)
    def refuse(self, day: str) -> None:
        before = head(self.lake, self.contract) if self.lake.exists("toy_ticks") else None
        staged = stage_ticks(self.lake, self.content(day, 3, -1.0), [day], self.contract)
        assert verdicts(staged)[0].refuses
        staged.discard(self.lake)
        assert head(self.lake, self.contract) == before

    @rule(day=days, other=days, count=st.integers(1, 4))
    def race(self, day: str, other: str, count: int) -> None:
        ours = stage_ticks(self.lake, self.content(day, count, 5.0), [day], self.contract)
        theirs = stage_ticks(self.lake, self.content(other, count, 6.0), [other], self.contract)
        calls: list[bool] = []

        def foreign() -> None:
            if not calls:
                calls.append(publish(Lake(self.lake.settings), theirs, {}).is_new)
                self.expected[other] = (count, 6.0)

        try:
            if publish(self.lake, ours, {}, before_commit=foreign).is_new:
                self.expected[day] = (count, 5.0)
                assert day != other or not any(calls)  # theirs may have been there before
            else:  # ours was there already, so nothing was committed and nobody came between
                theirs.discard(self.lake)
        except PublishConflict:
            assert day == other
            assert any(calls)

    @rule()
    def expire(self) -> None:
        if not self.lake.exists("toy_ticks"):
            return
        table = self.lake.load("toy_ticks")
        old = [snapshot.snapshot_id for snapshot in table.snapshots()][:-1]
        if old:
            table.maintenance.expire_snapshots().by_ids(old).commit()

    @rule()
    def evolve(self) -> None:
        if len(self.contract.columns) < 9:
            new = Column(f"extra_{len(self.contract.columns)}", "long", "Another number")
            self.contract = Contract(**{**vars_of(self.contract), "columns": (*self.contract.columns, new)})

    @invariant()
    def every_day_is_wholly_what_was_written_last(self) -> None:
        found = pin(Lake(self.lake.settings), self.contract).batches().read_all().to_pylist()
        rows = sorted((row["trading_date"].isoformat(), row["id"], row["price"]) for row in found)
        assert rows == sorted((d, n, price) for d, (count, price) in self.expected.items() for n in range(count))

    @invariant()
    def only_published_files_are_left(self) -> None:
        if self.lake.exists("toy_ticks") and head(self.lake):
            assert published_files(self.lake) <= data_files(self.lake)

    def teardown(self) -> None:
        self.folder.cleanup()


def vars_of(contract: Contract) -> dict[str, Any]:
    return {name: getattr(contract, name) for name in contract.__dataclass_fields__}


AttackedLake.TestCase.settings = settings(
    max_examples=6, stateful_step_count=8, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # a step costs a quarter of a second: shrinking would take minutes


@pytest.mark.slow
class TestAttackedLake(AttackedLake.TestCase):  # type: ignore[misc, valid-type]
    """Run by pytest."""
