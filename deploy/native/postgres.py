"""What the PostgreSQL image's entry point does on an empty data folder.

Belongs here: initdb, the init scripts, and the user that PostgreSQL runs as. Does not: starting the server that stays.
"""

import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.native import machine
from deploy.native.errors import StackError

USER = "postgres"


def as_postgres() -> list[str]:
    """The command before a command that makes root another user: PostgreSQL refuses to be started by root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]


def initialise(data: Path, scripts: Sequence[Path], environment: Mapping[str, str]) -> None:
    """Make the cluster and run the scripts; a cluster that is there stays as it is.

    Raises:
        StackError: a step failed; its last lines are in the message, and what it left is gone.
    """
    if (data / "PG_VERSION").is_file():
        return
    _refuse_closed(data)
    data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as short:  # a socket's path may have 107 bytes
        sockets = Path(short)
        password = sockets / "password"
        password.touch(0o600)
        password.write_text(environment["POSTGRES_PASSWORD"], encoding="utf-8")
        _give(data, sockets, password)
        try:
            _make_cluster(data, sockets, password, scripts, environment)
        except StackError:
            shutil.rmtree(data)
            raise


def _make_cluster(
    data: Path, sockets: Path, password: Path, scripts: Sequence[Path], environment: Mapping[str, str]
) -> None:
    programs = machine.postgres_programs()
    user = environment["POSTGRES_USER"]
    options = shlex.split(environment["POSTGRES_INITDB_ARGS"])
    _run([*as_postgres(), str(programs / "initdb"), "-D", data, "-U", user, f"--pwfile={password}", *options])
    server: list[str | Path] = [*as_postgres(), programs / "pg_ctl", "-D", data, "-w"]
    _run([*server, "-l", sockets / "log", "-o", f"-c listen_addresses='' -k {sockets}", "start"])
    try:
        variables = {**environment, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PGHOST": str(sockets)}
        for script in scripts:
            _run([*as_postgres(), "/bin/sh", script], variables)
    finally:
        _run([*server, "-m", "fast", "stop"])


def _refuse_closed(data: Path) -> None:
    """PostgreSQL's own user must come to what root names: not so below /root, for one."""
    closed = [folder for folder in data.parents if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH]
    if os.geteuid() == 0 and closed:
        raise StackError(
            f"{closed[-1]} is closed to the user {USER}, as whom PostgreSQL runs for root: open it (chmod o+x), "
            "or keep the state elsewhere (--state)"
        )


def _give(*paths: Path) -> None:
    """Let PostgreSQL's own user have what root made."""
    if os.geteuid() == 0:
        owner = pwd.getpwnam(USER)
        for path in paths:
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server that pg_ctl leaves behind
        run = subprocess.run(words, env=environment, cwd="/", stdout=output, stderr=output, check=False)  # noqa: S603
        if run.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines()
            raise StackError(f"PostgreSQL: `{' '.join(words)}` failed:\n" + "\n".join(said[-15:]))
