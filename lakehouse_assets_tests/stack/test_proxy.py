"""The one door asks for a name and a password, tells the pages who came, and its pages are watched."""

import base64
import json
import ssl
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from deploy.native.env_file import read_env_file
from deploy.native.fetch import caddy, prometheus
from deploy.native.stack import Stack
from lakehouse_assets_tests.paths import PROJECT

pytestmark = pytest.mark.stack("proxy", "trino", "prometheus", "spark-worker")


class ByName(HTTPSConnection):
    """A connection to the proxy that asks for one of its names, whatever this machine's resolver knows."""

    def __init__(self, name: str) -> None:
        super().__init__("127.0.0.1", 8443, timeout=20)
        self._name = name

    def connect(self) -> None:
        import socket

        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(
            socket.create_connection(("127.0.0.1", 8443), timeout=20), server_hostname=self._name
        )


def through(
    stack: Stack,
    page: str,
    path: str,
    user: str | None,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and answer of a page, asked through the proxy with the user's password."""
    name = f"{page}.lakehouse.localhost"
    sent = {"Host": f"{name}:8443", **(headers or {})}
    if user is not None:
        passwords = read_env_file(stack.env_file)
        password = passwords.get(f"PROXY_{user.upper()}_PASSWORD", "wrong")
        sent["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    connection = ByName(name)
    try:
        connection.request("POST" if body else "GET", path, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("page", ["dagster", "mlflow", "trino", "spark", "grafana", "superset", "prometheus"])
def test_no_page_opens_without_a_password(stack: Stack, page: str) -> None:
    assert through(stack, page, "/", None)[0] == 401
    assert through(stack, page, "/", "stranger")[0] == 401


def test_a_viewer_comes_to_the_pages_that_only_read(stack: Stack) -> None:
    assert through(stack, "trino", "/v1/info", "viewer")[0] == 200
    for page in ("dagster", "mlflow", "spark", "prometheus"):
        assert through(stack, page, "/", "viewer")[0] == 401
    assert through(stack, "spark", "/", "admin")[0] == 200
    assert through(stack, "prometheus", "/-/healthy", "admin")[0] == 200


@pytest.mark.parametrize("user", ["viewer", "admin"])
def test_who_came_in_is_who_asks_trino_whatever_the_client_claims(stack: Stack, user: str) -> None:
    claimed = {"X-Trino-User": "pipeline", "X-Trino-Original-User": "pipeline"}
    status, answer = through(stack, "trino", "/v1/statement", user, "SELECT current_user", claimed)
    assert status == 200
    rows: list[list[str]] = []
    told = json.loads(answer)
    while "nextUri" in told:
        following = urllib.parse.urlsplit(told["nextUri"])
        assert (following.scheme, following.netloc) == ("https", "trino.lakehouse.localhost:8443")
        status, answer = through(stack, "trino", following.path, user, None, claimed)
        assert status == 200
        told = json.loads(answer)
        rows += told.get("data", [])
    assert rows == [[user]]


def ask_prometheus(expression: str) -> list[dict[str, Any]]:
    """The series that an expression has now."""
    query = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://127.0.0.1:9090/api/v1/query?{query}", timeout=20) as answer:
        told = json.load(answer)
    assert told["status"] == "success", told
    found: list[dict[str, Any]] = told["data"]["result"]
    return found


def test_each_panel_of_the_dashboards_shows_something(stack: Stack) -> None:
    assert through(stack, "trino", "/v1/info", "admin")[0] == 200  # so that the proxy has counted
    board = json.loads((PROJECT / "deploy" / "grafana" / "dashboards" / "servers.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    deadline = time.monotonic() + 90  # two scrapes, 15 seconds apart
    while empty := [one for one in expressions if "ALERTS" not in one and not ask_prometheus(one)]:
        assert time.monotonic() < deadline, empty
        time.sleep(2)
    down = {series["metric"]["job"] for series in ask_prometheus("up == 0")}
    assert down <= {"seaweedfs"}  # the stand-in for the store has no metrics


@pytest.mark.usefixtures("stack")
def test_the_configuration_of_proxy_and_prometheus_is_valid(tmp_path: Path) -> None:
    import subprocess

    deploy = PROJECT / "deploy"
    digest = "$2a$14$CIW9S.1OLRZ8v.PZ0MMBfeQwXzbzPCzFZCK6LNjWVPBQpVDXTmfpO"
    site = {"SITE_DOMAIN": "lakehouse.localhost", "PROXY_ADMIN_DIGEST": digest, "PROXY_VIEWER_DIGEST": digest}
    for command in (
        [f"{caddy()}/caddy", "validate", "--config", f"{deploy}/caddy/Caddyfile"],
        [f"{prometheus()}/promtool", "check", "config", f"{deploy}/prometheus/prometheus.yml"],
    ):
        run = subprocess.run(
            command,
            env={**site, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
