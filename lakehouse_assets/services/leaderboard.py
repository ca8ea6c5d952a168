"""All models beside one another: the latest version of each algorithm, with the champion's.

Belongs here: reading the records of the registry into one table, and the table as Markdown. Does not: scoring.
Each score stands with its 95 % bootstrap interval. The naive column is the same recipe judged on rows drawn at random:
what a split that ignores time would have claimed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.services.digit_record import DigitRecord
from lakehouse_assets.services.registry import (
    ALGORITHM_TAG,
    CHALLENGER,
    CHAMPION,
    DIGIT_MODEL,
    TICK_MODEL,
    ModelRegistry,
)
from lakehouse_assets.services.tracking_store import TrackingStore
from lakehouse_assets.services.training_record import TrainingRecord

LEADERBOARD_FILE: Final = "leaderboard.md"


@dataclass(frozen=True)
class Standing:
    """One version on the leaderboard; `naive_accuracy` and `lift_over_no_change` are None where they have no meaning.

    `log_loss` in nats a row; `rows` were judged; seconds and memory are those of the whole training.
    """

    model: str
    version: str
    algorithm: str
    aliases: tuple[str, ...]
    rows: int
    accuracy: Interval
    naive_accuracy: Interval | None
    lift_over_majority: Interval
    lift_over_no_change: Interval | None
    log_loss: Interval
    brier: Interval
    roc_auc: Interval
    seconds: float
    peak_memory_mb: int


COLUMNS: Final[Mapping[str, str]] = {
    "model": "model",
    "version": "version",
    "algorithm": "algorithm",
    "aliases": "aliases",
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
    """Every algorithm's latest version and the champion, the lowest log-loss of each model first."""
    return [standing for name, read in BOARDS.items() for standing in sorted(read(store, name), key=_place)]


def cells(standing: Standing) -> tuple[str, ...]:
    """A standing as people read it, in the order of `COLUMNS`."""
    return tuple(_cell(getattr(standing, name)) for name in COLUMNS)


def as_markdown(standings: Sequence[Standing]) -> str:
    """The leaderboard as a Markdown table."""
    head, rule = " | ".join(COLUMNS.values()), " | ".join("---" for _ in COLUMNS)
    return "\n".join(f"| {line} |" for line in (head, rule, *(" | ".join(cells(one)) for one in standings)))


def _ticks(store: TrackingStore, name: str) -> Iterator[Standing]:
    for number, aliases, algorithm, run_id in _shown(ModelRegistry(store, name)):
        record = TrainingRecord.read(store, run_id)
        scores, naive = record.scores, record.naive_scores
        yield Standing(
            model=name,
            version=number,
            algorithm=algorithm,
            aliases=aliases,
            rows=scores.rows,
            accuracy=scores.accuracy,
            naive_accuracy=naive.accuracy if naive else None,
            lift_over_majority=scores.lift_over_majority,
            lift_over_no_change=scores.lift_over_no_change,
            log_loss=scores.log_loss,
            brier=scores.brier,
            roc_auc=scores.roc_auc,
            seconds=record.provenance.seconds,
            peak_memory_mb=record.provenance.peak_memory_mb,
        )


def _digits(store: TrackingStore, name: str) -> Iterator[Standing]:
    for number, aliases, algorithm, run_id in _shown(ModelRegistry(store, name)):
        record = DigitRecord.read(store, run_id)
        scores = record.scores
        yield Standing(
            model=name,
            version=number,
            algorithm=algorithm,
            aliases=aliases,
            rows=scores.images,
            accuracy=scores.accuracy,
            naive_accuracy=None,
            lift_over_majority=scores.lift_over_majority,
            lift_over_no_change=None,
            log_loss=scores.log_loss,
            brier=scores.brier,
            roc_auc=scores.roc_auc_macro,
            seconds=record.provenance.seconds,
            peak_memory_mb=record.provenance.peak_memory_mb,
        )


BOARDS: Final = {TICK_MODEL: _ticks, DIGIT_MODEL: _digits}


def _shown(registry: ModelRegistry) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Number, places, algorithm and run of each version that an alias points to."""
    for number in registry.numbers():
        version: Any = registry.version(number)
        if version.aliases:
            places = tuple(alias for alias in (CHAMPION, CHALLENGER) if alias in version.aliases)
            yield number, places, version.tags[ALGORITHM_TAG], str(version.run_id)


def _place(standing: Standing) -> float:
    return standing.log_loss.value


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return ", ".join(value) or "-"
    if isinstance(value, float):
        return f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
