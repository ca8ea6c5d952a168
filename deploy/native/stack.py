"""Start and stop the services on this machine, each after those it needs.

Belongs here: order, ports, waiting, remembering what runs. Does not: what a service's program is (`programs`).
State lies in one folder: `volumes/` are the data, `<service>/` its configuration as translated, `logs/`, `run/`.
"""

import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from deploy.native.compose import COMPOSE_FILE, PROJECT, Service, read_services
from deploy.native.env_file import ensure_env_file, read_env_file
from deploy.native.errors import StackError
from deploy.native.health import command_of, is_healthy, wait_until_healthy
from deploy.native.processes import Process
from deploy.native.programs import PROGRAMS, Launch, Place, inside_paths, search_path
from deploy.native.translation import HOST, Translation

STATE = PROJECT / ".lakehouse" / "stack"
KEPT_VARIABLES = ("HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "TZ")
"""All that a service sees of the environment it is started from, beside its PATH: containers see none of it."""


class Stack:
    """The stack whose state is in a folder, its secrets in an environment file, its services in a compose file."""

    def __init__(self, state: Path = STATE, env_file: Path | None = None, compose_file: Path = COMPOSE_FILE) -> None:
        """Name the folder and the files; neither state nor secrets are made before they are needed."""
        self.state = state.resolve()
        self.env_file = env_file or self.state / ".env"
        self.compose_file = compose_file

    @cached_property
    def services(self) -> Mapping[str, Service]:
        """All services of the compose file, in the order in which they are started."""
        ensure_env_file(self.env_file)
        return read_services(read_env_file(self.env_file), self.compose_file)

    @property
    def native(self) -> list[str]:
        """The services whose program can be had without Docker."""
        return [name for name, service in self.services.items() if service.program in PROGRAMS]

    @property
    def usual(self) -> list[str]:
        """Those of them that are started where nobody names any: all but the REST server, unless it is the catalog."""
        native = self.native  # writes the environment file, where there is none
        left_out = set() if read_env_file(self.env_file).get("CATALOG_TYPE") == "rest" else {"rest"}
        return [name for name in native if set(self.services[name].profiles) - left_out]

    def running(self) -> list[str]:
        """The services whose process is there, in the order of starting."""
        return [name for name in self.services if self._alive(name)]

    def fetch(self, *names: str) -> Iterator[str]:
        """Bring the programs of services and of those they need into the cache; yields each name.

        Raises:
            StackError: one cannot be had; the message says what to install.
        """
        for name in self._with_needs(names or self.native):
            self._bring(self.services[name])
            yield name

    def start(self, *names: str) -> Iterator[str]:
        """Start services and those they need, as far as they are not running; yields each name once it is healthy.

        Raises:
            StackError: a port is taken, a service ended or never became healthy. What was started here is stopped.
        """
        wanted = [name for name in self._with_needs(names or self.usual) if not self._is_up(name)]
        for name in wanted:
            self._refuse_taken_ports(self.services[name])
            self._bring(self.services[name])
        begun: list[str] = []
        try:
            for name in wanted:
                begun.append(name)
                self._start(self.services[name])
                yield name
        except BaseException:
            self.stop(*begun)
            raise

    def up(self, *names: str) -> None:
        """Start services, and wait until all are healthy."""
        for _ in self.start(*names):
            pass

    def end(self, *names: str) -> Iterator[str]:
        """Stop services, all if none is named, in the reverse order; yields the name of each that had been started."""
        for name in reversed([name for name in self.services if name in (names or self.services)]):
            self._done(name).unlink(missing_ok=True)
            process = Process.load(self._record(name))
            if process is not None:
                process.stop(self.services[name].stop_seconds)
                self._record(name).unlink()
                yield name

    def stop(self, *names: str) -> None:
        """Stop services, and wait until all are gone."""
        for _ in self.end(*names):
            pass

    def kill(self, name: str) -> None:
        """End a service as a crash would: no signal that it could handle."""
        process = Process.load(self._record(name))
        if process is None:
            raise StackError(f"{name} does not run")
        process.kill()
        self._record(name).unlink()

    def log(self, name: str) -> Path:
        """What a service has written."""
        return self.state / "logs" / f"{name}.log"

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a service as compose would set them, with hosts and paths of this machine."""
        launch = self._launch(self.services[name])
        return {**self._place(self.services[name]).environment, **launch.environment}

    def whole_environment(self, name: str) -> dict[str, str]:
        """All that a service's process sees: its variables, a PATH with its programs, and who the user is."""
        kept = {kept: os.environ[kept] for kept in KEPT_VARIABLES if kept in os.environ}
        launch = self._launch(self.services[name])
        return {**kept, "PATH": search_path(launch.programs), **self.environment(name)}

    def _bring(self, service: Service) -> None:
        """Write a service's configuration, and bring whatever its command needs."""
        self._prepare(service)
        self._launch(service)

    def _start(self, service: Service) -> None:
        launch = self._launch(service)
        if launch.before is not None:
            launch.before()
        environment = self.whole_environment(service.name)
        process = Process.start(
            launch.command, environment, self._folder(service), self.log(service.name), launch.stop_signal
        )
        process.save(self._record(service.name))
        try:
            self._wait(service, launch, process)
        except StackError as error:
            raise StackError(
                f"{error}; the last lines of {self.log(service.name)}:\n{self._last_lines(service)}"
            ) from None

    def _wait(self, service: Service, launch: Launch, process: Process) -> None:
        if service.runs_once:
            if (code := process.wait()) != 0:
                raise StackError(f"{service.name} failed with exit code {code}")
            self._record(service.name).unlink()
            self._done(service.name).touch()
        elif service.health is not None:
            health = service.health
            translation = self._place(service).translation
            command = translation.words(command_of(health, launch.health))
            environment = self.whole_environment(service.name)
            wait_until_healthy(
                service.name, lambda: is_healthy(command, environment, health.timeout), process.alive, health.patience
            )

    def _prepare(self, service: Service) -> None:
        """Make the folders, and write anew what compose would mount."""
        for folder in (self.state / "logs", self.state / "run", self._folder(service)):
            folder.mkdir(parents=True, exist_ok=True)
        place = self._place(service)
        for mount in service.mounts:
            target = place.translation.paths[mount.target]
            if mount.is_bind:
                shutil.rmtree(target, ignore_errors=True)
                place.translation.copy(self.compose_file.parent / mount.source, target)
            else:
                target.mkdir(parents=True, exist_ok=True)
        for inside in service.folders:
            place.path(inside).mkdir(parents=True, exist_ok=True)

    def _place(self, service: Service) -> Place:
        paths = {mount.target: self._native_path(service, mount.source, mount.target) for mount in service.mounts}
        paths |= {folder: self._folder(service) / folder.lstrip("/") for folder in service.folders}
        translation = Translation(tuple(self.services), {**paths, **inside_paths(service)})
        return Place(self._folder(service), translation, translation.values(service.environment))

    def _native_path(self, service: Service, source: str, target: str) -> Path:
        is_bind = source.startswith(".")
        return self._folder(service) / target.lstrip("/") if is_bind else self.state / "volumes" / source

    def _launch(self, service: Service) -> Launch:
        if service.program not in PROGRAMS:
            raise StackError(f"{service.name} needs Docker: no registry has the program of {service.image}")
        return PROGRAMS[service.program](service, self._place(service))

    def _with_needs(self, names: Iterable[str]) -> list[str]:
        wanted: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name not in self.services:
                raise StackError(f"{name}: no such service; known are {', '.join(self.services)}")
            if name not in wanted:
                wanted.add(name)
                pending.extend(self.services[name].needs)
        return [name for name in self.services if name in wanted]

    def _is_up(self, name: str) -> bool:
        return self._done(name).exists() if self.services[name].runs_once else self._alive(name)

    def _alive(self, name: str) -> bool:
        process = Process.load(self._record(name))
        return process is not None and process.alive()

    def _refuse_taken_ports(self, service: Service) -> None:
        for port in service.ports:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex((HOST, port)) == 0:
                    raise StackError(f"port {port} is taken: stop what listens there, {service.name} needs it")

    def _last_lines(self, service: Service) -> str:
        lines = self.log(service.name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-15:])

    def _folder(self, service: Service) -> Path:
        return self.state / service.name

    def _record(self, name: str) -> Path:
        return self.state / "run" / f"{name}.json"

    def _done(self, name: str) -> Path:
        return self.state / "run" / f"{name}.done"
