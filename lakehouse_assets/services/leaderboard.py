"""All models beside one another: the latest version of each algorithm, with the champion's.

Belongs here: reading the records of the registry into one table, and the table as Markdown. Does not: scoring.
Each score stands with its 95 % bootstrap interval. The naive column is the same recipe judged on rows drawn at random:
what a split that ignores time would have claimed. Scores are comparable where they were judged on the same hold-out: it
is named by its start, the newest first, and a line below the table says where there are several.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.networks.evaluation import ImageScores
from lakehouse_assets.services.digit_record import DigitRecord
from lakehouse_assets.services.provenance import Provenance
from lakehouse_assets.services.registry import (
    ALGORITHM_TAG,
    CHALLENGER,
    CHAMPION,
    DIGIT_MODEL,
    TICK_MODEL,
    ModelRegistry,
)
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.training_record import RecordUnreadable, TrainingRecord, readable

LEADERBOARD_FILE: Final = "leaderboard.md"


@dataclass(frozen=True)
class Standing:
    """One version on the leaderboard; a score is None where it has no meaning, all are where `unreadable` says why.

    `judged_from` is the start of the hold-out, UTC; `log_loss` in nats a row; `rows` were judged; seconds and memory
    are those of the whole training.
    """

    model: str
    version: str
    algorithm: str
    aliases: tuple[str, ...]
    judged_from: datetime | None = None
    rows: int | None = None
    accuracy: Interval | None = None
    naive_accuracy: Interval | None = None
    lift_over_majority: Interval | None = None
    lift_over_no_change: Interval | None = None
    log_loss: Interval | None = None
    brier: Interval | None = None
    roc_auc: Interval | None = None
    seconds: float | None = None
    peak_memory_mb: int | None = None
    unreadable: str | None = None


COLUMNS: Final[Mapping[str, str]] = {
    "model": "model",
    "version": "version",
    "algorithm": "algorithm",
    "aliases": "aliases",
    "judged_from": "judged from",
    "rows": "rows judged",
    "accuracy": "accuracy",
    "naive_accuracy": "naive split says",
    "lift_over_majority": "lift over majority",
    "lift_over_no_change": "lift over no change",
    "log_loss": "log-loss",
    "brier": "Brier",
    "roc_auc": "ROC AUC",
    "seconds": "seconds",
    "peak_memory_mb": "peak MB",
}
"""The fields of a standing and what people read above them."""


def leaderboard(store: TrackingStore) -> list[Standing]:
    """Every algorithm's latest version and the champion: of each model the newest hold-out first, then by log-loss."""
    return [standing for name in SCORED for standing in sorted(_standings(ModelRegistry(store, name)), key=_place)]


def cells(standing: Standing) -> tuple[str, ...]:
    """A standing as people read it, in the order of `COLUMNS`."""
    return tuple(_cell(getattr(standing, name)) for name in COLUMNS)


def as_markdown(standings: Sequence[Standing]) -> str:
    """The leaderboard as a Markdown table, and below it what is to be known of it."""
    head, rule = " | ".join(COLUMNS.values()), " | ".join("---" for _ in COLUMNS)
    table = [f"| {line} |" for line in (head, rule, *(" | ".join(cells(one)) for one in standings))]
    return "\n".join([*table, *(f"\n{remark}" for remark in remarks(standings))])


def remarks(standings: Sequence[Standing]) -> list[str]:
    """What keeps standings from being compared, a sentence each: other hold-outs, records that cannot be read."""
    starts: dict[str, set[datetime]] = {}
    for one in standings:
        if one.judged_from is not None:
            starts.setdefault(one.model, set()).add(one.judged_from)
    said = [
        f"{model}: judged on {len(found)} hold-outs; scores compare only where `{COLUMNS['judged_from']}` is the same"
        for model, found in starts.items()
        if len(found) > 1
    ]
    return [*said, *(one.unreadable for one in standings if one.unreadable)]


def _ticks(store: TrackingStore, run_id: str, blank: Standing) -> Standing:
    record = TrainingRecord.read(store, run_id)
    scores, naive = record.scores, record.naive_scores
    return replace(
        _scored(blank, scores, record.provenance),
        judged_from=datetime.fromtimestamp(record.span.fold.test_start / 1_000_000, UTC),
        rows=scores.rows,
        naive_accuracy=naive.accuracy if naive else None,
        lift_over_no_change=scores.lift_over_no_change,
        roc_auc=scores.roc_auc,
    )


def _digits(store: TrackingStore, run_id: str, blank: Standing) -> Standing:
    record = DigitRecord.read(store, run_id)
    standing = _scored(blank, record.scores, record.provenance)
    return replace(standing, rows=record.scores.images, roc_auc=record.scores.roc_auc_macro)


def _scored(blank: Standing, scores: Scores | ImageScores, provenance: Provenance) -> Standing:
    """With what is the same of ticks and digits."""
    return replace(
        blank,
        accuracy=scores.accuracy,
        lift_over_majority=scores.lift_over_majority,
        log_loss=scores.log_loss,
        brier=scores.brier,
        seconds=provenance.seconds,
        peak_memory_mb=provenance.peak_memory_mb,
    )


SCORED: Final = {TICK_MODEL: _ticks, DIGIT_MODEL: _digits}


def _standings(registry: ModelRegistry) -> Iterator[Standing]:
    """Each version that an alias points to; one whose record cannot be read stands there without scores."""
    aliases = registry.aliases
    for version in registry.versions() if aliases else ():
        number = str(version.version)
        if number not in aliases:
            continue
        places = tuple(alias for alias in (CHAMPION, CHALLENGER) if alias in aliases[number])
        blank = Standing(registry.name, number, version.tags.get(ALGORITHM_TAG, "-"), places)
        try:
            with readable(registry.name, number):
                yield SCORED[registry.name](registry.store, str(version.run_id), blank)
        except RecordUnreadable as error:
            yield replace(blank, unreadable=str(error))


def _place(standing: Standing) -> tuple[float, float]:
    newest_first = -standing.judged_from.timestamp() if standing.judged_from else 0.0
    return newest_first, standing.log_loss.value if standing.log_loss else inf


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
