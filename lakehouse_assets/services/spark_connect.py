"""A Spark driver that steps share: a Connect server on the lake's catalog.

Belongs here: keeping one session open for clients. Does not: its options (`lake.engines.spark`).

A step's own driver costs a JVM and 10-15 s, and the first of two takes all cores of a standalone cluster. A client of
this server opens in a second. Spark Connect asks for no password: let it listen where only the pipeline reaches it.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Any

from lakehouse_assets.lake.engines.spark import CONNECT_PORT, driver_options, start_java
from lakehouse_assets.settings import Settings, load_settings

PLUGIN = "org.apache.spark.sql.connect.SparkConnectPlugin"
LOOK_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m lakehouse_assets.services.spark_connect", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=CONNECT_PORT)
    parser.add_argument("--ui-port", type=int, default=8182, help="Spark's own pages: queries, stages, executors")
    asked = parser.parse_args(arguments)
    serve(load_settings(), asked.host, asked.port, asked.ui_port)


def serve(settings: Settings, host: str, port: int, ui_port: int) -> None:
    """Open the session on `settings.spark.master` and keep it until the process is told to end.

    Raises:
        SystemExit: Spark has ended by itself: whoever supervises this process must start it again.
    """
    from pyspark.sql import SparkSession

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    start_java(known := options(settings, host, port, ui_port))
    builder = SparkSession.builder
    for name, value in known.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    sys.stdout.write(f"Spark Connect listens on {host}:{port}\n")
    sys.stdout.flush()
    while not ended.wait(LOOK_SECONDS):
        _refuse_ended(session.sparkContext)
    session.stop()


def _refuse_ended(context: Any) -> None:
    """Whether clients are still answered: the JVM may be killed for its memory, a master may give the driver up."""
    from py4j.protocol import Py4JError

    java = context._gateway.proc  # pyspark shows its JVM in no other way
    try:
        if java.poll() is None and not context._jsc.sc().isStopped():
            return
    except Py4JError:  # killed while it was asked
        java.wait(LOOK_SECONDS)
    if (code := java.poll()) is None:
        raise SystemExit("Spark has stopped by itself, its log says why: start this server again")
    raise SystemExit(f"Spark's JVM has ended with exit code {code}: start this server again")


def options(settings: Settings, host: str, port: int, ui_port: int) -> dict[str, str]:
    """A driver's options, with the plugin that serves clients and with pages of its own."""
    return {
        **driver_options(settings),
        "spark.plugins": PLUGIN,
        "spark.connect.grpc.binding.address": host,
        "spark.connect.grpc.binding.port": str(port),
        "spark.ui.enabled": "true",
        "spark.ui.port": str(ui_port),
        "spark.port.maxRetries": "0",  # a taken port is an error, not the next one
    }


if __name__ == "__main__":
    main()
