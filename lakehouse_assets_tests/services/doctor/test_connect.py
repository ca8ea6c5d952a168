"""Questions to a Connect server: a small one that answers as a test says, over real sockets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import grpc
import pytest
from pyspark.sql.connect import proto
from pyspark.sql.connect.session import SparkSession

from lakehouse_assets.services.doctor import connect
from lakehouse_assets.services.doctor.connect import ask_connect
from lakehouse_assets_tests.services.doctor.conftest import ailment

OURS = version("pyspark")


class Server(proto.SparkConnectServiceServicer):  # type: ignore[misc]
    """A release of Spark that sees a catalog, or fails what begins with a text; it remembers what it was asked."""

    def __init__(
        self, release: str = OURS, refusal: tuple[grpc.StatusCode, str] | None = None, refused: str = ""
    ) -> None:
        self.release, self.refusal, self.refused = release, refusal, refused
        self.asked: list[str] = []
        self.sessions: set[str] = set()
        self.released: list[str] = []

    def AnalyzePlan(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.sessions.add(request.session_id)
        assert request.HasField("spark_version")
        answer = proto.AnalyzePlanResponse(session_id=request.session_id)
        answer.spark_version.version = self.release
        return answer

    def ExecutePlan(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.sessions.add(request.session_id)
        command = request.plan.HasField("command")
        query = request.plan.command.sql_command.input.sql.query if command else request.plan.root.sql.query
        self.asked.append(query)
        if self.refusal and query.startswith(self.refused):
            context.abort(*self.refusal)
        yield proto.ExecutePlanResponse(session_id=request.session_id)

    def ReleaseSession(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.released.append(request.session_id)
        return proto.ReleaseSessionResponse(session_id=request.session_id)


@pytest.fixture
def listen() -> Iterator[Callable[[Server | None], str]]:
    """Let a server listen, or one that speaks gRPC and not Connect; its address."""
    started: list[grpc.Server] = []

    def start(server: Server | None) -> str:
        listening = grpc.server(ThreadPoolExecutor(2))
        if server is not None:
            untyped: Any = proto
            untyped.add_SparkConnectServiceServicer_to_server(server, listening)
        port = listening.add_insecure_port("127.0.0.1:0")
        listening.start()
        started.append(listening)
        return f"sc://127.0.0.1:{port}"

    yield start
    for one in started:
        one.stop(None).wait()


def test_a_server_that_sees_the_catalog(listen: Callable[..., str]) -> None:
    server = Server()
    assert ask_connect(listen(server)) == f"the Connect server answers, Spark {OURS}, sees hive_prod and computes"
    assert server.asked == ["SHOW NAMESPACES IN hive_prod", connect.TWO_TASKS]


def test_a_server_without_an_executor(listen: Callable[..., str]) -> None:
    late = (grpc.StatusCode.DEADLINE_EXCEEDED, "")
    what, fix = ailment(lambda: ask_connect(listen(Server(refusal=late, refused="SELECT"))))
    assert what.endswith("sees hive_prod, and nothing is computed (DEADLINE_EXCEEDED)")
    assert "a worker with cores free" in fix


def test_its_session_is_its_own_and_is_released(listen: Callable[..., str]) -> None:
    server, theirs = Server(), "0f3b1f86-25a4-4a56-a0d9-7ed6a1f5c9a1"
    before = dict(os.environ)
    ask_connect(f"{listen(server)}/;session_id={theirs}")
    assert server.released == list(server.sessions)
    assert len(server.sessions) == 1
    assert theirs not in server.sessions
    assert dict(os.environ) == before
    assert SparkSession._default_session is None


def test_a_session_is_released_where_a_question_fails(listen: Callable[..., str]) -> None:
    server = Server("3.5.7")
    what, fix = ailment(lambda: ask_connect(listen(server)))
    assert what == f"the server is Spark 3.5.7, this client {OURS}"
    assert "same major release" in fix
    assert (server.asked, server.released) == ([], list(server.sessions))


def test_another_minor_release_is_no_hindrance(listen: Callable[..., str]) -> None:
    assert ask_connect(listen(Server("4.0.1"))).startswith("the Connect server answers, Spark 4.0.1")


def test_a_server_without_the_catalog(listen: Callable[..., str]) -> None:
    words = "[SCHEMA_NOT_FOUND] The schema `hive_prod` cannot be found.\n== SQL ==\nSHOW NAMESPACES"
    server = Server(refusal=(grpc.StatusCode.INTERNAL, words))
    what, fix = ailment(lambda: ask_connect(listen(server)))
    assert what == (
        f"the Connect server answers, Spark {OURS}, and does not see hive_prod (INTERNAL): "
        "[SCHEMA_NOT_FOUND] The schema `hive_prod` cannot be found."
    )
    assert "lakehouse_assets.services.spark_connect" in fix


def test_a_server_that_asks_for_a_token(listen: Callable[..., str]) -> None:
    server = Server(refusal=(grpc.StatusCode.UNAUTHENTICATED, "no token"))
    assert ailment(lambda: ask_connect(listen(server))) == (
        "lets us not in (UNAUTHENTICATED)", "correct the token in spark.master",
    )  # fmt: skip


def test_what_speaks_http_is_no_connect_server(serve: Callable[..., str]) -> None:
    address = serve({"/v1/info": (200, "{}")}).replace("http://", "sc://")
    began = time.monotonic()
    what, fix = ailment(lambda: ask_connect(address))
    assert what.startswith("does not answer as a Connect server does (")
    assert "\n" not in what
    assert "spark.master" in fix
    assert time.monotonic() - began < connect.CONNECT_SECONDS + 10


def test_what_speaks_grpc_alone_is_no_connect_server(listen: Callable[..., str]) -> None:
    what, _ = ailment(lambda: ask_connect(listen(None)))
    assert what.startswith("does not answer as a Connect server does (UNIMPLEMENTED)")


def test_what_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(connect, "SECONDS", 1.0)
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        what, _ = ailment(lambda: ask_connect(f"sc://127.0.0.1:{silent.getsockname()[1]}"))
    assert what.startswith("does not answer as a Connect server does (DEADLINE_EXCEEDED)")
    assert time.monotonic() - began < connect.CONNECT_SECONDS + 10


@pytest.mark.parametrize("master", ["sc://127.0.0.1:15002/folder", "sc://127.0.0.1/;token", "sc://:15002"])
def test_an_address_that_is_none(master: str) -> None:
    what, fix = ailment(lambda: ask_connect(master))
    assert what.startswith("is no address of a Connect server")
    assert fix == "write it as sc://host:port"


def test_the_doctor_loads_pyspark_only_to_ask_it() -> None:
    code = (
        "import sys; import lakehouse_assets.services.doctor; "
        "sys.exit(','.join({'pyspark', 'grpc'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.strip() == ""
