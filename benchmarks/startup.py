"""How long until the definitions are loaded, and until `dagster dev` is ready.

Belongs here: both measurements. Ready is: the web server answers, and the code location is loaded, by GraphQL.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.findings import Finding, at_most
from benchmarks.measure import PROJECT, Measured, WorkFailed, alternate, environment, middle, run
from benchmarks.state import Session

MOST_SECONDS_TO_LOAD = 2.5
MOST_SECONDS_TO_BE_READY = 15.0
PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.1
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { __typename } } } } }"""


def measure(session: Session) -> list[Finding]:
    """Load the definitions in fresh processes, then start the web server and its daemon."""
    _load()  # the first one of a session compiles the modules
    _seconds_until_ready(session.folder)
    loads = middle(alternate(session.repeats, {"definitions": _load})["definitions"])
    ready = [_seconds_until_ready(session.folder) for _ in range(session.repeats)]
    rows = [
        ("definitions: import", f"{loads.values['import_seconds']:.2f} s"),
        ("definitions: repository with its jobs", f"{loads.values['repository_seconds']:.2f} s"),
        ("definitions: CPU of both", f"{loads.cpu_seconds:.2f} s"),
        ("definitions: peak memory", f"{loads.peak_mb:,.0f} MB"),
        ("dagster dev: server answers", f"{median(server for server, _ in ready):.1f} s"),
        ("dagster dev: definitions loaded", f"{median(loaded for _, loaded in ready):.1f} s"),
    ]
    figures = [
        at_most("definitions load in a fresh process: seconds, all of it", loads.process_seconds, MOST_SECONDS_TO_LOAD),
        at_most(
            "dagster dev is ready: seconds", median(loaded for _, loaded in ready), MOST_SECONDS_TO_BE_READY, "{:.1f}"
        ),
    ]
    return [Finding("Starting", figures, ("", "median"), rows)]


def _load() -> Measured:
    return run("definitions", {})


def _seconds_until_ready(folder: Path) -> tuple[float, float]:
    """Seconds until the server answers, and until the code location is loaded."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        home, port = Path(name), _free_port()
        variables = environment(home) | {"DAGSTER_HOME": str(_instance(home))}
        command = [str(Path(sys.executable).with_name("dagster")), "dev", "-h", "127.0.0.1", "-p", str(port)]
        with (home / "dev.log").open("w") as log:
            started = time.perf_counter()
            child = subprocess.Popen(
                command, cwd=PROJECT, env=variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            try:
                url = f"http://127.0.0.1:{port}"
                server = _wait(child, home, started, lambda: _answers(f"{url}/server_info"))
                loaded = _wait(child, home, started, lambda: _is_loaded(f"{url}/graphql"))
            finally:
                _end(child)
    print(f"    dagster dev: {server:.1f} s, {loaded:.1f} s", file=sys.stderr, flush=True)
    return server, loaded


def _instance(home: Path) -> Path:
    from lakehouse_assets.services.instance import instance_folder
    from lakehouse_assets.settings import load_settings

    return instance_folder(load_settings().model_copy(update={"home": home}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(child: subprocess.Popen[bytes], home: Path, started: float, is_so: Any) -> float:
    while not is_so():
        if child.poll() is not None or time.perf_counter() - started > PATIENCE_SECONDS:
            raise WorkFailed(f"dagster dev is not ready:\n{(home / 'dev.log').read_text()[-4_000:]}")
        time.sleep(POLL_SECONDS)
    return time.perf_counter() - started


def _answers(url: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def _is_loaded(url: str) -> bool:
    said = _answers(url, json.dumps({"query": LOADED}).encode())
    entries = said["data"]["workspaceOrError"].get("locationEntries", []) if said else []
    for entry in entries:
        if (entry["locationOrLoadError"] or {}).get("__typename") == "PythonError":
            raise WorkFailed("the code location does not load: run dagster definitions validate")
    return bool(entries) and all(entry["loadStatus"] == "LOADED" for entry in entries)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the server and everything that it started: they are one process group, its own."""
    os.killpg(child.pid, signal.SIGINT)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
