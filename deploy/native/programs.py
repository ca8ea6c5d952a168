"""How the program of each image is started on this machine.

Belongs here: image -> command, and what an image's own entry point would do first. Does not: order, health, stopping
(`stack`), nor what is fetched (`fetch`).
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.native import fetch, machine, postgres
from deploy.native.compose import PROJECT, Service
from deploy.native.translation import HOST, Translation

PROGRAMS_OF_THE_PROJECT = Path(sys.executable).parent
SPARK_SETTINGS = "/opt/lakehouse/spark-conf"
TRINO_HEALTH = "/usr/lib/trino/bin/health-check"


@dataclass(frozen=True)
class Place:
    """What a service has here: its folder of state, where its containers' paths lie, and its variables."""

    folder: Path
    translation: Translation
    environment: Mapping[str, str]

    def path(self, inside: str) -> Path:
        """Where a path of the container lies."""
        return Path(self.translation.text(inside))


@dataclass(frozen=True)
class Launch:
    """A command as it is started here; `before` runs first, `programs` are put before the PATH."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    programs: Sequence[Path] = ()
    before: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    health: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Programs of the image that only it has -> what is asked here in their place."""


def project(service: Service, place: Place) -> Launch:
    """Our own image: the command as it is, out of this environment; with Spark's configuration goes a JDK."""
    environment = {"PYTHONPATH": str(PROJECT)}
    if SPARK_SETTINGS in place.translation.paths:
        environment |= {
            "JAVA_HOME": str(machine.java_home(17, 21)),
            "SPARK_LOCAL_IP": HOST,  # else Spark binds the machine's address
            "PYSPARK_PYTHON": sys.executable,
        }
    return Launch(place.translation.words(service.command), environment, (PROGRAMS_OF_THE_PROJECT,))


def postgresql(service: Service, place: Place) -> Launch:
    """PostgreSQL; an empty data folder is filled as the image does it: initdb, then the scripts of the init folder."""
    programs = machine.postgres_programs()
    data = place.path("/var/lib/postgresql/data")
    scripts = [place.path(mount.target) for mount in service.mounts if mount.target.endswith(".sh")]
    options = [
        *place.translation.words(service.command)[1:],
        "-c",
        f"listen_addresses={HOST}",
        "-p",
        str(service.ports[0]),
    ]
    return Launch(
        [
            *postgres.as_postgres(),
            str(programs / "postgres"),
            "-D",
            str(data),
            "-c",
            "unix_socket_directories=",
            *options,
        ],
        programs=(programs,),
        before=lambda: postgres.initialise(data, scripts, place.environment),
        stop_signal=signal.SIGINT,  # fast: sessions are ended, not waited for
    )


def object_store(service: Service, place: Place) -> Launch:
    """Another S3 server in the place of SeaweedFS, over the folder that is its volume."""
    keys = {
        "ROOT_ACCESS_KEY": place.environment["S3_ACCESS_KEY"],
        "ROOT_SECRET_KEY": place.environment["S3_SECRET_KEY"],
    }
    address = f"{HOST}:{service.ports[0]}"
    return Launch(
        [str(fetch.versitygw()), "--port", address, "--region", "us-east-1", "posix", str(place.path("/data"))], keys
    )


def trino(service: Service, place: Place) -> Launch:
    """Trino out of its jars, with the JVM flags and properties that the image's launcher would read."""
    settings = place.path("/etc/trino")
    flags = (settings / "jvm.config").read_text(encoding="utf-8").split()
    properties = {
        **_properties(settings / "node.properties"),
        "node.bind-ip": HOST,  # else every interface
        "node.internal-address": HOST,
        "plugin.dir": str(fetch.trino_plugins()),
        "log.levels-file": str(settings / "log.properties"),
        "config": str(settings / "config.properties"),
        "access-control.config-files": str(settings / "access-control.properties"),
    }
    version = service.image.rpartition(":")[2]
    return Launch(
        [
            str(machine.java_home(25) / "bin" / "java"), *flags, "--add-modules=jdk.incubator.vector",
            *(f"-D{name}={value}" for name, value in properties.items()),
            "-cp", f"{fetch.trino_jars()}/*", str(Path(__file__).parent / "trino" / "StartTrino.java"), version,
        ],
        health={TRINO_HEALTH: [sys.executable, "-c", _trino_has_started(service.ports[0])]},
    )  # fmt: skip


def nessie(_: Service, place: Place) -> Launch:
    """Nessie out of its jar, with the flags that the image's own script would read."""
    java = machine.java_home(21, 25) / "bin" / "java"
    flags = place.environment["JAVA_OPTS_APPEND"].split()
    return Launch([str(java), *flags, "-jar", str(fetch.nessie())])


def prometheus(service: Service, place: Place) -> Launch:
    """Prometheus; the image's entry point is the program, so the command is only its options."""
    programs = fetch.prometheus()
    return Launch([*place.translation.words(["prometheus", *service.command])], programs=(programs,))


def proxy(service: Service, place: Place) -> Launch:
    """Caddy."""
    return Launch(place.translation.words(service.command), programs=(fetch.caddy(),))


def redis(service: Service, place: Place) -> Launch:
    """Debian's Redis in the place of Valkey."""
    return Launch(place.translation.words(service.command), programs=(fetch.redis(),))


def _trino_has_started(port: int) -> str:
    return (
        "import json; from urllib.request import urlopen; "
        f"assert json.load(urlopen('http://{HOST}:{port}/v1/info', timeout=5))['starting'] is False"
    )


def _properties(path: Path) -> dict[str, str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def inside_paths(service: Service) -> dict[str, Path]:
    """Paths of the image itself, neither mounted nor a volume, as this machine has them."""
    with_spark = any(mount.target == SPARK_SETTINGS for mount in service.mounts)
    return {"/opt/lakehouse/jars": fetch.spark_jars()} if with_spark else {}


PROGRAMS: Mapping[str, Callable[[Service, Place], Launch]] = {
    "lakehouse-assets": project,
    "postgres": postgresql,
    "chrislusf/seaweedfs": object_store,
    "trinodb/trino": trino,
    "ghcr.io/projectnessie/nessie": nessie,
    "prom/prometheus": prometheus,
    "caddy": proxy,
    "valkey/valkey": redis,
}
"""Image -> program. A service whose image is not here needs Docker: no registry has its program."""


def search_path(programs: Sequence[Path]) -> str:
    """The PATH with these folders first."""
    return os.pathsep.join([*map(str, programs), os.environ.get("PATH", os.defpath)])
