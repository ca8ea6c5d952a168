"""Questions to Spark and Trino: are they there, of the right version, and may they write.

Belongs here: what can be seen without a driver of Spark, which takes 15 s. Does not: a session on a Connect server
(`connect`), any table of the lake.
"""

import os
import re
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from lakehouse_assets.lake.engines import EngineFailed, ForeignEngine, ForeignName
from lakehouse_assets.lake.engines.spark import CONNECT, CONNECT_PORT
from lakehouse_assets.services.doctor.connect import ask_connect
from lakehouse_assets.services.doctor.finding import SECONDS, Ailment, NotAsked
from lakehouse_assets.settings import CATALOG, Settings

OLDEST_TRINO = 476
OLDEST_JAVA = 17
JARS = ("iceberg-spark-runtime-4.1_2.13", "iceberg-aws-bundle", "postgresql")
DEFAULTS = "spark-defaults.conf"


def ask_trino(settings: Settings) -> str:
    """Whether the server is up and new enough, and our user may make, fill and drop a table in the catalog."""
    _refuse_unused("trino", settings)
    release = _trino_release(settings)
    if release < OLDEST_TRINO:
        raise Ailment(f"is Trino {release}", f"take {OLDEST_TRINO} or newer: older ones were never tried")
    _write_a_table(settings)
    return f"Trino {release}, {settings.trino.user} may write in {CATALOG}"


def ask_spark(settings: Settings) -> str:
    """Whether Java and Iceberg's jars are there and the master answers; of a Connect server, what it says itself."""
    _refuse_unused("spark", settings)
    master = settings.spark.master
    if master.startswith("spark://"):
        for address in master.removeprefix("spark://").split(","):
            _refuse_silent(address)
    if master.startswith(CONNECT):
        address = master.removeprefix(CONNECT).partition("/")[0]
        _refuse_silent(address if ":" in address else f"{address}:{CONNECT_PORT}")
        return ask_connect(master)
    java = _java_release()
    if java < OLDEST_JAVA:
        raise Ailment(f"java is {java}", f"install Java {OLDEST_JAVA} or 21, or name it by JAVA_HOME")
    folder = jars_folder(settings)
    missing = [name for name in JARS if not any(folder.glob(f"{name}*.jar"))]
    if missing:
        raise Ailment(
            f"{folder} has no {', '.join(missing)}",
            "fetch them by deploy/spark/pom.xml, and name their folder: spark.jars (LAKEHOUSE_SPARK__JARS)",
        )
    return f"Java {java}, Iceberg's jars in {folder}"


def jars_folder(settings: Settings) -> Path:
    """Where the jars are: by the settings, else by Spark's own configuration.

    Raises:
        Ailment: neither names a folder.
    """
    if settings.spark.jars:
        return Path(settings.spark.jars).expanduser()
    defaults = Path(os.environ.get("SPARK_CONF_DIR", "")) / DEFAULTS
    text = defaults.read_text(encoding="utf-8") if "SPARK_CONF_DIR" in os.environ and defaults.is_file() else ""
    named = re.search(r"^spark\.driver\.extraClassPath\s+(\S+)/\*$", text, re.MULTILINE)
    if named is None:
        raise Ailment(
            f"neither spark.jars nor {DEFAULTS} in SPARK_CONF_DIR names the folder of Iceberg's jars",
            "fetch them by deploy/spark/pom.xml, and name their folder: spark.jars (LAKEHOUSE_SPARK__JARS)",
        )
    return Path(named[1])


def _refuse_unused(engine: ForeignName, settings: Settings) -> None:
    section = getattr(settings, engine)
    if engine not in (settings.engine.name, *settings.engine.assets.values()) and section == type(section)():
        raise NotAsked(f'no table is given to it: engine.name or engine.assets would say "{engine}"')


def _trino_release(settings: Settings) -> int:
    import requests

    known = settings.trino
    scheme = "https" if known.password else "http"
    try:
        answer = requests.get(
            f"{scheme}://{known.host}:{known.port}/v1/info", timeout=SECONDS, verify=known.certificate or True
        )
        said: Any = answer.json()
        release = re.match(r"\d+", said["nodeVersion"]["version"])
        if said.get("starting"):
            raise Ailment("is still starting", "ask again in a minute")
    except requests.exceptions.SSLError as error:
        raise Ailment("its certificate is not trusted", "name the authority's file: trino.certificate") from error
    except requests.exceptions.ConnectionError as error:
        raise Ailment("does not answer", "start Trino there, or correct trino.host and trino.port") from error
    except (requests.RequestException, KeyError, TypeError) as error:
        raise Ailment(
            f"does not answer as Trino does: {type(error).__name__}", "correct trino.host and trino.port"
        ) from error
    return int(release[0]) if release else 0


def _write_a_table(settings: Settings) -> None:
    """Make, fill and drop a table in a schema of its own, which no reader has ever heard of."""
    from lakehouse_assets.lake.engines.trino import Trino

    try:
        make_and_drop(Trino(settings), f"{CATALOG}.doctor_{uuid4().hex}")
    except EngineFailed as error:
        raise _refused(settings, str(error)) from error


def make_and_drop(trino: ForeignEngine, schema: str) -> None:
    """Make, fill and drop a table; of two failures the first is told, since the second mostly follows from it.

    Raises:
        EngineFailed: a statement was refused.
    """
    trino.run(f"CREATE SCHEMA {schema}")
    try:
        trino.run(f"CREATE TABLE {schema}.written (n INTEGER)")
        trino.run(f"INSERT INTO {schema}.written VALUES 1")
    except EngineFailed:
        with suppress(EngineFailed):
            _drop(trino, schema)
        raise
    _drop(trino, schema)


def _drop(trino: ForeignEngine, schema: str) -> None:
    trino.run(f"DROP TABLE IF EXISTS {schema}.written")
    trino.run(f"DROP SCHEMA {schema}")


def _refused(settings: Settings, words: str) -> Ailment:
    user = settings.trino.user
    if "error 401" in words or "Unauthorized" in words:
        return Ailment(f"refuses the password of {user}", "set LAKEHOUSE_TRINO__PASSWORD")
    if "PERMISSION_DENIED" in words:
        return Ailment(
            f"{user} may not write in {CATALOG}", "name a role that may: trino.user, deploy/trino/rules.json has them"
        )
    if "CATALOG_NOT_FOUND" in words:
        return Ailment(f"has no catalog {CATALOG}", f"give it a file of deploy/trino/catalogs, {CATALOG}.properties")
    return Ailment(f"cannot write: {words}", "see that Trino reaches the catalog's database and the bucket")


def _java_release() -> int:
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home) / "bin" / "java") if home else "java"
    if shutil.which(program) is None:
        raise Ailment(f"there is no {program}", f"install Java {OLDEST_JAVA} or 21, or name it by JAVA_HOME")
    said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr  # noqa: S603
    release = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(release[1]) if release else 0


def _refuse_silent(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=SECONDS):
            pass
    except (OSError, ValueError) as error:
        raise Ailment(f"{address} does not answer: {error}", "start Spark there, or correct spark.master") from error
