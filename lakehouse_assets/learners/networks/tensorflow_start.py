"""TensorFlow as a recipe wants it: quiet, on the CPU, deterministic, seeded, with the recipe's thread count.

Belongs here: what must be said before TensorFlow starts, and what holds for the whole process. Does not: any network.

TensorFlow takes thread counts only before it has started, so a fit wants a process in which it has not (a Dagster
step is one), or in which it started with the same count.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lakehouse_assets.learners.learner import let_idle_threads_sleep

STDERR = 2
"""The file descriptor, below Python's own stream."""


def started(algorithm: str, seed: int, threads: int) -> Any:
    """Keras on such a TensorFlow.

    Raises:
        RuntimeError: TensorFlow has started in this process with another thread count.
    """
    let_idle_threads_sleep()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # other kernels add in another order, so no user's shell may choose them
    with _without_banner():
        import tensorflow as tf

    _set_threads(tf, algorithm, threads)
    tf.config.set_visible_devices([], "GPU")
    tf.config.experimental.enable_op_determinism()
    tf.keras.utils.set_random_seed(seed)
    return tf.keras


@contextmanager
def _without_banner() -> Iterator[None]:
    """Drop the notes on oneDNN, written at import whatever the log level; what fails still raises."""
    sys.stderr.flush()
    kept = os.dup(STDERR)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)


def _set_threads(tf: Any, algorithm: str, threads: int) -> None:
    """Threads within an operation; operations run one after the other.

    Raises:
        RuntimeError: TensorFlow has started with other counts.
    """
    counts = tf.config.threading
    wanted: tuple[tuple[Callable[[], int], Callable[[int], None], int], ...] = (
        (counts.get_intra_op_parallelism_threads, counts.set_intra_op_parallelism_threads, threads),
        (counts.get_inter_op_parallelism_threads, counts.set_inter_op_parallelism_threads, 1),
    )
    for known, put, count in wanted:
        if known() == count:
            continue
        try:
            put(count)
        except RuntimeError as running:
            raise RuntimeError(
                f"{algorithm} wants {threads} thread(s), and TensorFlow has already started in this process with "
                f"{known() or 'as many as it likes'}: run it in a process of its own, as a step does"
            ) from running
