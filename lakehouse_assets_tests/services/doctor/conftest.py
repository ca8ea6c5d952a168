"""Small servers on 127.0.0.1 that answer what a test says, and settings of a production that is not there."""

import threading
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lakehouse_assets.services.doctor.finding import Ailment, NotAsked
from lakehouse_assets.settings import (
    CatalogSettings,
    Settings,
    StorageSettings,
    TrackingSettings,
)

Answers = Mapping[str, tuple[int, str]] | Callable[[str, str], tuple[int, str] | None]
"""Status and text by path, whatever the method; or of a method and a path."""


@pytest.fixture
def heard() -> list[tuple[str, Message]]:
    """Path and headers of what the servers of `serve` were asked."""
    return []


@pytest.fixture
def serve(heard: list[tuple[str, Message]]) -> Iterator[Callable[..., str]]:
    """Start a server with answers and further headers; its address."""
    started: list[ThreadingHTTPServer] = []

    def start(answers: Answers, **headers: str) -> str:
        class Answering(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path = self.path.partition("?")[0]
                heard.append((path, self.headers))
                known = answers(self.command, path) if callable(answers) else answers.get(path)
                status, text = known or (404, "not here")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text.encode())

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        started.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def production(closed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of servers none of which is there, and no table on Spark or Trino."""
    (tmp_path / "empty.toml").touch()
    monkeypatch.setenv("LAKEHOUSE_CONFIG", str(tmp_path / "empty.toml"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the-key-of-nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-of-nobody")
    return Settings(
        profile="production",
        catalog=CatalogSettings.model_validate(
            {"uri": f"postgresql+psycopg2://lakehouse@127.0.0.1:{closed}/lakehouse", "password": "swordfish"}
        ),
        storage=StorageSettings(warehouse="s3://lakehouse/warehouse", endpoint=f"http://127.0.0.1:{closed}"),
        mlflow=TrackingSettings(uri=f"http://127.0.0.1:{closed}"),
    )


def ailment(ask: Callable[[], str]) -> tuple[str, str]:
    """What a question finds, and the fix."""
    with pytest.raises(Ailment) as caught:
        ask()
    return str(caught.value), caught.value.fix


def not_asked(ask: Callable[[], str]) -> str:
    """Why a question is not asked."""
    with pytest.raises(NotAsked) as caught:
        ask()
    return str(caught.value)
