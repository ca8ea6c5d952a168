"""The commands that the docs show run, against a small lake that one of them makes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from lakehouse_assets.settings import PROJECT
from lakehouse_assets_tests import doc_pages
from lakehouse_assets_tests.doc_pages import PAGES, name_of

RUNBOOK = PROJECT / "docs" / "runbook.md"

ACTIVATE = "source .venv/bin/activate"
"""The one command that stands for something else here: the tests run in an environment of their own."""

SIMULATE = "lakehouse simulate --days 1 --rows-per-day 3000 --last-date 2026-11-20"
WHOLE_WAY = (
    "dagster asset materialize -m lakehouse_assets.definitions "
    """--select 'not (key:"model_tuning" or key:"raw_mnist_images"+)' --partition 2026-11-20"""
)
LAUNCH = """dagster job launch -j ml_pipeline_end_to_end --tags '{"dagster/partition": "2026-11-20"}'"""
PROMOTIONS = 'python -c "from lakehouse_assets_tests.services.ledgers import promote_two; promote_two()"'
"""A small model does not always win, and a rollback needs two that did."""

SECONDS = 480
"""A page with several launches loads the code location for each; on a busy machine that takes half a minute."""


class Lake:
    """A small lake in a folder of its own, and a shell that works on it."""

    def __init__(self, home: Path) -> None:
        programs = Path(sys.executable).parent
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAKEHOUSE_", "DAGSTER_"))}
        self.home = home
        self.environment = kept | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "LAKEHOUSE_HOME": str(home),
            "LAKEHOUSE_RETRIES__TRIES": "0",
            "LAKEHOUSE_MODEL__ROUNDS": "3",
            "LAKEHOUSE_MODEL__BOOTSTRAP_SAMPLES": "50",
        }

    def shell(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a script in the project's folder, stopping at its first failure, each command named on stderr."""
        return subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-v", "-c", script],
            cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip

    def dagster(self, command: str) -> str:
        """Run a command against the lake's own instance; what it said."""
        done = self.shell(f'export DAGSTER_HOME="$LAKEHOUSE_HOME/dagster"\n{command}')
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One simulated day, made the whole way by the runbook's own command, and two promotions."""
    made = Lake(tmp_path_factory.mktemp("docs") / "home")
    instance = "from lakehouse_assets.services.instance import instance_folder as f; from lakehouse_assets.settings "
    done = made.shell(f'{SIMULATE}\npython -c "{instance}import load_settings; f(load_settings())"')
    assert done.returncode == 0, done.stderr
    made.dagster(WHOLE_WAY)
    promoted = made.shell(PROMOTIONS)
    assert promoted.returncode == 0, promoted.stderr
    return made


def test_the_runbook_shows_what_this_file_runs_by_itself() -> None:
    assert WHOLE_WAY in RUNBOOK.read_text(encoding="utf-8")
    assert LAUNCH in doc_pages.table_commands(RUNBOOK, "dagster")
    assert len(only_in_the_table()) >= 6, "the table is not read, or holds no command"


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if doc_pages.run_here(page)], ids=name_of)
def test_the_commands_of_a_page_run(page: Path, lake: Lake) -> None:
    commands = [command for command in doc_pages.run_here(page) if command != ACTIVATE]
    done = lake.shell("\n".join(commands))
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def only_in_the_table() -> list[str]:
    """The commands of the table beside Airflow's that no other test here runs: each costs seconds."""
    run_elsewhere = {*doc_pages.run_here(RUNBOOK), LAUNCH}
    return [command for command in doc_pages.table_commands(RUNBOOK, "dagster") if command not in run_elsewhere]


@pytest.mark.slow
@pytest.mark.parametrize("command", only_in_the_table())
def test_a_command_that_replaces_one_of_airflow_runs(command: str, lake: Lake) -> None:
    lake.dagster(command)


@pytest.mark.slow
def test_what_is_launched_waits_for_the_daemon_of_dagster_dev(lake: Lake) -> None:
    lake.dagster(LAUNCH)
    asked = (
        "from dagster import DagsterInstance\n"
        "with DagsterInstance.get() as instance:\n"
        "    run = instance.get_runs(limit=1)[0]\n"
        "    print(run.job_name, run.status.value, run.tags['dagster/partition'], run.tags['dagster/code_location'])"
    )
    said = lake.dagster(f'python -c "{asked}"')
    named = yaml.safe_load((PROJECT / "workspace.yaml").read_text(encoding="utf-8"))
    location = named["load_from"][0]["python_module"]["location_name"]
    assert said.split() == ["ml_pipeline_end_to_end", "QUEUED", "2026-11-20", location]
