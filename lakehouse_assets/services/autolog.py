"""MLflow's own logging of a fit, where it is sound.

Belongs here: for which libraries it is switched on, and around what. Does not: what we log ourselves (tracking).
It is left off for scikit-learn, where it takes each call of `fit` for a training: the forest is grown a few trees a
call, on codes, and would be scored at each call on the rows that it learnt from. Networks are never wrapped: for
PyTorch it knows Lightning's training loops only, and for TensorFlow it writes TensorBoard's files and fails without it.
Models and datasets it never logs: a model is logged once, with its signature and requirements, and a dataset as the
Iceberg snapshot that it is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from lakehouse_assets.services.tracking import TrackedRun

SOUND: Final = MappingProxyType({
    "xgboost": "mlflow.xgboost",
    "lightgbm": "mlflow.lightgbm",
})  # fmt: skip
"""MLflow's module by the library that a recipe names."""
QUIETLY: Final = MappingProxyType({"log_models": False, "log_datasets": False, "silent": True})


@contextmanager
def autologged(run: TrackedRun, library: str) -> Iterator[None]:
    """Let MLflow log the fit inside the block to the run; the run goes on afterwards."""
    if library not in SOUND:
        yield
        return
    with run.store.pointed_at():
        import mlflow

        autolog: Any = import_module(SOUND[library]).autolog
        autolog(**QUIETLY)
        try:
            with mlflow.start_run(run_id=run.run_id):  # without an active run it would make one of its own
                yield
        finally:
            autolog(disable=True, silent=True)
            run.store.client.update_run(run.run_id, "RUNNING")  # leaving the block ended it
