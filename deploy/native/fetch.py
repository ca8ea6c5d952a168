"""Bring the programs of the stack from the package registries: Maven's jars, Go's modules, Debian's packages.

Belongs here: what is fetched, with which tool, pinned where. Does not: how it is started (`programs`).
Each tool asks the registry that it is configured for; jars are held against the lists in checksums/, and so is what Go
pins of all its modules (go.sum), Debian's packages by apt against its signed index.
"""

import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from deploy.native.cache import cached, verify
from deploy.native.compose import PROJECT
from deploy.native.errors import StackError

HERE = Path(__file__).resolve().parent
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
TRINO_SERVICE = "META-INF/services/io.trino.spi.Plugin"
ICEBERG_PLUGIN = "io.trino.plugin.iceberg.IcebergPlugin"

LAUNCHER = """#!/bin/sh
root=$(dirname "$0")/..
for libraries in "$root"/usr/lib/*-linux-gnu; do
    LD_LIBRARY_PATH=$libraries${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
done
export LD_LIBRARY_PATH
exec "$root/usr/bin/{program}" "$@"
"""


@cache
def spark_jars() -> Path:
    """What Spark needs beside its own jars: Iceberg, S3, PostgreSQL (112 MB)."""
    return _jars("spark-jars", PROJECT / "deploy" / "spark" / "pom.xml")


@cache
def trino_jars() -> Path:
    """The server (97 MB)."""
    return _jars("trino-main", HERE / "trino" / "main.pom.xml")


@cache
def trino_plugins() -> Path:
    """The plugin folder: Iceberg alone (382 MB). The interface itself comes from the server, and from there only."""
    jars = _jars("trino-iceberg", HERE / "trino" / "iceberg.pom.xml")

    def assemble(folder: Path) -> None:
        plugin = folder / "iceberg"
        plugin.mkdir()
        for jar in jars.iterdir():
            if not jar.name.startswith("trino-spi-"):
                (plugin / jar.name).symlink_to(jar)
        with zipfile.ZipFile(plugin / "service.jar", "w") as archive:
            archive.writestr(TRINO_SERVICE, ICEBERG_PLUGIN + "\n")

    return cached("trino-plugins", [HERE / "checksums" / "trino-iceberg.sha256", Path(__file__)], assemble)


@cache
def nessie() -> Path:
    """A REST catalog, whole in one jar (245 MB)."""
    return next(_jars("nessie", HERE / "nessie" / "pom.xml").glob("*.jar"))


@cache
def versitygw() -> Path:
    """An S3 server over a folder, in the place of SeaweedFS, which no registry has (69 MB)."""
    return _go("versitygw", "github.com/versity/versitygw/cmd/versitygw@v1.7.0")


@cache
def docker_compose() -> Path:
    """Compose alone, which reads and judges docker-compose.yml without a Docker engine (45 MB)."""
    return _go("docker_compose", "github.com/docker/compose/v5/cmd@v5.5.0")


@cache
def prometheus() -> Path:
    """The folder with prometheus and promtool (29 MB with the next two)."""
    return _debian("prometheus", ["prometheus"])


@cache
def caddy() -> Path:
    """The folder with caddy."""
    return _debian("caddy", ["caddy"])


@cache
def redis() -> Path:
    """The folder with redis-server and redis-cli, also under the names of Valkey, which took Redis on."""
    return _debian(
        "redis",
        [
            "redis-server",
            "redis-tools",
            "libhiredis0.14",
            "libjemalloc2",
            "liblua5.1-0",
            "liblzf1",
            "lua-bitop",
            "lua-cjson",
        ],
        {"valkey-server": "redis-server", "valkey-cli": "redis-cli"},
    )


def _jars(name: str, pom: Path) -> Path:
    """The jars that a pom names, with all they need."""
    checksums = HERE / "checksums" / f"{name}.sha256"

    def fetch(folder: Path) -> None:
        _run(
            [_tool("mvn", "Maven"), "--batch-mode", "--quiet", f"--file={pom}", COPY_JARS,
             "-DincludeScope=runtime", f"-DoutputDirectory={folder}"], name,
        )  # fmt: skip
        verify(folder.iterdir(), checksums)

    return cached(name, [pom, checksums], fetch)


def _go(name: str, pinned: str) -> Path:
    """A Go program at a version; the list of checksums holds the go.sum of all modules that it is built from."""
    package, _, version = pinned.partition("@")
    checksums = HERE / "checksums" / f"{name}-{version}.sha256"

    def fetch(folder: Path) -> None:
        go, environment = _tool("go", "Go"), {**os.environ, "CGO_ENABLED": "0"}
        with tempfile.TemporaryDirectory() as module:

            def run(*arguments: str) -> None:
                _run([go, *arguments], name, cwd=Path(module), environment=environment)

            run("mod", "init", f"lakehouse/{name}")
            run("get", "-tool", pinned)
            verify([Path(module) / "go.sum"], checksums)
            run("build", "-mod=readonly", "-trimpath", "-o", str(folder / name), package)

    return cached(name, [checksums], fetch) / name


def _debian(name: str, packages: Sequence[str], aliases: Mapping[str, str] | None = None) -> Path:
    """The folder of the programs of Debian packages, unpacked and not installed; their libraries beside them.

    Each program is a script that names the folder of libraries, so that it runs from wherever it was unpacked.
    """

    def fetch(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as downloads:
            apt = _tool("apt-get", "Debian's apt, or run the whole stack with Docker")
            _run([apt, "-o", "APT::Sandbox::User=root", "download", *packages], name, cwd=Path(downloads))
            for package in Path(downloads).glob("*.deb"):
                _run(["dpkg", "-x", str(package), str(folder)], name)
        programs = folder / "programs"
        programs.mkdir()
        names = {path.name: path.name for path in (folder / "usr" / "bin").iterdir()} | dict(aliases or {})
        for alias, program in names.items():
            script = programs / alias
            script.write_text(LAUNCHER.format(program=program), encoding="utf-8")
            script.chmod(0o755)

    return cached(name, [Path(__file__)], fetch) / "programs"


def _run(
    command: Sequence[str], name: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> None:
    run = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode:
        last = "\n".join((run.stdout + run.stderr).strip().splitlines()[-15:])
        raise StackError(f"{name} could not be fetched by `{' '.join(command)}`:\n{last}")


def _tool(name: str, called: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/local/go/bin")
    if found is None:
        raise StackError(f"{name} is not on the PATH: install {called}, which fetches parts of the stack")
    return found
