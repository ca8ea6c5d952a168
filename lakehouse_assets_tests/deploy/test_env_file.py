"""Secrets are written once, strong, and for their owner alone."""

import subprocess
import sys
from pathlib import Path

from deploy.native.env_file import EXAMPLE, ensure_env_file, read_env_file
from lakehouse_assets_tests.paths import PROJECT


def test_each_bare_name_gets_a_secret_of_its_own(tmp_path: Path) -> None:
    target = tmp_path / "made" / ".env"
    assert ensure_env_file(target)
    assert target.stat().st_mode & 0o777 == 0o600
    example, written = read_env_file(EXAMPLE), read_env_file(target)
    secrets = [written[name] for name, value in example.items() if not value]
    assert len(set(secrets)) == len(secrets) >= 10
    assert all(len(secret) == 48 and secret.isalnum() for secret in secrets)
    assert {name: written[name] for name, value in example.items() if value} == {
        name: value for name, value in example.items() if value
    }


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    target = tmp_path / ".env"
    target.write_text("MINE=1\n")
    assert not ensure_env_file(target)
    assert target.read_text() == "MINE=1\n"


def test_another_stack_has_other_secrets(tmp_path: Path) -> None:
    ensure_env_file(tmp_path / "one")
    ensure_env_file(tmp_path / "two")
    one, two = read_env_file(tmp_path / "one"), read_env_file(tmp_path / "two")
    assert one["POSTGRES_PASSWORD"] != two["POSTGRES_PASSWORD"]


def test_it_runs_on_a_machine_that_has_python_alone() -> None:
    """`make up` needs nothing installed: the module imports only what comes with Python."""
    code = "import sys; sys.path[:0] = ['deploy/native']; import env_file; print(env_file.ENV_FILE.name)"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert run.stdout == ".env\n", run.stderr


def test_comments_and_empty_lines_are_no_variables(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# A=1\n\nB=x=y\n")
    assert read_env_file(file) == {"B": "x=y"}
