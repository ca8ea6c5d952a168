"""The four networks on the real MNIST: accuracy on the test images, seconds of a fit, the same bytes twice.

Belongs here: one measurement a network and seed. Nothing is chosen by the test images.
"""

from collections.abc import Sequence

from benchmarks.findings import Figure, Finding, at_least, at_most
from benchmarks.measure import Measured, run
from benchmarks.state import Session
from lakehouse_assets.settings import load_settings
from lakehouse_assets.sources.images.idx import FILES

LEAST_ACCURACY = {
    "pytorch_mnist_mlp": 0.98, "pytorch_mnist_cnn": 0.99, "tensorflow_mnist_mlp": 0.98, "tensorflow_mnist_cnn": 0.99,
}  # fmt: skip
SEEDS = (7, 8)
MOST_CPU_SECONDS = 90.0
USUAL_ROWS = 5_000_000
QUICK_IMAGES = 2_000
NOTE = (
    "60,000 training images, 10,000 test images, one thread, the recipes as they are; the lowest accuracy and the "
    "longest fit of seeds 7 and 8 count. Wall and CPU include the library's import. Each fit ran in a process of its "
    "own; the first seed twice, for the bytes of its predictions."
)


def measure(session: Session) -> list[Finding]:
    """Every network with both seeds, the first of them twice."""
    folder = load_settings().mnist_folder
    if missing := [file.name for file in FILES if not (folder / file.name).is_file()]:
        words = f"not measured: {folder} lacks {', '.join(missing)} (mnist.folder)"
        return [Finding("Networks", [Figure("networks on MNIST", words)])]
    images = 0 if session.rows >= USUAL_ROWS else QUICK_IMAGES
    figures: list[Figure] = []
    rows: list[Sequence[str]] = []
    for algorithm, least in LEAST_ACCURACY.items():
        arguments = {"algorithm": algorithm, "folder": str(folder), "images": images}
        again, *others = [run("fit_network", {**arguments, "seed": seed}) for seed in (SEEDS[0], *SEEDS)]
        figures += _figures(algorithm, least, again, others)
        rows += [_row(algorithm, seed, one) for seed, one in zip(SEEDS, others, strict=True)]
    return [Finding("Networks on MNIST", figures, ("", "seed", "accuracy", "wall", "CPU", "peak memory"), rows, NOTE)]


def _figures(algorithm: str, least: float, again: Measured, runs: Sequence[Measured]) -> list[Figure]:
    is_same = again.values["hash"] == runs[0].values["hash"]
    accuracy, seconds = min(one.values["accuracy"] for one in runs), max(one.cpu_seconds for one in runs)
    return [
        at_least(f"{algorithm}: accuracy on the test images", accuracy, least, "{:.4f}"),
        at_most(f"{algorithm}: CPU seconds of a fit", seconds, MOST_CPU_SECONDS, "{:.0f}"),
        Figure(f"{algorithm}: predictions of two fits", "the same bytes" if is_same else "differ", "the same", is_same),
    ]


def _row(algorithm: str, seed: int, one: Measured) -> Sequence[str]:
    accuracy, memory = f"{one.values['accuracy']:.4f}", f"{one.peak_mb:,.0f} MB"
    return algorithm, str(seed), accuracy, f"{one.seconds:.0f} s", f"{one.cpu_seconds:.0f} s", memory
