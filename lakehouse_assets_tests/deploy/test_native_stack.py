"""The runner keeps its word with any services: order, health, taken ports, early ends, clean stops."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.native.compose import Health
from deploy.native.env_file import ensure_env_file
from deploy.native.errors import StackError
from deploy.native.health import command_of, is_healthy
from deploy.native.processes import Process
from deploy.native.stack import Stack
from lakehouse_assets_tests.paths import PROJECT


def free_ports(number: int) -> list[int]:
    """Ports that nothing listens on."""
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def compose_text(first: int, second: int) -> str:
    """A server, a step that runs once, and a server that needs it; a program that no machine has."""
    health = "interval: 1s, timeout: 5s, retries: 5, start_period: 5s"
    return f"""
services:
  page:
    image: "lakehouse-assets:1"
    profiles: [x]
    command: ["python", "-m", "http.server", "{second}", "--bind", "0.0.0.0"]
    environment: {{PEER: "http://store:{first}", HOST: store}}
    ports: ["127.0.0.1:{second}:{second}"]
    healthcheck: {{test: ["CMD", "wget", "-q", "http://127.0.0.1:{second}/"], {health}}}
    depends_on: {{prepare: {{}}}}
  prepare:
    image: "lakehouse-assets:1"
    profiles: [x]
    restart: "no"
    command: ["python", "/opt/prepare/step.py", "/data/made"]
    volumes: ["./prepare:/opt/prepare:ro", "data:/data"]
    depends_on: {{store: {{}}}}
  store:
    image: "lakehouse-assets:1"
    profiles: [x]
    command: ["python", "-m", "http.server", "{first}", "--bind", "0.0.0.0"]
    ports: ["127.0.0.1:{first}:{first}"]
    healthcheck: {{test: ["CMD-SHELL", "python -c 'from urllib.request import urlopen as u; u(\\"http://127.0.0.1:{first}\\")'"], {health}}}
  elsewhere:
    image: "only/there:1"
    profiles: [x]
"""  # noqa: E501 - a line of YAML


@pytest.fixture
def ports() -> list[int]:
    return free_ports(2)


@pytest.fixture
def stack(tmp_path: Path, ports: list[int]) -> Iterator[Stack]:
    file = tmp_path / "compose.yml"
    file.write_text(compose_text(*ports))
    (tmp_path / "prepare").mkdir()
    (tmp_path / "prepare" / "step.py").write_text("import sys; open(sys.argv[1], 'a').write('once\\n')\n")
    stack = Stack(tmp_path / "state", compose_file=file)
    yield stack
    stack.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_all_that_can_be_had_are_known_before_there_is_an_environment_file(stack: Stack) -> None:
    assert not stack.env_file.exists()
    assert stack.usual == ["store", "prepare", "page"]


@pytest.mark.slow
def test_services_start_after_those_they_need_and_stop_clean(stack: Stack, ports: list[int]) -> None:
    assert list(stack.start("page")) == ["store", "prepare", "page"]
    assert stack.running() == ["store", "page"]
    assert (stack.state / "volumes" / "data" / "made").read_text() == "once\n"
    assert all(listens(port) for port in ports)
    assert stack.env_file.stat().st_mode & 0o777 == 0o600
    assert list(stack.start("page")) == []  # what runs is left alone
    stack.stop()
    assert stack.running() == []
    assert not any(listens(port) for port in ports)
    assert list((stack.state / "run").iterdir()) == []


@pytest.mark.slow
def test_another_process_finds_and_stops_what_was_started(stack: Stack, ports: list[int]) -> None:
    stack.up("store")
    other = Stack(stack.state, compose_file=stack.compose_file)
    assert other.running() == ["store"]
    other.stop()
    assert not listens(ports[0])


@pytest.mark.slow
def test_a_killed_service_is_started_again(stack: Stack, ports: list[int]) -> None:
    stack.up("page")
    stack.kill("store")
    assert stack.running() == ["page"]
    assert not listens(ports[0])
    assert list(stack.start("page")) == ["store"]
    assert (stack.state / "volumes" / "data" / "made").read_text() == "once\n"


@pytest.mark.slow
def test_a_service_that_ends_early_stops_what_was_begun(stack: Stack, ports: list[int], tmp_path: Path) -> None:
    (tmp_path / "prepare" / "step.py").write_text("raise SystemExit('no luck today')\n")
    with pytest.raises(StackError, match=r"(?s)prepare failed with exit code 1; .*no luck today"):
        stack.up("page")
    assert stack.running() == []
    assert not listens(ports[0])


def test_a_taken_port_is_refused_before_anything_starts(stack: Stack, ports: list[int]) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", ports[1]))
        occupant.listen()
        with pytest.raises(StackError, match=f"port {ports[1]} is taken: stop what listens there, page needs it"):
            stack.up("page")
    assert stack.running() == []
    assert not listens(ports[0])


def test_what_has_no_program_here_says_so(stack: Stack) -> None:
    with pytest.raises(StackError, match="elsewhere needs Docker"):
        stack.up("elsewhere")
    with pytest.raises(StackError, match="nothing: no such service; known are store, prepare, page, elsewhere"):
        stack.up("nothing")
    assert "elsewhere" not in stack.native


def test_variables_name_this_machine(stack: Stack, ports: list[int]) -> None:
    environment = stack.environment("page")
    assert environment["PEER"] == f"http://127.0.0.1:{ports[0]}"
    assert environment["HOST"] == "127.0.0.1"


@pytest.mark.slow
def test_a_service_sees_nothing_of_the_shell_it_was_started_from(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the person")
    monkeypatch.setenv("HOME", "/home/person")
    whole = stack.whole_environment("page")
    assert "AWS_SECRET_ACCESS_KEY" not in whole
    assert whole["HOME"] == "/home/person"
    assert whole["PATH"].startswith(str(Path(sys.executable).parent))


@pytest.mark.slow
def test_the_command_is_ended_by_a_signal_with_all_that_it_began(
    stack: Stack, tmp_path: Path, ports: list[int]
) -> None:
    """`up` is told to stop while the second service waits: the first one goes as well."""
    (tmp_path / "prepare" / "step.py").write_text("import time; time.sleep(60)\n")
    code = (
        "import signal, sys; from pathlib import Path; from deploy.native.stack import Stack\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "Stack(Path(sys.argv[1]), compose_file=Path(sys.argv[2])).up('page')\n"
    )
    starting = subprocess.Popen(
        [sys.executable, "-c", code, str(stack.state), str(stack.compose_file)], cwd=PROJECT, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not (stack.state / "run" / "prepare.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert listens(ports[0])
    starting.send_signal(signal.SIGTERM)
    _, said = starting.communicate(timeout=30)
    assert b"KeyboardInterrupt" in said
    assert stack.running() == []
    assert not listens(ports[0])


@pytest.mark.slow
def test_a_group_goes_with_its_children(tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True); sys.stdin.read(); input()"
    waiting = f"import time\ntry:\n    exec({code!r})\nexcept EOFError:\n    time.sleep(60)"
    process = Process.start([sys.executable, "-c", waiting], dict(os.environ), tmp_path, tmp_path / "log")
    deadline = time.monotonic() + 20
    while not (tmp_path / "log").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int((tmp_path / "log").read_text().split()[0])
    process.stop(10)
    assert not process.alive()
    deadline = time.monotonic() + 10
    while (state := _state(child)) not in ("", "Z"):
        assert time.monotonic() < deadline, state
        time.sleep(0.05)


def _state(pid: int) -> str:
    run = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return run.stdout.strip()[:1]


def test_a_number_that_another_process_took_is_left_alone(tmp_path: Path) -> None:
    mine = Process(os.getpid(), "0")
    assert not mine.alive()
    mine.stop(1)  # this very process would end
    process = Process.start(["true"], dict(os.environ), tmp_path, tmp_path / "log")
    assert process.wait() == 0
    assert not process.alive()
    process.save(tmp_path / "record")
    assert Process.load(tmp_path / "record") == process
    assert Process.load(tmp_path / "none") is None


def test_a_health_check_may_fail_hang_or_be_another_here() -> None:
    health = Health(("CMD", "only-in-image", "--now"), 1, 1, 1, 1)
    assert command_of(health, {"only-in-image": ["true"]}) == ["true", "--now"]
    assert command_of(Health(("CMD-SHELL", "a && b"), 1, 1, 1, 1), {}) == ["/bin/sh", "-c", "a && b"]
    environment = {"PATH": os.environ["PATH"]}
    assert is_healthy(["true"], environment, 5)
    assert not is_healthy(["false"], environment, 5)
    assert not is_healthy(["sleep", "30"], environment, 0.1)
    assert not is_healthy(["wget", "-q", f"http://127.0.0.1:{free_ports(1)[0]}/"], environment, 1)


def test_the_rest_server_starts_only_where_it_is_named_or_is_the_catalog(tmp_path: Path) -> None:
    file = tmp_path / "env"
    assert ensure_env_file(file)
    stack = Stack(tmp_path / "state", env_file=file)
    assert "nessie" in stack.native
    assert set(stack.native) - set(stack.usual) == {"nessie"}
    file.write_text(file.read_text().replace("CATALOG_TYPE=sql", "CATALOG_TYPE=rest"))
    assert stack.usual == stack.native
