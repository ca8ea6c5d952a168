"""`make dev`: Dagster's and MLflow's UI side by side on the embedded state, until Ctrl-C.

Belongs here: starting both on 127.0.0.1 and stopping both. Does not: what they show.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lakehouse_assets.services.instance import instance_folder
from lakehouse_assets.settings import PROJECT, Settings, SettingsError, load_settings

HOST = "127.0.0.1"
DAGSTER_PORT = 3000
MLFLOW_PORT = 5000
STOP_SECONDS = 20


def commands(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The two servers' command lines, by name."""
    programs = Path(sys.executable).parent
    return {
        "Dagster": [f"{programs}/dagster", "dev", "--host", HOST, "--port", str(DAGSTER_PORT)],
        "MLflow": [
            f"{programs}/mlflow", "server", "--host", HOST, "--port", str(MLFLOW_PORT), "--workers", "1",
            "--backend-store-uri", settings.mlflow_uri, "--default-artifact-root", settings.mlflow_artifacts,
        ],
    }  # fmt: skip


def taken(port: int) -> bool:
    """Whether something listens on the port already."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def main() -> int:
    """Start both, wait until one ends or Ctrl-C, stop both; the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return _fail(str(error))
    for name, port in (("Dagster", DAGSTER_PORT), ("MLflow", MLFLOW_PORT)):
        if taken(port):
            return _fail(f"port {port} is taken: stop what listens there, {name} needs it")
    # MLflow's job execution would take 1.5 GB for nothing that is used here
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(instance_folder(settings)),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    servers = {
        name: subprocess.Popen(command, cwd=PROJECT, env=environment, start_new_session=True)  # noqa: S603
        for name, command in commands(settings).items()
    }
    sys.stdout.write(f"Dagster http://{HOST}:{DAGSTER_PORT}   MLflow http://{HOST}:{MLFLOW_PORT}   Ctrl-C stops both\n")
    sys.stdout.flush()
    try:
        return _until_one_ends(servers)
    except KeyboardInterrupt:
        return 0
    finally:
        for server in servers.values():
            _stop(server)


def _until_one_ends(servers: Mapping[str, "subprocess.Popen[bytes]"]) -> int:
    while True:
        for name, server in servers.items():
            try:
                code = server.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
            return _fail(f"{name} ended by itself with exit code {code}; its last lines above say why")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End a server and its children: politely first (Ctrl-C may be ignored in a background shell), then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(timeout=STOP_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _fail(words: str) -> int:
    sys.stderr.write(f"error: {words}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
