"""Small pieces of work that every start or every model pays, each clocked for itself, warm."""

import numpy as np
import pyarrow as pa

from benchmarks.clock import answer, clocked
from lakehouse_assets.contracts.catalog import CONTRACTS
from lakehouse_assets.learners.bootstrap import Resampling
from lakehouse_assets.learners.evaluation import Predictions, evaluate
from lakehouse_assets.sources.sessions import trading_date_of
from lakehouse_assets.transforms.portable import check
from lakehouse_assets.transforms.text import sql_text, transform_names

SECOND = 1_000_000
START = 1_788_220_800 * SECOND
"""2026-09-01 00:00 UTC, in microseconds."""
ROWS, SAMPLES, INSTANTS = 20_000, 400, 1_000_000


def main() -> None:
    """Work and answer."""
    found = _predictions()
    instants = pa.array(START + np.arange(INSTANTS, dtype=np.int64) * 2 * SECOND).cast(pa.timestamp("us", tz="UTC"))
    _check_transforms()  # compiles what is parsed with
    trading_date_of("KRX", instants.slice(0, 1))  # builds the calendar
    evaluate(found, Resampling(samples=2))
    with clocked() as spent:
        with spent.part("check_seconds"):
            _check_transforms()
        with spent.part("date_seconds"):
            trading_date_of("KRX", instants)
        with spent.part("evaluate_seconds"):
            evaluate(found, Resampling(samples=SAMPLES))
    answer(spent)


def _check_transforms() -> None:
    for table in transform_names():
        check(table, sql_text(table), CONTRACTS)


def _predictions() -> Predictions:
    """Predictions of ten rows a minute, right in 60 % of them."""
    rng = np.random.default_rng(2)
    label = rng.integers(0, 2, ROWS).astype(np.int8)
    leaning = np.where(rng.random(ROWS) < 0.6, label, 1 - label)
    probability = 0.5 + (leaning - 0.5) * rng.random(ROWS)
    instant = START + np.arange(ROWS, dtype=np.int64) // 10 * 60 * SECOND
    last = rng.integers(-1, 2, ROWS).astype(np.int8)
    return Predictions(label, probability.astype(np.float32), instant, last, 0.5)


if __name__ == "__main__":
    main()
