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
}


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
        for name, (address, size) in {**PAGES, "mlflow_run": (_model_run(), "1700,1200")}.items():
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


def _model_run() -> str:
    """The address of the newest run of the model asset."""
    import mlflow

    client = mlflow.MlflowClient(MLFLOW)
    experiment = client.get_experiment_by_name("lakehouse-tick-pipeline")
    if experiment is None:
        raise LookupError("MLflow holds no run yet: run `make demo` first")
    runs = client.search_runs([experiment.experiment_id], "tags.`dagster.asset` = 'model_xgboost'", max_results=1)
    return f"{MLFLOW}/#/experiments/{experiment.experiment_id}/runs/{runs[0].info.run_id}"


if __name__ == "__main__":
    sys.exit(main())
