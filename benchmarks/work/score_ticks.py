"""Land ticks, make every table up to the labels, train the three learners, and answer with their leaderboard."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import dagster as dg

from benchmarks.clock import answer, clocked, given
from lakehouse_assets.contracts.features import FEATURE_OPTION_LABELS, FEATURE_OPTION_MINUTES
from lakehouse_assets.definitions import defs
from lakehouse_assets.defs.model_configs import CONFIGS, default_recipe
from lakehouse_assets.defs.tick_model import plan_for
from lakehouse_assets.lake.catalog import Lake
from lakehouse_assets.lake.cut import Cut
from lakehouse_assets.learners.bootstrap import Interval
from lakehouse_assets.learners.evaluation import Scores
from lakehouse_assets.learners.splits import TooLittleHistory
from lakehouse_assets.partitions import range_tags, ranges
from lakehouse_assets.services.leaderboard import COLUMNS, cells, leaderboard
from lakehouse_assets.services.mlflow import MlflowResource
from lakehouse_assets.services.model_training import ModelOutcome, TooGoodToBeTrue, train_and_register
from lakehouse_assets.services.training_record import TrainingInputs
from lakehouse_assets.services.training_rows import identity_of, training_inputs
from lakehouse_assets.settings import Settings, load_settings
from lakehouse_assets.sources.landing import complete_dates, scan
from lakehouse_assets.sources.samples import LEAN_SOURCE, land_lean_sample
from lakehouse_assets.sources.simulator import simulate

JOB = "ml_pipeline_end_to_end"
SHOWN = (
    "algorithm", "rows", "accuracy", "naive_accuracy", "lift_over_majority", "lift_over_no_change", "log_loss", "brier",
    "roc_auc",
)  # fmt: skip


def land_simulated(settings: Settings, days: int, rows: int, seed: int, last_date: str) -> None:
    """Simulated trading days."""
    simulate(
        settings.raw, settings.home / "truth", days=days, rows_per_day=rows, seed=seed, profile="realistic",
        last_date=date.fromisoformat(last_date),
    )  # fmt: skip


def land_real(settings: Settings, lean: str) -> None:
    """The bundled sample, and what lies in the folders `option` and `equity` of Lean's layout, where there is any."""
    land_lean_sample(settings.raw)
    for kind in ("option", "equity"):
        for path in sorted(Path(lean).glob(f"{kind}/usa/minute/*/*.zip")):
            target = settings.raw / LEAN_SOURCE / path.relative_to(lean)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                copyfile(path, target)


def make_tables(settings: Settings) -> list[tuple[date, date]]:
    """The assets from the manifest to the labels, for every complete trading date; the stretches of dates."""
    now = datetime.now(UTC)
    stretches = list(ranges(complete_dates(scan(settings.raw, settings, None, now), settings, now)))
    needed = dg.AssetSelection.assets(FEATURE_OPTION_LABELS.table).upstream().required_multi_asset_neighbors()
    keys = list(needed.resolve(defs.resolve_asset_graph()))
    with dg.DagsterInstance.ephemeral() as instance:
        for first, last in stretches:
            defs.resolve_job_def(JOB).execute_in_process(
                instance=instance, tags=range_tags(first, last), asset_selection=keys
            )
    return stretches


def trained(settings: Settings, inputs: TrainingInputs) -> Iterator[tuple[str, ModelOutcome | str]]:
    """Each learner's version, or why there is none."""
    for algorithm in CONFIGS:
        try:
            made = train_and_register(
                inputs,
                plan_for(default_recipe(algorithm)),
                MlflowResource().registry,
                identity_of("benchmark", f"model_{algorithm}"),
                too_good=settings.model.too_good_balanced_accuracy,
            )
            yield algorithm, made
        except (TooLittleHistory, TooGoodToBeTrue) as none:
            yield algorithm, str(none)


def found(outcomes: Mapping[str, ModelOutcome | str]) -> dict[str, Any]:
    """The leaderboard as text, what the baselines say on the same rows, and each model beside them."""
    kept = {name: one for name, one in outcomes.items() if isinstance(one, ModelOutcome)}
    standings = leaderboard(MlflowResource().store)
    places = [list(COLUMNS).index(name) for name in SHOWN]
    one = next(iter(kept.values()), None)
    return {
        "none": {name: why for name, why in outcomes.items() if isinstance(why, str)},
        "head": [list(COLUMNS.values())[place] for place in places],
        "board": [[cells(standing)[place] for place in places] for standing in standings],
        "labelled": one.record.rows if one else 0,
        "blocks": one.scores.blocks if one else 0,
        "majority": one.scores.majority_accuracy if one else 0.0,
        "no_change": one.scores.no_change_accuracy if one else 0.0,
        "against": {name: against_baselines(made.scores) for name, made in kept.items()},
    }


def against_baselines(scores: Scores) -> str:
    """What the intervals of the lifts allow to be said."""
    lifts = {"the majority": scores.lift_over_majority, "no change": scores.lift_over_no_change}
    return "; ".join(f"{_sure(lift)} {name}" for name, lift in lifts.items())


def _sure(lift: Interval) -> str:
    if lift.low > 0:
        return "surely above"
    return "surely below" if lift.high < 0 else "no sure difference from"


def main() -> None:
    """Work and answer."""
    arguments, settings = given(), load_settings()
    landing: dict[str, Callable[..., None]] = {"simulated": land_simulated, "real": land_real}
    landing[arguments.pop("source")](settings, **arguments)
    with clocked() as spent:
        stretches = make_tables(settings)
        cut = Cut(Lake(settings))
        inputs = training_inputs(cut.pin(FEATURE_OPTION_MINUTES), cut.pin(FEATURE_OPTION_LABELS))
        said = found(dict(trained(settings, inputs)))
    dates = [str(first) if first == last else f"{first} .. {last}" for first, last in stretches]
    answer(spent, stretches=dates, **said)


if __name__ == "__main__":
    main()
