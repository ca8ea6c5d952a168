"""The bare library call with the same settings, on rows that lie in memory as the library likes them best."""

from typing import Any

import numpy as np

from benchmarks.clock import answer, clocked, given
from benchmarks.work.learning import COLUMNS, FEATURES, generated, recipe
from lakehouse_assets.learners.learner import let_idle_threads_sleep
from lakehouse_assets.learners.matrix import labels, matrix


def xgboost(chosen: Any, values: Any, truth: Any) -> None:
    """Bins, then rounds."""
    import xgboost as xgb

    data = xgb.QuantileDMatrix(values, truth, nthread=chosen.threads, max_bin=chosen.max_bin)
    xgb.train(chosen._native_parameters(), data, chosen.rounds)


def lightgbm(chosen: Any, values: Any, truth: Any) -> None:
    """Bins, then rounds."""
    import lightgbm as lgb

    lgb.train(chosen._native_parameters(), lgb.Dataset(values, truth), chosen.rounds)


def random_forest(chosen: Any, values: Any, truth: Any) -> None:
    """The forest on the raw features."""
    from sklearn.ensemble import RandomForestClassifier

    RandomForestClassifier(
        n_estimators=chosen.trees,
        max_depth=chosen.max_depth,
        min_samples_leaf=chosen.min_samples_leaf,
        max_samples=chosen.tree_share,
        n_jobs=chosen.threads,
        random_state=chosen.seed,
    ).fit(values, truth)


CALLS = {"xgboost": xgboost, "lightgbm": lightgbm, "random_forest": random_forest}


def main() -> None:
    """Work and answer."""
    arguments = given()
    let_idle_threads_sleep()
    import lightgbm as _lgb  # noqa: F401 - all three before the clock
    import sklearn.ensemble  # noqa: F401
    import xgboost as _xgb  # noqa: F401

    parts = [(matrix(batch, FEATURES), labels(batch, COLUMNS.label)) for batch in generated(arguments["rows"])]
    values, truth = (np.concatenate([part[side] for part in parts]) for side in range(2))
    del parts
    with clocked() as spent:
        CALLS[arguments["algorithm"]](recipe(arguments), values, truth)
    answer(spent, rows=len(truth))


if __name__ == "__main__":
    main()
