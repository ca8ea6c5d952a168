"""Writing a table outside a Dagster output: from a step's own body, or from the console script.

Belongs here: stage, judge and publish in one go, where a refusal is an exception. Does not: the three of them
(`staging`, `judging`, `commit`), nor how an asset writes its table (`asset`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse_assets.contracts.contract import Contract
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.commit import PREFIX, PublishConflict, Published, publish
from lakehouse_assets.lake.gates import Gate
from lakehouse_assets.lake.judging import Judged, judge
from lakehouse_assets.lake.query import Content
from lakehouse_assets.lake.staging import WHOLE, Staged, stage


class BatchRefused(RuntimeError):
    """A blocking gate refused the rows and nothing was published; the message says which and why."""

    def __init__(self, words: str, verdicts: tuple[Judged, ...]) -> None:
        super().__init__(words)
        self.verdicts = verdicts


@dataclass(frozen=True)
class Written:
    """A table as it was written: what was staged, what the gates said, and the snapshot that shows it."""

    staged: Staged
    verdicts: tuple[Judged, ...]
    published: Published


@dataclass(frozen=True)
class Accepted:
    """Rows that passed their gates and wait to be published, or to be discarded."""

    lake: Lake
    staged: Staged
    verdicts: tuple[Judged, ...]

    def publish(self, run_id: str) -> Written:
        """Make them visible in one commit, in the name of a run.

        Raises:
            PublishConflict: another run published first; the staged files are removed.
            PublishUnknown: the catalog does not answer; the staged files stay.
        """
        published = publish(self.lake, self.staged, {f"{PREFIX}run-id": run_id})
        return Written(self.staged, self.verdicts, published)


def accept(lake: Lake, contract: Contract, gates: Sequence[Gate], content: Content) -> Accepted:
    """Stage the rows of a table without partitions and judge them; nobody sees them yet.

    A content that names the table itself among its inputs is made of what the table held: it is taken only while the
    table still holds that.

    Raises:
        BatchRefused: a blocking gate refused them; the files stay where the message says.
        PublishConflict: the table changed since the content read it.
    """
    staged = stage(lake, contract, content, [WHOLE])
    try:
        _refuse_outdated(staged)
        verdicts = judge([staged], {contract.table: gates})
        staged.release(lake)
    except BaseException:
        staged.discard(lake)
        raise
    refused = [one for one in verdicts if one.refuses]
    if refused:
        reasons = "; ".join(f"{one.gate.name} failed: {one.verdict.words}" for one in refused)
        folders = ", ".join(part.folder for part in staged.partitions if part.folder)
        words = f"{contract.table} stays as it was: {reasons}" + (
            f"; the refused rows are in {folders}" if folders else ""
        )
        raise BatchRefused(words, verdicts)
    return Accepted(lake, staged, verdicts)


def write(lake: Lake, contract: Contract, gates: Sequence[Gate], content: Content, run_id: str) -> Written:
    """Stage, judge and publish the rows of a table without partitions.

    Raises:
        BatchRefused: a blocking gate refused them; the table shows what it showed.
        PublishConflict: another run published first.
        PublishUnknown: the catalog does not answer.
    """
    return accept(lake, contract, gates, content).publish(run_id)


def _refuse_outdated(staged: Staged) -> None:
    table = staged.contract.table
    if table not in staged.inputs:
        return
    paths = {file.path for file in staged.inputs[table].files}
    if any(part.base != paths for part in staged.partitions):
        raise PublishConflict(f"{table}: another run published since its rows were read; run again")
