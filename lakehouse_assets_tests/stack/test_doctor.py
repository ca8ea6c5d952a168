"""The doctor on the real servers: all is in order; a wrong endpoint, password, bucket or role is a line of its own."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.native.shell import write_shell
from deploy.native.stack import Stack
from lakehouse_assets.lake.engines.trino import Trino
from lakehouse_assets.services.doctor import Finding, examine
from lakehouse_assets.settings import load_settings
from lakehouse_assets_tests.stack.lakes import environment

pytestmark = [pytest.mark.stack("lake-init", "trino", "spark-connect", "mlflow"), pytest.mark.timeout(300)]
DOCTORS = "SELECT count(*) FROM hive_prod.information_schema.schemata WHERE schema_name LIKE 'doctor%'"

Examined = Callable[[], dict[str, Finding]]


@pytest.fixture
def examined(stack: Stack, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Examined:
    """Ask everything, with the environment of the pipeline's own service as a test has changed it."""
    if "dagster-code" not in stack.running():
        list(stack.fetch("dagster-code"))  # writes its configuration for this machine
    environment(stack, monkeypatch)
    monkeypatch.setenv("LAKEHOUSE_HOME", str(own_home))
    monkeypatch.setenv("LAKEHOUSE_ENGINE__NAME", "spark")

    def ask() -> dict[str, Finding]:
        load_settings.cache_clear()
        return {one.check: one for one in examine(load_settings())}

    return ask


def states(findings: dict[str, Finding]) -> dict[str, str]:
    return {name: one.state for name, one in findings.items() if one.state != "ok"}


def test_everything_is_in_order_and_nothing_is_left_behind(examined: Examined) -> None:
    findings = examined()
    assert states(findings) == {}, findings
    assert "pipeline may write in hive_prod" in findings["Trino"].said
    assert findings["catalog"].said.endswith("lakehouse may write")
    assert findings["Spark"].said.startswith("the Connect server answers")
    assert Trino(load_settings()).rows(DOCTORS) == [(0,)]


def test_a_shell_on_the_stack_finds_everything_in_order(stack: Stack, tmp_path: Path) -> None:
    list(stack.fetch("dagster-code"))
    file = write_shell(stack)
    assert file.stat().st_mode & 0o777 == 0o600
    run = subprocess.run(
        ["bash", "-c", f"source {file} && lakehouse doctor"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Spark" in run.stdout


@pytest.mark.parametrize(
    ("variable", "value", "check", "what", "fix"),
    [
        ("LAKEHOUSE_CATALOG__PASSWORD", "wrong-one", "catalog", "the role lakehouse is refused",
         "LAKEHOUSE_CATALOG__PASSWORD"),
        ("LAKEHOUSE_CATALOG__URI", "postgresql+psycopg2://nobody@127.0.0.1:5432/lakehouse", "catalog",
         "the role nobody is refused", "LAKEHOUSE_CATALOG__PASSWORD"),
        ("LAKEHOUSE_CATALOG__URI", "postgresql+psycopg2://lakehouse@127.0.0.1:5432/dogster", "catalog",
         "there is no database dogster", "catalog.uri"),
        ("LAKEHOUSE_CATALOG__URI", "postgresql+psycopg2://lakehouse@127.0.0.1:1/lakehouse", "catalog",
         "does not answer", "catalog.uri"),
        ("LAKEHOUSE_STORAGE__WAREHOUSE", "s3://lakehoose/warehouse", "bucket", "there is no bucket lakehoose",
         "storage.warehouse"),
        ("AWS_SECRET_ACCESS_KEY", "wrong-one", "bucket", "put is refused", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_ACCESS_KEY_ID", "wrong-one", "bucket", "put is refused", "AWS_ACCESS_KEY_ID"),
        ("LAKEHOUSE_TRINO__USER", "viewer", "Trino", "viewer may not write in hive_prod", "trino.user"),
        ("LAKEHOUSE_TRINO__PORT", "1", "Trino", "does not answer", "trino.port"),
        ("LAKEHOUSE_MLFLOW__URI", "http://127.0.0.1:8080", "MLflow", "answers /health with", "mlflow.uri"),
        ("DAGSTER_POSTGRES_PASSWORD", "wrong-one", "Dagster's storage", "the role dagster is refused",
         "DAGSTER_POSTGRES_PASSWORD"),
    ],
)  # fmt: skip
def test_one_wrong_thing_is_one_failed_line(
    variable: str, value: str, check: str, what: str, fix: str, examined: Examined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    findings = examined()
    assert states(findings) == {check: "failed"}, findings
    assert findings[check].said.startswith(what)
    assert fix in findings[check].fix
    assert "wrong-one" not in repr(findings)
