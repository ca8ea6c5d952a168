"""Challenger against champion on the same hold-out, and the champion's alias moved on merit.

Belongs here: the order of judging, and what a repeated or raced evaluation finds. Does not: the rules of merit
(learners/judgement), how the alias is moved and written down (promotions).

A run that is killed after its judgement is completed by the next one: the judgement is kept on the version.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.learners.algorithms import model_of
from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.learners.evaluation import Scores, evaluate
from lakehouse_assets.learners.judgement import Judgement, advantage, holds_its_floor, is_calibrated, judge
from lakehouse_assets.learners.learner import Model
from lakehouse_assets.learners.training import predict_span
from lakehouse_assets.services.leaderboard import LEADERBOARD_FILE, as_markdown, leaderboard
from lakehouse_assets.services.model_training import rows_on_disk
from lakehouse_assets.services.promotions import Evidence, move_champion
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.saved_model import load_model
from lakehouse_assets.services.scratch import scratch_folder
from lakehouse_assets.services.tracking import RunIdentity, TrackedRun, evaluation_run
from lakehouse_assets.services.training_record import TrainingInputs, TrainingRecord

JUDGEMENT_TAG = "judgement"
JUDGED_AGAINST_TAG = "judged_against"
NOBODY = "none"


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
    """How a contest ended; `contest` is None where an earlier run had judged it already."""

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

    `inputs_of` opens the rows of a record again, at its own snapshots. `doubts` are what speaks against the data that
    the challenger was trained from, in words; any of them keeps it from its place.
    """

    lake: Lake
    registry: ModelRegistry
    identity: RunIdentity
    inputs_of: Callable[[TrainingRecord], TrainingInputs]
    bounds: Bounds
    doubts: Sequence[str] = ()

    def settle(self, algorithm: str) -> Evaluation:
        """Judge the algorithm's latest version, write the judgement down, promote it if it deserves it.

        Raises:
            NobodyToJudge: the algorithm has no version yet.
            SnapshotMissing: the rows of the hold-out have expired.
        """
        number = self.registry.alias(algorithm)
        if number is None:
            raise NobodyToJudge(f"no version of {self.registry.name} by {algorithm} yet: materialize model_{algorithm}")
        self.registry.challenge(number)
        record = TrainingRecord.read(self.registry.store, str(self.registry.version(number).run_id))
        while True:  # again where another run changed the champion meanwhile
            champion = self.registry.champion
            remembered = self._remembered(number, champion)
            judgement, contest = (remembered, None) if remembered else self._judge(number, record, champion)
            if not judgement.promote or self._promote(number, record, champion, str(judgement), contest):
                return Evaluation(number, record, judgement, contest, self.registry.champion == number)

    def _promote(
        self, number: str, record: TrainingRecord, champion: str | None, why: str, contest: Contest | None
    ) -> bool:
        """Make it the champion and write that down; False where the champion has changed meanwhile."""
        compared = contest or Contest(record.scores)
        moved = move_champion(
            self.lake,
            self.registry,
            to=number,
            instead_of=champion,
            kind="promotion",
            why=why,
            run_id=self.identity.dagster_run_id,
            evidence=Evidence.of(compared.challenger, compared.champion, compared.over_champion),
        )
        return moved is not None

    def _remembered(self, number: str, champion: str | None) -> Judgement | None:
        """The judgement of an earlier run, as long as the champion is the one it was about, or the version itself."""
        tags = self.registry.version(number).tags
        if JUDGEMENT_TAG not in tags or champion not in (number, _somebody(tags[JUDGED_AGAINST_TAG])):
            return None
        verdict, _, reasons = tags[JUDGEMENT_TAG].partition(": ")
        return Judgement(verdict == "promoted", (reasons,))

    def _judge(self, number: str, record: TrainingRecord, champion: str | None) -> tuple[Judgement, Contest]:
        with evaluation_run(self.registry.store, self.identity, f"version {number}") as run:
            judgement, contest = self._compare(run, number, record, champion)
            tags = {JUDGEMENT_TAG: str(judgement), JUDGED_AGAINST_TAG: champion or NOBODY}
            run.set_tags({**tags, "model_version": number})
            run.log_text(LEADERBOARD_FILE, as_markdown(leaderboard(self.registry.store)))
            self.registry.set_tags(number, tags)
        return judgement, contest

    def _compare(
        self, run: TrackedRun, number: str, record: TrainingRecord, champion: str | None
    ) -> tuple[Judgement, Contest]:
        run.log_metrics(record.scores.as_metrics())
        if champion is None or champion == number:
            return self._weigh(Contest(record.scores), record), Contest(record.scores)
        theirs = tick_model(self.registry, champion)
        if missing := set(theirs.features) - set(record.columns.features):
            gone = ", ".join(sorted(missing))
            reason = f"champion {champion} reads {gone}, which the rows no longer have: move the alias by hand"
            return Judgement(False, (reason,)), Contest(record.scores)
        contest = self._contest(record, tick_model(self.registry, number), theirs)
        run.log_metrics(contest.as_metrics())
        judgement = self._weigh(contest, record)
        return Judgement(judgement.promote, (*judgement.reasons, *self._reservations(champion, record))), contest

    def _contest(self, record: TrainingRecord, ours: Model, theirs: Model) -> Contest:
        """Both on the challenger's hold-out."""
        with scratch_folder("hold-out-") as folder:
            rows = rows_on_disk(self.inputs_of(record), Path(folder))
            challenger, champion = (predict_span(model, rows, record.columns, record.span) for model in (ours, theirs))
        resampling = record.plan.resampling
        return Contest(record.scores, evaluate(champion, resampling), advantage(challenger, champion, resampling))

    def _weigh(self, contest: Contest, record: TrainingRecord) -> Judgement:
        further = [
            is_calibrated(record.scores, self.bounds.most_off),
            holds_its_floor(record.group_scores),
            *((False, doubt) for doubt in self.doubts),
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


def _somebody(judged_against: str) -> str | None:
    return None if judged_against == NOBODY else judged_against
