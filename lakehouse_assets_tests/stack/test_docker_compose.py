"""Compose itself, without an engine, takes the file, each profile alone, and refuses every empty secret."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.native.env_file import EXAMPLE, ensure_env_file, read_env_file
from deploy.native.fetch import docker_compose
from lakehouse_assets_tests.paths import PROJECT

pytestmark = pytest.mark.stack()

Make = Callable[..., "subprocess.CompletedProcess[str]"]
SECRETS = sorted(name for name, value in read_env_file(EXAMPLE).items() if not value)


def config(env_file: Path, profile: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [docker_compose(), "--env-file", env_file, "--profile", profile, "config", *options],
        cwd=PROJECT, env={"HOME": str(env_file.parent)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    ensure_env_file(tmp_path / "env")
    return tmp_path / "env"


@pytest.mark.parametrize("profile", ["lakehouse", "ml", "bi", "monitoring", "rest", "*"])
def test_each_profile_is_whole(env_file: Path, profile: str) -> None:
    run = config(env_file, profile, "--quiet")
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("secret", SECRETS)
def test_an_empty_secret_is_refused(env_file: Path, secret: str) -> None:
    lines = env_file.read_text().splitlines()
    env_file.write_text("\n".join(f"{secret}=" if line.startswith(f"{secret}=") else line for line in lines))
    run = config(env_file, "*", "--quiet")
    assert run.returncode != 0
    assert f"required variable {secret} is missing a value: see .env.example" in run.stderr


def test_compose_publishes_only_the_proxy_beyond_this_machine(env_file: Path) -> None:
    read = json.loads(config(env_file, "*", "--format", "json").stdout)
    beyond = [
        (name, port["published"])
        for name, service in read["services"].items()
        for port in service.get("ports", ())
        if port.get("host_ip") != "127.0.0.1"
    ]
    assert beyond == [("proxy", "443")]


@pytest.fixture
def make(env_file: Path, tmp_path: Path) -> Make:
    """`make` in a folder of its own, where `docker compose config` answers and every other command is only said."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\nshift\ncase "$*" in *config*) exec {docker_compose()} "$@";; *) echo "$@";; esac\n')
    docker.chmod(0o755)
    folder = tmp_path / "project"
    folder.mkdir()
    env_file.rename(folder / ".env")
    for name in ("Makefile", "docker-compose.yml", "deploy"):
        (folder / name).symlink_to(PROJECT / name)

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        variables = {"HOME": str(tmp_path), "PATH": f"{docker.parent}:{os.environ['PATH']}"}
        return subprocess.run(["make", *words], cwd=folder, env=variables, capture_output=True, text=True, timeout=60)

    return run


@pytest.mark.parametrize(
    ("profiles", "stopped"),
    [("bi", "redis superset"), ("ml monitoring", "grafana mlflow prometheus"), ("rest", "nessie")],
)
def test_a_profile_stops_alone(profiles: str, stopped: str, make: Make) -> None:
    assert make("down", f"PROFILES={profiles}").stdout == f"--profile * rm --stop --force {stopped}\n"


def test_without_a_name_all_are_stopped_and_a_wrong_one_stops_nothing(make: Make) -> None:
    assert make("down").stdout == "--profile * down\n"
    wrong = make("down", "PROFILES=bo")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "nothing belongs to 'bo' alone; profiles are lakehouse ml bi monitoring rest" in wrong.stderr


def test_the_rest_server_comes_up_where_it_is_the_catalog(make: Make, tmp_path: Path) -> None:
    usual = "--profile lakehouse --profile ml --profile bi --profile monitoring {}up --build --detach --wait\n"
    assert make("up").stdout == usual.format("")
    with (tmp_path / "project" / ".env").open("a") as file:
        file.write("CATALOG_TYPE=rest\n")
    assert make("up").stdout == usual.format("--profile rest ")
