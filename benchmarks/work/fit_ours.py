"""One fit as the platform does it: rows in a file of their own, read batch by batch."""

import importlib
import tempfile
from pathlib import Path

from benchmarks.clock import answer, clocked, given
from benchmarks.work.learning import COLUMNS, FEATURES, generated, recipe
from lakehouse_assets.learners.learner import let_idle_threads_sleep
from lakehouse_assets.learners.spool import spool

LIBRARIES = {"xgboost": "xgboost", "lightgbm": "lightgbm", "random_forest": "sklearn.ensemble"}


def main() -> None:
    """Work and answer."""
    arguments = given()
    let_idle_threads_sleep()
    importlib.import_module(LIBRARIES[arguments["algorithm"]])
    with tempfile.TemporaryDirectory(dir=arguments["folder"]) as folder:
        cache = Path(folder) / "cache"
        cache.mkdir()
        batches = spool(generated(arguments["rows"]), COLUMNS, Path(folder) / "rows.arrow")
        with clocked() as spent:
            fitted = recipe(arguments).fit(batches, FEATURES, COLUMNS.label, cache=cache)
    answer(spent, rows=fitted.rows)


if __name__ == "__main__":
    main()
