"""What docker-compose.yml says of each service, with the variables of the environment file put in.

Belongs here: reading; this file is the only list of services. Does not: how a service is started.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.native.errors import StackError

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = PROJECT / "docker-compose.yml"

VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Z][A-Z0-9_]*)(?:(?P<how>:[?-])(?P<words>[^}]*))?\})")
DURATION = re.compile(r"(?P<amount>[0-9]+)(?P<unit>ms|s|m|h)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Health:
    """A health check: its command, and how long it may be in vain (seconds)."""

    test: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float

    @property
    def patience(self) -> float:
        """After so many seconds compose would call the service unhealthy."""
        return self.start_period + self.retries * (self.interval + self.timeout)


@dataclass(frozen=True)
class Mount:
    """A file or folder of the project, or a named volume, and where the container sees it."""

    source: str
    target: str

    @property
    def is_bind(self) -> bool:
        """Whether the source is a path of the project."""
        return self.source.startswith(".")


@dataclass(frozen=True)
class Service:
    """One service; `needs` are those that must be healthy, or done, before it."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    folders: tuple[str, ...]
    ports: tuple[int, ...]
    health: Health | None
    needs: tuple[str, ...]
    profiles: tuple[str, ...]
    runs_once: bool
    stop_seconds: float

    @property
    def program(self) -> str:
        """The image without its version."""
        return self.image.rpartition(":")[0]


def read_services(variables: Mapping[str, str], file: Path = COMPOSE_FILE) -> dict[str, Service]:
    """The services by name, each after those it needs.

    Raises:
        StackError: a variable that must be set is missing or empty, or two services need each other.
    """
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = {name: _service(name, _filled(raw, variables)) for name, raw in document["services"].items()}
    return {name: found[name] for name in _in_order(found)}


def _service(name: str, raw: Mapping[str, Any]) -> Service:
    entry = [*_words(raw.get("entrypoint")), *_words(raw.get("command"))]
    return Service(
        name=name,
        image=raw["image"],
        command=tuple(entry),
        environment={key: str(value) for key, value in raw.get("environment", {}).items()},
        mounts=tuple(Mount(*text.split(":")[:2]) for text in raw.get("volumes", ())),
        folders=tuple(text.split(":")[0] for text in raw.get("tmpfs", ())),
        ports=tuple(int(text.rpartition(":")[2]) for key in ("ports", "expose") for text in raw.get(key, ())),
        health=_health(raw["healthcheck"]) if "healthcheck" in raw else None,
        needs=tuple(raw.get("depends_on", ())),
        profiles=tuple(raw["profiles"]),
        runs_once=raw.get("restart") == "no",
        stop_seconds=_seconds(raw.get("stop_grace_period", "10s")),
    )


def _health(raw: Mapping[str, Any]) -> Health:
    return Health(
        test=tuple(raw["test"]),
        interval=_seconds(raw["interval"]),
        timeout=_seconds(raw["timeout"]),
        retries=int(raw["retries"]),
        start_period=_seconds(raw["start_period"]),
    )


def _words(value: Any) -> list[str]:
    """A command is a list in this file: a text would be split by a shell's rules."""
    if isinstance(value, str):
        raise StackError(f"{COMPOSE_FILE.name}: write the command {value!r} as a list of words")
    return [str(word) for word in value or ()]


def _seconds(text: str) -> float:
    return sum(int(part["amount"]) * SECONDS[part["unit"]] for part in DURATION.finditer(text))


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A value with its variables put in."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: _value(found, variables), value)
    if isinstance(value, Mapping):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    return value


def _value(found: "re.Match[str]", variables: Mapping[str, str]) -> str:
    name, how = found["name"], found["how"]
    if name is None:
        return "$"
    if variables.get(name):
        return variables[name]
    if how == ":-":
        return found["words"] or ""
    raise StackError(f"{name} is not set: {found['words'] or 'see .env.example'}")


def _in_order(services: Mapping[str, Service]) -> Iterator[str]:
    """Each name after those it needs."""
    seen: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> Iterator[str]:
        if name in path:
            raise StackError(f"{COMPOSE_FILE.name}: these services need each other: {' -> '.join([*path, name])}")
        if name in seen:
            return
        for need in services[name].needs:
            yield from visit(need, (*path, name))
        seen.append(name)
        yield name

    for name in services:
        yield from visit(name, ())
