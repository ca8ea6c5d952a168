"""Challenger against champion on the same hold-out, and the champion's alias moved on merit.

Belongs here: the order of judging, and what a repeated or raced evaluation finds. Does not: the rules of merit
(learners/judgement), how the alias is moved and written down (promotions).

Nothing is remembered: gates, bounds and the champion are those of today, so every evaluation judges anew. What was
killed before the alias moved has not happened. Two are never judged: the version that serves, and one that was rolled
back from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.learners.algorithms import model_of
from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.learners.evaluation import Scores, evaluate
from lakehouse_assets.learners.judgement import Judgement, advantage, holds_its_floor, is_calibrated, judge
from lakehouse_assets.learners.learner import Model
from lakehouse_assets.learners.matrix import prediction_hash
from lakehouse_assets.learners.training import predict_span
from lakehouse_assets.services.leaderboard import LEADERBOARD_FILE, as_markdown, leaderboard
from lakehouse_assets.services.model_training import training_rows
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.promotions import Evidence, move_champion, reconcile
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.rollback import left_behind
from lakehouse_assets.services.saved_model import load_model
from lakehouse_assets.services.tracking import RunIdentity, evaluation_run
from lakehouse_assets.services.training_record import TrainingInputs, TrainingRecord, readable


class NobodyToJudge(RuntimeError):
    """The algorithm that shall challenge has no version yet; the message says what to materialize."""


@dataclass(frozen=True)
class Contest:
    """What was compared: the challenger's scores, and where there is a champion, its scores on the same rows."""

    challenger: Scores
    champion: Scores | None = None
    over_champion: Interval | None = None

    def as_metrics(self) -> dict[str, float]:
        """The champion's scores under `champion_`, and the challenger's advantage; empty where it stands alone."""
        if self.champion is None or self.over_champion is None:
            return {}
        theirs = {f"champion_{name}": value for name, value in self.champion.as_metrics().items()}
        return {**theirs, "log_loss_advantage": self.over_champion.value}


@dataclass(frozen=True)
class Evaluation:
    """How a contest ended; `contest` is None where there was nothing to judge."""

    number: str
    record: TrainingRecord
    judgement: Judgement
    contest: Contest | None
    is_champion: bool


@dataclass(frozen=True)
class Bounds:
    """What no champion may cross: the balanced accuracy of a leak, and how far probabilities may surely be off."""

    too_good: float
    most_off: float


