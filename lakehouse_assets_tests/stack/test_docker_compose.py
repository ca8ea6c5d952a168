"""Compose itself, without an engine, takes the file, each profile alone, and refuses every empty secret."""

import json
import subprocess
from pathlib import Path

import pytest

from deploy.native.env_file import EXAMPLE, ensure_env_file, read_env_file
from deploy.native.fetch import docker_compose
from lakehouse_assets_tests.paths import PROJECT

pytestmark = pytest.mark.stack()

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
