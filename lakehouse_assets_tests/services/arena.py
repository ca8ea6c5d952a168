"""Models of one set of rows, trained and judged one after the other."""

import dataclasses
from pathlib import Path
from typing import Any

from lakehouse_assets.lake.paths import local_path
from lakehouse_assets.services.model_evaluation import Bounds, Evaluation, Evaluator
from lakehouse_assets.services.model_training import ModelOutcome, train_and_register
from lakehouse_assets.services.promotion_ledger import read
from lakehouse_assets.services.registry import ModelRegistry
from lakehouse_assets.services.tracking import EVALUATION_EXPERIMENT
from lakehouse_assets_tests.learners.synthetic import World
from lakehouse_assets_tests.services.ledgers import lake_in
from lakehouse_assets_tests.services.worlds import PLAN, RECIPE, TOO_GOOD, Reading, identity

SIGNAL = World(days=8)
RED = "the gates of feature_option_minutes are not green"
BOUNDS = Bounds(too_good=TOO_GOOD, most_off=0.1)


@dataclasses.dataclass
class Arena:
    """Trains and judges on one set of rows."""

    registry: ModelRegistry
    folder: Path
    reading: Reading
    bounds: Bounds = BOUNDS
    doubts: tuple[str, ...] = ()

    def is_judged_with(self, *doubts: str) -> Evaluation:
        """Judged, with these doubts about the data today."""
        return dataclasses.replace(self, doubts=doubts).judge("run-2")

    def train(self, run: str = "run-1", rounds: int = 20) -> ModelOutcome:
        plan = dataclasses.replace(PLAN, recipe=dataclasses.replace(RECIPE, rounds=rounds), naive_split=False)
        return train_and_register(self.reading.inputs, plan, self.registry, identity(run), too_good=TOO_GOOD)

    def judge(self, run: str = "run-1") -> Evaluation:
        evaluator = Evaluator(
            lake_in(self.folder),
            self.registry,
            identity(run, "model_evaluation"),
            inputs_of=lambda _: self.reading.inputs,
            bounds=self.bounds,
            doubts_of=lambda _: self.doubts,
        )
        return evaluator.settle("xgboost")

    def moves(self) -> list[tuple[int | None, int | None]]:
        return [(move.from_version, move.to_version) for move in read(lake_in(self.folder)).of(self.registry.name)]

    def evaluation_runs(self) -> list[Any]:
        store = self.registry.store
        found: list[Any] = store.client.search_runs([store.experiment(EVALUATION_EXPERIMENT)])
        return found

    def files_of(self, number: str) -> tuple[Path, Path]:
        """The record of a version, and the folder of its model."""
        version, client = self.registry.version(number), self.registry.store.client
        run, model = client.get_run(str(version.run_id)), str(version.source).removeprefix("models:/")
        kept = client.get_logged_model(model).artifact_location
        return Path(local_path(str(run.info.artifact_uri))) / "training.json", Path(local_path(str(kept)))


def killed(*_: object, **__: object) -> None:
    """What stands in the place of a step that is killed."""
    raise KeyboardInterrupt
