"""The page at the end of the demo: what came in, what was refused, what was learnt, and what to do next.

Belongs here: showing. Does not: running anything.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lakehouse_assets.cli.rendering import say, show, size

if TYPE_CHECKING:
    from lakehouse_assets.services.pipeline import RunReport
    from lakehouse_assets.settings import Settings

SLOWEST_STEPS = 5

SCORES = (
    ("accuracy", "accuracy", "higher is better"),
    ("balanced_accuracy", "balanced accuracy", "above 0.75 would be a leak"),
    ("f1_score", "F1", "higher is better"),
    ("log_loss", "log-loss", "lower is better; 0.693 knows nothing"),
    ("roc_auc", "ROC AUC", "0.5 knows nothing"),
)

AVERAGE_PRICES = (
    "SELECT symbol, AVG(last_price) FROM hive_prod.option_ticks_db.bronze_option_ticks GROUP BY symbol LIMIT 5"
)

NEXT = (
    ("make dev", "look at the runs, gates, plots and models: Dagster on port 3000, MLflow on port 5000"),
    (".venv/bin/lakehouse tables", "every table with its last verdict"),
    (".venv/bin/lakehouse quarantine --show", "the refused rows, with their reasons"),
    (
        ".venv/bin/lakehouse reproduce models:/TickPricePredictor@champion",
        "train the champion again and compare, to the bit",
    ),
    (f'.venv/bin/lakehouse sql "{AVERAGE_PRICES}"', "ask the lake"),
)


def show_page(settings: "Settings", reports: "Sequence[RunReport]", seconds: Mapping[str, float]) -> None:
    """Rows per layer, quarantine, checks, model, seconds, next steps."""
    _show_tables(settings)
    _show_quarantine(settings)
    _show_checks(reports)
    _show_model(settings, reports)
    _show_seconds(reports, seconds)
    show(("next", "what for"), NEXT, title="What to do next")


def _show_tables(settings: "Settings") -> None:
    from lakehouse_assets.lake.catalog import Lake
    from lakehouse_assets.lake.inspection import overviews

    rows = [
        (one.layer, one.table, one.rows, size(one.bytes), one.snapshots, one.last_partition)
        for one in overviews(Lake(settings))
    ]
    numbers = ("rows", "bytes", "snapshots")
    show(("layer", "table", *numbers, "last partition"), rows, title="Rows per layer", right=numbers)


def _show_quarantine(settings: "Settings") -> None:
    from lakehouse_assets.lake.catalog import Lake, TableMissing
    from lakehouse_assets.lake.quarantined import quarantine

    try:
        counts = quarantine(Lake(settings)).counts()
    except TableMissing as missing:
        say(str(missing))
        return
    by_code: Counter[tuple[str, str]] = Counter()
    for one in counts:
        by_code[one.source, one.reason_code] += one.rows
    rows = [(source, code, count) for (source, code), count in sorted(by_code.items())]
    show(("source", "reason code", "rows"), rows, title="Quarantined rows", right=("rows",))


def _show_checks(reports: "Sequence[RunReport]") -> None:
    """The latest verdict of each check."""
    latest = {name: verdict for report in reports for name, verdict in report.checks.items()}
    failed = [(name, verdict.words) for name, verdict in latest.items() if not verdict.passed]
    show(
        ("check that did not pass", "in words"),
        failed,
        title=f"Checks: {len(latest) - len(failed)} passed, {len(failed)} did not",
    )


def _show_model(settings: "Settings", reports: "Sequence[RunReport]") -> None:
    made = [report.materialized["model_evaluation"] for report in reports if "model_evaluation" in report.materialized]
    if not made:
        say("no model was trained")
        return
    model = made[-1]
    baselines = {"accuracy": f"majority {model['majority_accuracy']:.3f}, no change {model['no_change_accuracy']:.3f}"}
    rows = [(title, _interval(model, name), baselines.get(name, ""), how) for name, title, how in SCORES]
    kind = "the champion" if model["is_champion"] else "the challenger"
    show(
        ("score on the last span", "value, with its interval", "baselines", "how to read it"),
        rows,
        title=f"TickPricePredictor version {int(model['model_version'])}, {kind}",
    )
    say(str(model["judgement"]))
    _show_leaderboard(settings)


def _show_leaderboard(settings: "Settings") -> None:
    from lakehouse_assets.cli.leaderboard import show_standings
    from lakehouse_assets.services.leaderboard import leaderboard
    from lakehouse_assets.services.tracking_store import TrackingStore

    found = leaderboard(TrackingStore(settings.mlflow_uri, settings.mlflow_artifacts))
    for model in dict.fromkeys(one.model for one in found):
        show_standings(model, [one for one in found if one.model == model])


def _interval(model: Mapping[str, Any], name: str) -> str:
    return f"{model[name]:.3f}  [{model[f'{name}_low']:.3f}, {model[f'{name}_high']:.3f}]"


def _show_seconds(reports: "Sequence[RunReport]", seconds: Mapping[str, float]) -> None:
    steps: Counter[str] = Counter()
    for report in reports:
        steps.update(report.seconds)
    rows = [*seconds.items(), *((f"  step {name}", spent) for name, spent in steps.most_common(SLOWEST_STEPS))]
    shown = [(name, f"{spent:.1f}") for name, spent in rows]
    show(("stage", "seconds"), shown, title=f"Seconds: {sum(seconds.values()):.0f} in all", right=("seconds",))
