"""Take the screenshots of the docs in a real browser, off a state that `lakehouse demo` made.

Run it with `make screenshots`; it needs Chromium on the PATH (Debian: apt install chromium). It starts the two UIs as
`make dev` does, so their ports must be free.
"""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from lakehouse_assets.services.development import DAGSTER_PORT, HOST, MLFLOW_PORT

FOLDER = Path(__file__).resolve().parent / "screenshots"
DAGSTER = f"http://{HOST}:{DAGSTER_PORT}"
MLFLOW = f"http://{HOST}:{MLFLOW_PORT}"
READY_SECONDS = 120
SETTLE_MS = 60_000
"""Virtual time that a page gets to load; the browser skips the waiting."""

PAGES = {
    "asset_graph": (f"{DAGSTER}/assets/model_xgboost?view=lineage&lineageScope=upstream&lineageDepth=9", "2600,1100"),
    "checks": (
        f"{DAGSTER}/assets/silver_option_ticks?view=checks&checkDetail=silver_option_ticks_conserve_every_row",
        "1600,1100",
    ),
    "partitions": (f"{DAGSTER}/assets/silver_option_ticks?view=partitions&partition=2026-11-20", "1600,1000"),
    "evaluation": (f"{DAGSTER}/assets/model_evaluation?view=overview", "1600,1300"),
    "mlflow_versions": (f"{MLFLOW}/#/models/TickPricePredictor", "1700,900"),
}
TICKS, IMAGES = "model_xgboost", "model_pytorch_mnist_cnn"


def main() -> int:
    """Start the UIs, take every picture, stop them; the exit code."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.stderr.write("error: no Chromium on the PATH: on Debian, apt install chromium\n")
        return 1
    servers = subprocess.Popen([sys.executable, "-m", "lakehouse_assets.services.development"])
    try:
        _wait_for(f"{DAGSTER}/server_info")
        _wait_for(f"{MLFLOW}/health")
        _ask("mutation { setNuxSeen }")  # keeps the welcome dialog away
        FOLDER.mkdir(exist_ok=True)
        for name, (address, size) in {**PAGES, **_of_runs()}.items():
            _shoot(browser, address, size, FOLDER / f"{name}.png")
    finally:
        servers.terminate()
        servers.wait(timeout=60)
    return 0


def _shoot(browser: str, address: str, size: str, target: Path) -> None:
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}",
               f"--virtual-time-budget={SETTLE_MS}", f"--screenshot={target}"]  # fmt: skip
    subprocess.run([browser, *options, address], check=True, capture_output=True, timeout=300)
    sys.stdout.write(f"{target.name}  {target.stat().st_size:,} bytes\n")


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"{address} did not answer within {READY_SECONDS} s")


def _ask(query: str) -> None:
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{DAGSTER}/graphql", body, {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


def _of_runs() -> dict[str, tuple[str, str]]:
    """The pages whose addresses hold an id of MLflow's: the runs of the pipeline, one of ticks and one of images."""
    import mlflow

    client = mlflow.MlflowClient(MLFLOW)
    experiment = client.get_experiment_by_name("lakehouse-tick-pipeline")
    if experiment is None:
        raise LookupError("MLflow holds no run yet: run `make demo` first")
    pages = f"{MLFLOW}/#/experiments/{experiment.experiment_id}"
    found = {
        asset: client.search_runs([experiment.experiment_id], f"tags.`dagster.asset` = '{asset}'", max_results=1)
        for asset in (TICKS, IMAGES)
    }
    of_models = quote("tags.`dagster.asset` LIKE 'model_%'")
    shown = {"mlflow_runs": (f"{pages}/runs?searchFilter={of_models}", "1700,900")}
    if found[TICKS]:
        run = f"{pages}/runs/{found[TICKS][0].info.run_id}"
        shown["mlflow_run"] = (run, "1700,1200")
        shown["mlflow_plots"] = (f"{run}/artifacts/plots/calibration.png", "1700,1000")
    if found[IMAGES]:
        shown["mlflow_epochs"] = (f"{pages}/runs/{found[IMAGES][0].info.run_id}/model-metrics", "1700,1000")
    return shown


if __name__ == "__main__":
    sys.exit(main())