@dataclass(frozen=True)
class Evaluator:
    """Judges versions on the rows that were held out from them.

    `inputs_of` opens the rows of a record again, at its own snapshots. `doubts_of` says what speaks against the data
    that a record was trained from, in words; any of it keeps the version from its place.
    """

    lake: Lake
    registry: ModelRegistry
    identity: RunIdentity
    inputs_of: Callable[[TrainingRecord], TrainingInputs]
    bounds: Bounds
    doubts_of: Callable[[TrainingRecord], Sequence[str]] = lambda _: ()

    def settle(self, algorithm: str) -> Evaluation:
        """Judge the algorithm's latest version, write the judgement down, promote it if it deserves it.

        Raises:
            NobodyToJudge: the algorithm has no version yet.
            RecordUnreadable: what its training left behind is gone or damaged.
            SnapshotMissing: the rows of the hold-out have expired.
            BatchRefused: the ledger of moves is no chain any more, or the move does not honour its contract.
        """
        number = self.registry.alias(algorithm)
        if number is None:
            raise NobodyToJudge(f"no version of {self.registry.name} by {algorithm} yet: materialize model_{algorithm}")
        self.registry.challenge(number)
        with readable(self.registry.name, number):
            record = TrainingRecord.read(self.registry.store, str(self.registry.version(number).run_id))
        reconcile(self.lake, self.registry, self.identity.dagster_run_id)  # also of a rollback that was killed
        while True:  # again where another run changed the champion meanwhile
            champion = self.registry.champion
            settled = self._settled(number, champion)
            judgement, contest = (settled, None) if settled else self._judge(number, record, champion)
            if contest is None or not judgement.promote or self._promote(number, champion, judgement, contest):
                return Evaluation(number, record, judgement, contest, self.registry.champion == number)

    def _settled(self, number: str, champion: str | None) -> Judgement | None:
        """What leaves nothing to judge, in words; None where there is something."""
        if champion == number:
            last = read(self.lake).of(self.registry.name)[-1]
            return Judgement(False, (f"version {number} serves already ({last.why})",))
        left = left_behind(self.lake, self.registry, number)
        return Judgement(False, (left,)) if left else None

    def _promote(self, number: str, champion: str | None, judgement: Judgement, contest: Contest) -> bool:
        """Make it the champion and write that down; False where the champion has changed meanwhile."""
        moved = move_champion(
            self.lake,
            self.registry,
            to=number,
            instead_of=champion,
            kind="promotion",
            why=str(judgement),
            run_id=self.identity.dagster_run_id,
            evidence=Evidence.of(contest.challenger, contest.champion, contest.over_champion),
        )
        return moved is not None

    def _judge(self, number: str, record: TrainingRecord, champion: str | None) -> tuple[Judgement, Contest]:
        with evaluation_run(self.registry.store, self.identity, f"version {number}") as run:
            run.log_metrics(record.scores.as_metrics())
            judgement, contest = self._compare(number, record, champion)
            run.log_metrics(contest.as_metrics())
            tags = {"judgement": str(judgement), "judged_against": champion or "none"}
            self.registry.set_tags(number, tags)
            run.set_tags({**tags, "model_version": number})
            run.log_text(LEADERBOARD_FILE, as_markdown(leaderboard(self.registry.store)))
        return judgement, contest

    def _compare(self, number: str, record: TrainingRecord, champion: str | None) -> tuple[Judgement, Contest]:
        """Both on the challenger's hold-out, which it predicts again: the kept model, not the one that was trained."""
        alone = Contest(record.scores)
        theirs = tick_model(self.registry, champion) if champion else None
        if theirs and (missing := set(theirs.features) - set(record.columns.features)):
            gone = ", ".join(sorted(missing))
            reason = f"champion {champion} reads {gone}, which the rows no longer have: move the alias by hand"
            return Judgement(False, (reason,)), alone
        with training_rows(self.inputs_of(record), lambda _: None) as (rows, _):
            span = record.columns, record.span
            ours = predict_span(tick_model(self.registry, number), rows, *span)
            others = predict_span(theirs, rows, *span) if theirs else None
        if prediction_hash(ours.probability) != record.provenance.prediction_hash:
            return Judgement(False, ("the kept model predicts otherwise than the one that was judged",)), alone
        if champion is None or others is None:
            return self._weigh(alone, record), alone
        resampling = record.plan.resampling
        contest = Contest(record.scores, evaluate(others, resampling), advantage(ours, others, resampling))
        judgement = self._weigh(contest, record)
        return Judgement(judgement.promote, (*judgement.reasons, *self._reservations(champion, record))), contest

    def _weigh(self, contest: Contest, record: TrainingRecord) -> Judgement:
        further = [
            is_calibrated(record.scores, self.bounds.most_off),
            holds_its_floor(record.group_scores),
            *((False, doubt) for doubt in self.doubts_of(record)),
        ]
        return judge(
            contest.challenger,
            contest.champion,
            contest.over_champion,
            too_good=self.bounds.too_good,
            further=further,
        )

    def _reservations(self, champion: str, record: TrainingRecord) -> tuple[str, ...]:
        if int(self.registry.version(champion).tags["trained_until"]) < record.span.fold.test_start:
            return ()
        return (f"champion {champion} has seen part of this hold-out in training, which flatters it",)


def tick_model(registry: ModelRegistry, number: str) -> Model:
    """A version of the tick model, ready to predict."""
    return model_of(*load_model(registry, number))
