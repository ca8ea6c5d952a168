"""Questions to a Spark Connect server: does it speak the protocol, of which release is it, does it see the catalog.

Belongs here: a session that is the doctor's own, with an end in time. Does not: any table of the lake.
The requests are written out because pyspark's own session asks for ten minutes where nobody answers, and with its
closing takes the thread pool away from other sessions of the process.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from lakehouse_assets.services.doctor.finding import SECONDS, Ailment
from lakehouse_assets.settings import CATALOG

CONNECT_SECONDS = 20.0
"""How long all questions together may take: the first statement of a server opens the catalog's database."""

TWO_TASKS = "SELECT COUNT(*) FROM RANGE(0, 2, 1, 2)"
"""What a driver does not answer by itself."""

NOT_LET_IN = ("UNAUTHENTICATED", "PERMISSION_DENIED")


class ConnectSession:
    """A session on a channel of its own, which no other code of the process shares."""

    def __init__(self, master: str) -> None:
        """Ask nothing yet.

        Raises:
            Ailment: the address is none.
        """
        from pyspark.errors import PySparkException
        from pyspark.sql.connect import proto
        from pyspark.sql.connect.client import DefaultChannelBuilder

        try:
            builder = DefaultChannelBuilder(master)
        except (PySparkException, ValueError) as error:
            raise Ailment(f"is no address of a Connect server: {error}", "write it as sc://host:port") from error
        self._proto: Any = proto
        self._until = time.monotonic() + CONNECT_SECONDS
        self._metadata = list(builder.metadata())
        self._who: dict[str, Any] = {
            "session_id": str(uuid4()),
            "user_context": proto.UserContext(user_id=builder.userId or os.environ.get("USER", "")),
            "client_type": builder.userAgent,
        }
        self._channel = builder.toChannel()
        self._server = self._proto.SparkConnectServiceStub(self._channel)

    def version(self) -> str:
        """The server's release of Spark.

        Raises:
            grpc.RpcError: it gives none in time.
        """
        asked = self._proto.AnalyzePlanRequest(spark_version=self._proto.AnalyzePlanRequest.SparkVersion(), **self._who)
        answer = self._server.AnalyzePlan(asked, metadata=self._metadata, timeout=self._left())
        return str(answer.spark_version.version)

    def run(self, text: str) -> None:
        """Carry out a statement; its rows are dropped.

        Raises:
            grpc.RpcError: the server refuses it, or does not end in time.
        """
        plan = self._proto.Plan()
        plan.command.sql_command.input.sql.query = text
        self._execute(plan)

    def compute(self, text: str) -> None:
        """Have a query computed; its rows are dropped.

        Raises:
            grpc.RpcError: the server refuses it, or does not end in time.
        """
        plan = self._proto.Plan()
        plan.root.sql.query = text
        self._execute(plan)

    def _execute(self, plan: Any) -> None:
        asked = self._proto.ExecutePlanRequest(plan=plan, **self._who)
        for _ in self._server.ExecutePlan(asked, metadata=self._metadata, timeout=self._left()):
            pass

    def close(self) -> None:
        """Let the server forget the session, and close the channel."""
        from grpc import RpcError

        asked = self._proto.ReleaseSessionRequest(**self._who)
        with suppress(RpcError):  # a server that is not there keeps no session
            self._server.ReleaseSession(asked, metadata=self._metadata, timeout=SECONDS)
        self._channel.close()

    def _left(self) -> float:
        return max(0.0, self._until - time.monotonic())


def ask_connect(master: str) -> str:
    """Whether the server speaks Connect, is of the client's major release, sees the catalog and has an executor."""
    session = ConnectSession(master)
    try:
        with _refusals("does not answer as a Connect server does", "see that spark.master names one that is up"):
            theirs = session.version()
        if _major(theirs) != _major(ours := version("pyspark")):
            raise Ailment(
                f"the server is Spark {theirs}, this client {ours}", "take the same major release on both sides"
            )
        with _refusals(
            f"the Connect server answers, Spark {theirs}, and does not see {CATALOG}",
            "start it by `python -m lakehouse_assets.services.spark_connect`, and see that it reaches the catalog",
        ):
            session.run(f"SHOW NAMESPACES IN {CATALOG}")
        with _refusals(
            f"the Connect server answers, Spark {theirs}, sees {CATALOG}, and nothing is computed",
            "see on its page that it has an executor, on a worker with cores free",
        ):
            session.compute(TWO_TASKS)
    finally:
        session.close()
    return f"the Connect server answers, Spark {theirs}, sees {CATALOG} and computes"


@contextmanager
def _refusals(what: str, fix: str) -> Iterator[None]:
    """What it means that a question is refused, with the server's own first line."""
    from grpc import RpcError

    try:
        yield
    except RpcError as error:
        called: Any = error  # each that a stub raises is a call as well
        code = called.code().name
        if code in NOT_LET_IN:
            raise Ailment(f"lets us not in ({code})", "correct the token in spark.master") from error
        words = (called.details() or "").strip().splitlines()[:1]
        raise Ailment(": ".join([f"{what} ({code})", *words]), fix) from error


def _major(release: str) -> str:
    return release.partition(".")[0]
